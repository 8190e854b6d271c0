package bounce

import (
	"fmt"
	"time"

	"reputed/checks"
)

// CatchUp is how long after watching began older mails and log lines may still be read. Until then nothing
// is said of what is older while some of it is unread, and what goes on counts as having been under way already.
const CatchUp = 10 * time.Minute

// Already gives the keys of problems that began before anybody watched ([JudgeOptions].Began) and were
// still under way then: what [Judge] finds of them is not news. It is pure.
func Already(c Counts, open func(checks.Key) bool, now time.Time, opt JudgeOptions) map[checks.Key]bool {
	if opt.Began.IsZero() {
		return nil
	}
	if open == nil {
		open = func(checks.Key) bool { return false }
	}
	all := map[checks.Key]bool{}
	note := func(key checks.Key, first, last time.Time) {
		all[key] = all[key] || first.Before(opt.Began) && last.Before(opt.Began.Add(CatchUp))
	}
	tallies, _ := opt.behind(c.Tallies, open)
	for key, g := range opt.groups(tallies) {
		first := g[0].First
		for _, t := range g {
			if t.First.Before(first) {
				first = t.First
			}
		}
		note(key, first, latest(g).Last)
	}
	for _, t := range c.Complaints {
		note(checks.Key{Check: CheckComplaint, Target: t.Target, Source: SourceOf(t.Reporter)}, t.First, t.Last)
	}
	if now.Sub(opt.Began) < CatchUp { // a ramp takes hours
		for _, h := range c.Hours {
			if h.Receiver != "" {
				all[checks.Key{Check: CheckRamp, Target: h.Target, Source: h.Receiver}] = true
			}
		}
	}
	return all
}

// takenSince says when each receiver that refused had accepted a mail after its last refusal; false: one
// has not, or no log says so. It proves less than [recovered], but enough not to report as news what was
// over when watching began; the next refusal is news.
func takenSince(g []Tally, accepted map[receiverOf]Acceptance) (a again, ok bool) {
	last := map[receiverOf]time.Time{}
	for _, t := range g {
		k := receiverOf{t.Target, t.Receiver}
		last[k] = laterOf(last[k], t.Last)
	}
	for k, refused := range last {
		x := accepted[k]
		if x.First.IsZero() || x.Accepted == 0 || x.Refused.Before(refused) {
			return again{}, false
		}
		a.accepted += x.Accepted
		a.first = laterOf(a.first, x.First)
	}
	return a, len(last) > 0
}

// overBefore is the finding about refusals that were over before anybody watched: it is stored, and nobody is told.
func overBefore(key checks.Key, g []Tally, a again, now time.Time, opt JudgeOptions) checks.Finding {
	f := takenAgain(key, g, a, now, opt)
	f.Code, f.At = checks.CodeOverBefore, a.first
	n := 0
	for _, t := range g {
		n += t.Refused + t.Deferred
	}
	f.Summary = fmt.Sprintf("over before it was watched, so nobody was told: %s refused or deferred; %s", checks.Plural(n, "mail"), f.Summary)
	return f
}
