package report

import "time"

// Standing is [Report.Verdict] and [Report.Health] in one line that stays true for as long as it is shown: with the
// times of the clock (of t) in place of ages, which are those of when it was written.
func (r Report) Standing(t Term) string {
	r.clock = t.clockAt(r.Now)
	r.Blind = r.blind()
	return r.Verdict() + "; " + r.Health()
}

// moment is "4 min ago", or "22:31".
func (r Report) moment(at time.Time) string {
	if r.clock == nil || at.IsZero() {
		return ago(at, r.Now)
	}
	return r.clock(at)
}

// at is moment in a sentence: "4 min ago", or "at 22:31".
func (r Report) at(at time.Time) string {
	if r.clock == nil {
		return r.moment(at)
	}
	return "at " + r.moment(at)
}

// lasting is "for 2 h", or "since 22:01".
func (r Report) lasting(since time.Time) string {
	if r.clock == nil {
		return "for " + span(r.Now.Sub(since))
	}
	return "since " + r.clock(since)
}

// coming is "in 12 min", or "23:01".
func (r Report) coming(at time.Time) string {
	if r.clock == nil {
		return ahead(at, r.Now)
	}
	return r.clock(at)
}
