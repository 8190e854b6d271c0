package probes

import (
	"sync"
	"time"
)

// belowLimit is which part of a published limit is used. An operator counts
// differently from us, and our packets bunch up on their way: a client held to exactly
// the limit is over it in some second.
const belowLimit = 0.95

// paceSlack is how much may be made up for after a pause. A timer is late by a
// millisecond or so, which at a few thousand questions a second would cost most of the
// rate; more than this would be a burst.
const paceSlack = 5 * time.Millisecond

// pace spaces the packets of one group evenly, so that no second holds more
// than the limit. It is shared by all rounds of a resolver.
type pace struct {
	each time.Duration // between two packets

	mu   sync.Mutex
	next time.Time // when the next one may go
}

// newPace paces below a limit of perSecond questions a second.
func newPace(perSecond float64) *pace {
	return &pace{each: time.Duration(float64(time.Second) / (perSecond * belowLimit))}
}

// Load is how many questions one group asks in a round, and below what limit: questions a second;
// 0 where none is known.
type Load struct {
	Questions int
	PerSecond float64
}

// Takes is about how long a round over the group lasts if an answer takes rtt: at the pace that is
// kept below its limit, else as fast as so many questions in flight are answered.
func (l Load) Takes(rtt time.Duration) time.Duration {
	inFlight := time.Duration(l.Questions) * rtt / groupInFlight
	if l.PerSecond <= 0 {
		return inFlight
	}
	return max(time.Duration(l.Questions)*newPace(l.PerSecond).each, inFlight)
}

// Takes is about how long a round over all groups lasts: they are asked side by side, with so many
// questions in flight together at most.
func Takes(loads []Load, concurrency int, rtt time.Duration) time.Duration {
	var longest time.Duration
	total := 0
	for _, l := range loads {
		longest = max(longest, l.Takes(rtt))
		total += l.Questions
	}
	return max(longest, time.Duration(total)*rtt/time.Duration(max(concurrency, 1)))
}

// ready is when the next packet may go. Nil never waits.
func (p *pace) ready() time.Time {
	if p == nil {
		return time.Time{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

// take takes the turn of one packet, or says when the next one is.
func (p *pace) take(now time.Time) (ok bool, next time.Time) {
	if p == nil {
		return true, now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.next) {
		return false, p.next
	}
	if earliest := now.Add(-min(paceSlack, p.each)); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(p.each)
	return true, now
}
