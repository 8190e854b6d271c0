package probes

import (
	"sync"
	"time"
)

// belowLimit is the part of a published limit that is used. An operator counts differently
// from us, and packets bunch up on their way: a client that keeps to exactly the limit is
// over it in some second.
const belowLimit = 0.95

// paceSlack is how much lateness may be made up for. A timer is late by a millisecond or so,
// which at a few thousand questions a second would cost most of the rate; more than this
// would be a burst.
const paceSlack = 5 * time.Millisecond

// pace spaces the packets of one group evenly, so that no second holds more than the limit.
// All rounds of a resolver share it. A nil pace never waits.
type pace struct {
	each time.Duration // between two packets

	mu   sync.Mutex
	next time.Time // when the next one may go
}

// newPace paces below a limit of perSecond questions a second.
func newPace(perSecond float64) *pace {
	return &pace{each: time.Duration(float64(time.Second) / (perSecond * belowLimit))}
}

// Load is what one group asks in a round.
type Load struct {
	Questions int
	PerSecond float64 // the limit of its operator, in questions a second; 0: none is known
}

// Takes estimates how long a round over the group lasts if an answer takes rtt: as long as
// the pace below its limit demands, or as the questions that may be in flight at once take.
func (l Load) Takes(rtt time.Duration) time.Duration {
	inFlight := time.Duration(l.Questions) * rtt / groupInFlight
	if l.PerSecond <= 0 {
		return inFlight
	}
	return max(time.Duration(l.Questions)*newPace(l.PerSecond).each, inFlight)
}

// Takes estimates how long a round over all groups lasts. They are asked side by side, with
// at most concurrency questions in flight in all.
func Takes(loads []Load, concurrency int, rtt time.Duration) time.Duration {
	var longest time.Duration
	total := 0
	for _, l := range loads {
		longest = max(longest, l.Takes(rtt))
		total += l.Questions
	}
	return max(longest, time.Duration(total)*rtt/time.Duration(max(concurrency, 1)))
}

// ready returns when the next packet may go.
func (p *pace) ready() time.Time {
	if p == nil {
		return time.Time{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

// take uses the next turn if it has come; else it says when it comes.
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
