package monitor

import (
	"hash/fnv"
	"time"
)

// setBack is how far the clock must have gone back before slots are planned
// anew. A time daemon steps by less, and a slot repeated for that would be noise.
const setBack = time.Minute

// maxMissed bounds the count of slots that were slept through. Nobody needs to
// know that it was more, and counting a year of them would take long.
const maxMissed = 1000

// plan is when one job is due next: a pure function of the times it is handed,
// which may jump either way.
type plan struct {
	schedule Schedule
	jitter   time.Duration // each slot is due so much later
	next     time.Time     // slot; zero: none
	seen     time.Time     // the latest time handed in since slots were planned anew
	fresh    bool          // it is not known when the job last ran
}

// newPlan starts at now. With last, the slot of the run before this process began,
// a slot that was missed in between is due at once.
func newPlan(s Schedule, jitter time.Duration, last, now time.Time) *plan {
	fresh := last.IsZero() || last.After(now) // a last run in the future is a clock that was wrong
	if fresh {
		last = now
	}
	return &plan{schedule: s, jitter: jitter, next: s.Next(last), seen: now, fresh: fresh}
}

// due says whether a slot has come, which, and how many before it were missed:
// they coalesce into the one, so that nothing piles up after a suspend.
func (p *plan) due(now time.Time) (slot time.Time, missed int, ok bool) {
	if p.seen.Sub(now) >= setBack {
		// Otherwise a clock that was years ahead at boot would silence the job for years.
		p.next, p.seen = p.schedule.Next(now), now
	}
	if now.After(p.seen) { // many small steps back are as bad as one
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

// at is when the next slot is due; zero: never.
func (p *plan) at() time.Time {
	if p.next.IsZero() {
		return time.Time{}
	}
	return p.next.Add(p.jitter)
}

// Jitter is how much later than its slots the job of that name is due: the same
// at every start, evenly spread over 0 to max by the name, so that jobs with one
// schedule, and machines with differently named jobs, do not ask all at once.
func Jitter(name string, max time.Duration) time.Duration {
	if max <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return time.Duration(h.Sum64() % uint64(max))
}
