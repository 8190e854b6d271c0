package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"reputed/checks"
)

// NothingNew is why nothing is told of an incident that is as it was.
const NothingNew = "nothing new"

// changes compares each incident with what it was and says what happened.
func (f *folder) changes() []Change {
	var known, opened []Change
	for _, w := range f.work {
		if c, ok := f.change(w); ok {
			if w.fresh {
				opened = append(opened, c)
			} else {
				known = append(known, c)
			}
		}
	}
	return append(known, opened...)
}

// change settles one incident: impact, severity, state, title, and whether it is told.
func (f *folder) change(w *working) (Change, bool) {
	inc := &w.now
	moved := f.weigh(inc)
	if !inc.Silenced.IsZero() && !f.in.Now.Before(inc.Silenced) {
		inc.Silenced = time.Time{}
		moved = true
	}
	rise := !w.fresh && inc.Severity.Rank() > w.before.Severity.Rank()
	ended := !w.fresh && inc.allClear()
	inc.State = inc.state(rise)
	if rise {
		// Taking on a minor matter is not taking on what it became.
		inc.AckedBy, inc.AckedAt, inc.Reminded = "", time.Time{}, 0
	}
	slices.SortStableFunc(inc.Members, compareMembers)
	inc.Title = title(inc)

	c := Change{At: f.in.Now, New: w.joined}
	switch {
	case w.fresh:
		c.Kind = Opened
	case ended:
		c.Kind, inc.State, inc.Resolved = Ended, Resolved, f.in.Now
	case rise:
		c.Kind = Worsened
	case len(w.joined) > 0 || len(w.left) > 0 || inc.Severity != w.before.Severity || moved:
		c.Kind = Updated
	default:
		if due, why := f.reminderDue(inc); due {
			c.Kind = Reminder
		} else if why != "" {
			c.Kind, c.Why = Quiet, why
		} else if w.dirty || inc.State != w.before.State {
			c.Kind, c.Why = Quiet, NothingNew
		} else {
			return Change{}, false
		}
	}
	if c.Kind == Opened || c.Kind == Worsened || c.Kind == Ended || c.Kind == Updated && len(w.joined)+len(w.left) > 0 {
		inc.Changed = f.in.Now
	}
	f.tell(&c, w)
	c.Incident = *inc
	return c, true
}

// tell decides whether people hear of a change, and why not.
func (f *folder) tell(c *Change, w *working) {
	inc := &w.now
	least := f.in.Policy.MinSeverity
	switch {
	case c.Kind == Quiet:
		return
	case c.Kind == Updated:
		c.Why = "no rise in severity: told once, shown by status"
	case f.in.Now.Before(inc.Silenced):
		c.Why = "silenced until " + inc.Silenced.UTC().Format(time.RFC3339)
	case c.Kind == Ended && w.before.LastTold.IsZero():
		c.Why = "nobody was told of it, so nobody is told of its end"
	case c.Kind != Ended && inc.Severity.Rank() < least.Rank():
		c.Why = fmt.Sprintf("severity %s is below min_severity %s", inc.Severity, least)
	default:
		c.Tell = true
		if c.Kind != Ended {
			inc.LastTold = f.in.Now
		}
		if c.Kind == Reminder {
			inc.Reminded++
		}
	}
}

// reminderDue says whether an incident is to be told again; if it would be but
// for something, why names it.
func (f *folder) reminderDue(inc *Incident) (due bool, why string) {
	every := time.Duration(0)
	switch inc.Severity {
	case checks.Critical:
		every = f.in.Policy.RemindCritical
	case checks.Major:
		every = f.in.Policy.RemindMajor
	}
	// A last message in the far future is that of a clock which was wrong: silence until
	// then would be silence for years.
	if since := f.in.Now.Sub(inc.LastTold).Abs(); every <= 0 || inc.LastTold.IsZero() || since < every {
		return false, ""
	}
	switch {
	case inc.State == Acknowledged || !inc.AckedAt.IsZero():
		return false, "acknowledged by " + inc.AckedBy
	case inc.State == Clearing:
		return false, "clearing: every question was answered clean once"
	case inc.blind():
		return false, "not reminded: none of its questions has an answer at present"
	}
	return true, ""
}

// state is where an incident stands, apart from being resolved.
func (inc *Incident) state(rise bool) State {
	switch {
	case inc.clearingNow():
		return Clearing
	case !inc.Silenced.IsZero():
		return Silenced
	case !inc.AckedAt.IsZero() && !rise:
		return Acknowledged
	}
	return Open
}

// compareMembers puts the worst first: what is bad before what is clear, by
// severity, then by the mails it cost, then by key.
func compareMembers(a, b Member) int {
	clear := func(m Member) int {
		if m.Clear {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(clear(a), clear(b)),
		-cmp.Compare(a.Finding.Severity.Rank(), b.Finding.Severity.Rank()),
		-cmp.Compare(mails(a.Finding), mails(b.Finding)),
		a.Finding.Key.Compare(b.Finding.Key),
	)
}

// mails is how many mails a finding says were refused; 0 if it counts none.
func mails(f checks.Finding) int {
	n, err := strconv.Atoi(f.Facts[checks.FactCount])
	if err != nil {
		return 0
	}
	return n
}

// title is one line: what the worst member says, and how much more there is.
func title(inc *Incident) string {
	if len(inc.Members) == 0 {
		return inc.Cause
	}
	first := inc.Members[0].Finding
	targets := inc.targets()
	if n := len(targets); n > 1 {
		who := first.Facts[checks.FactListName]
		if who == "" {
			who = first.Facts[checks.FactVendor]
		}
		if who == "" {
			who = first.Key.Source
		}
		return checks.Line(fmt.Sprintf("%d targets, %s among them: %s (%s)", n, first.Target, first.Code.Title(), who), 200)
	}
	more := 0
	for _, m := range inc.Members[1:] {
		if !m.Clear {
			more++
		}
	}
	switch {
	case more == 1:
		return checks.Line(first.Summary, 180) + " (and 1 more finding)"
	case more > 1:
		return checks.Line(first.Summary, 180) + fmt.Sprintf(" (and %d more findings)", more)
	}
	return checks.Line(first.Summary, 200)
}
