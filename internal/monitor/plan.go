package monitor

import (
	"hash/fnv"
	"time"
)

// setBack is how far the clock must have gone back before the slots are planned anew. A time
// daemon steps by less, and repeating a slot for that would be noise.
const setBack = time.Minute

// maxMissed bounds the count of missed slots. Nobody needs to know that there were more, and
// counting those of a year would take long.
const maxMissed = 1000

// plan says when one job is due next. It depends only on the times that it is given, which may
// jump forwards and back.
type plan struct {
	schedule Schedule
	jitter   time.Duration // how much later than its time each slot is due
	next     time.Time     // slot; zero: none
	seen     time.Time     // the latest time given since the slots were planned anew
	fresh    bool          // it is not known when the job last ran
}

// newPlan plans from now on. Last is when the job ran before this process began, or zero: a
// slot that was missed since then is due at once.
func newPlan(s Schedule, jitter time.Duration, last, now time.Time) *plan {
	fresh := last.IsZero() || last.After(now) // after now: the clock was wrong then, or is now
	if fresh {
		last = now
	}
	return &plan{schedule: s, jitter: jitter, next: s.Next(last), seen: now, fresh: fresh}
}

// due says whether a slot has come, which one, and how many before it were missed: these
// become one run, so that nothing piles up after a suspend.
func (p *plan) due(now time.Time) (slot time.Time, missed int, ok bool) {
	if p.seen.Sub(now) >= setBack {
		// Otherwise a clock that was years ahead at boot would silence the job for years.
		p.next, p.seen = p.schedule.Next(now), now
	}
	if now.After(p.seen) { // not set back by a small step: many of them are as bad as a large one
		p.seen = now
	}
	if p.next.IsZero() || now.Before(p.at()) {
		return time.Time{}, 0, false
	}
	slot = p.next
	for p.next = p.schedule.Next(slot); !p.next.IsZero() && !now.Before(p.at()); p.next = p.schedule.Next(slot) {
		if missed++; missed == maxMissed {
			p.next = p.schedule.Next(now)
			break
		}
		slot = p.next
	}
	return slot, missed, true
}

// at returns when the next slot is due; zero: never.
func (p *plan) at() time.Time {
	if p.next.IsZero() {
		return time.Time{}
	}
	return p.next.Add(p.jitter)
}

// Jitter returns how much later than its slots the job of that name is due. It follows from
// the name, evenly spread from 0 to max and the same at every start, so that jobs with the
// same schedule do not all begin at once.
func Jitter(name string, max time.Duration) time.Duration {
	if max <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return time.Duration(h.Sum64() % uint64(max))
}
