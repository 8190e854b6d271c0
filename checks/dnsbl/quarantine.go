package dnsbl

import (
	"time"

	"reputed/checks"
)

// Failing is how a list did in the runs before this one.
type Failing struct {
	Runs  int       // in a row in which it failed its controls or had no answer; 0: it worked in the last
	Since time.Time // when the first of these was
	Last  time.Time // when the latest of these was
}

const (
	// lasting is how many runs in a row a list must fail before that is more than a
	// bad moment.
	lasting = 3
	// A list that goes on failing is tested again after firstRetest, then after
	// twice as long each time, at least once in lastRetest: asking a dead list every half
	// hour costs time, and some of their former operators complain of it.
	firstRetest = time.Hour
	lastRetest  = 24 * time.Hour
)

// Lasts says whether the list has failed for so long that it is in quarantine: it
// is asked only now and then, and people are told of it once.
func (f Failing) Lasts() bool { return f.Runs >= lasting }

// Retest is when the list is to be asked again; the zero time, which is always
// past, while it is not in quarantine.
func (f Failing) Retest() time.Time {
	if !f.Lasts() {
		return time.Time{}
	}
	wait := firstRetest
	for range f.Runs - lasting {
		if wait *= 2; wait >= lastRetest {
			wait = lastRetest
			break
		}
	}
	return f.Last.Add(wait)
}

// noticeSeverity is how loudly it is told that a list gives no verdict. It costs no mail, so
// nobody is woken; but a list that receivers use and that we cannot ask is a blind spot, and is
// told once. A list that merely does not answer is told when that lasts.
func (r *run) noticeSeverity(l *list, s standing) checks.Severity {
	if checks.Severity(l.zone.Severity).Rank() <= checks.Informational.Rank() {
		return checks.Informational
	}
	if s.state == Unknown && r.Options.Failing[l.zone.ID].Runs+1 < lasting {
		return checks.Informational
	}
	return checks.Minor
}
