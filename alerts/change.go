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

// whenFormat is a time in a reason, which people read.
const whenFormat = "2006-01-02 15:04 MST"

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
	if !inc.Silence.Until.IsZero() && !inc.Silence.Holds(f.in.Now) {
		inc.Silence = Silence{}
		moved = true
	}
	rise := !w.fresh && (inc.Severity.Rank() > w.before.Severity.Rank() || graver(w) || f.louder(w))
	ended, flapped := f.turned(w)
	inc.State = inc.state(rise)
	if rise {
		// Taking on a minor matter is not taking on what it became.
		inc.AckedBy, inc.AckedAt, inc.Reminded = "", time.Time{}, 0
		inc.Paged, inc.Escalated = time.Time{}, time.Time{}
	}
	slices.SortStableFunc(inc.Members, compareMembers)
	inc.Title = title(inc)

	c := Change{At: f.in.Now, New: w.joined}
	switch {
	case w.fresh:
		c.Kind = Opened
	case flapped:
		c.Kind = Flapped
	case ended:
		c.Kind, inc.State, inc.Resolved = Ended, Resolved, f.in.Now
	case rise:
		c.Kind = Worsened
	case len(w.joined) > 0 || len(w.left) > 0 || inc.Severity != w.before.Severity || moved:
		c.Kind = Updated
	default:
		kind, why := f.due(inc)
		news, threads := f.newsDue(inc)
		switch {
		case kind != "":
			c.Kind = kind
		case news != nil: // told, and yet no message: neither reminders nor escalations reckon from it
			c.Kind, c.News, c.Tell, c.Channels = Updated, news, true, threads
			inc.Said = f.in.Now
			c.Incident = *inc
			return c, true
		case why != "":
			c.Kind, c.Why = Quiet, why
		case w.dirty || inc.State != w.before.State || drifted(w.before.Impact, inc.Impact):
			c.Kind, c.Why = Quiet, NothingNew
		default:
			return Change{}, false
		}
	}
	if c.Kind == Opened || c.Kind == Worsened || c.Kind == Ended || c.Kind == Flapped || c.Kind == Updated && len(w.joined)+len(w.left) > 0 {
		inc.Changed = f.in.Now
	}
	f.tell(&c, w)
	c.Incident = *inc
	return c, true
}

// graver says whether something has joined that is graver by itself than all that the incident
// had: who took on refusals that were critical because there were many has not taken on an entry in a
// list that stops mail everywhere, though the severity stays as it was.
func graver(w *working) bool {
	var had, joined checks.Severity
	for _, m := range w.before.Members {
		had = checks.Worse(had, m.Finding.Severity)
	}
	for _, m := range w.now.Members {
		if !m.Clear && slices.Contains(w.joined, m.Finding.Key) {
			joined = checks.Worse(joined, m.Finding.Severity)
		}
	}
	return joined.Rank() > had.Rank() && joined.Rank() >= w.now.Severity.Rank()
}

// louder says whether what was told as a notice has become a page of the same severity, as the few mails that it cost have
// become many: who sleeps has not heard of it. Who has taken it on has.
func (f *folder) louder(w *working) bool {
	was, is := &w.before, &w.now
	return is.Paged.IsZero() && is.AckedAt.IsZero() && !is.LastTold.IsZero() &&
		is.Impact.Refusals() > was.Impact.Refusals() && f.in.Policy.Class(was) == Notice && f.in.Policy.Class(is) == Page
}

// turned says whether an incident has come to its end, and whether it has done so too
// often to be believed: then it is held open until it has been clean for a while.
func (f *folder) turned(w *working) (ended, flapped bool) {
	inc, was := &w.now, !w.now.Flapping.IsZero()
	clear := inc.allClear()
	switch {
	case w.fresh:
		inc.turn(f.in.Now)
	case clear && was && len(w.left) == 0:
		return inc.calm(f.in.Now), false
	case clear, was && len(w.joined) > 0: // a return of what flaps is a turn too
		if inc.turn(f.in.Now) {
			if !was {
				inc.Flapping = f.in.Now
			}
			return false, !was
		}
		return true, false
	}
	return false, false
}

// tell decides whether people hear of a change, who tells them and when, and why not.
func (f *folder) tell(c *Change, w *working) {
	inc, policy := &w.now, f.in.Policy
	class := policy.Class(inc)
	channels, nobody := policy.route(inc, c.Kind)
	// What joins may belong to somebody who has not heard of the incident. To whom it is new, it is told as opened.
	first := without(channels, inc.Told)
	spreads := c.Kind == Updated && len(policy.Routes) > 0 && len(w.joined) > 0 && len(first) > 0
	if spreads && !awaited(w.joined) {
		channels = first
	}
	switch {
	case c.Kind == Quiet:
	case c.Kind == Updated && !inc.Flapping.IsZero() && !(spreads && w.added):
		c.Why = inc.flapping()
	case c.Kind == Updated && !awaited(w.joined) && !spreads:
		c.Why = "no rise in severity: told once, shown by status"
		if len(policy.threads(inc)) > 0 {
			c.Why = "no rise in severity: nobody is called; shown by status, and in the thread of its message"
		}
	case inc.Silence.Holds(f.in.Now) && c.Kind != SilenceEnding:
		c.Why = "silenced until " + inc.Silence.Until.UTC().Format(whenFormat)
	case c.Kind == Worsened && !inc.Flapping.IsZero() && !w.added:
		c.Why = inc.flapping()
	case c.Kind == Ended && w.before.LastTold.IsZero():
		c.Why = "nobody was told of it, so nobody is told of its end"
	case c.Kind != Ended && class == Digested:
		c.Why = fmt.Sprintf("severity %s is below min_severity %s: for the daily digest", inc.Severity, policy.MinSeverity)
		if policy.MinSeverity.Rank() <= checks.Informational.Rank() {
			c.Why = "informational: for the daily digest"
		}
	case len(channels) == 0:
		c.Why = nobody
	default:
		c.Tell, c.Channels = true, channels
		if spreads || len(inc.Told) > 0 && (c.Kind == Updated || c.Kind == Worsened || c.Kind == Reminder) {
			c.First = first
		}
		// The end of what woke somebody may be told to who is awake.
		if class != Page && (c.Kind != Ended || inc.Paged.IsZero()) {
			if end, quiet := policy.Quiet.Until(f.in.Now); quiet {
				c.NotBefore, c.Why = end, "quiet hours: held until "+end.UTC().Format(whenFormat)
			}
		}
		f.told(c, inc, class)
	}
}

// awaited says whether somebody waits for what has joined: whoever asked for a removal has
// nothing else to be woken by when it does not come.
func awaited(joined []checks.Key) bool {
	return slices.ContainsFunc(joined, func(k checks.Key) bool { return k.Check == CheckRequest })
}

// told writes down in the incident that a change of it is told.
func (f *folder) told(c *Change, inc *Incident, class Class) {
	elsewhere := len(inc.Told) > 0 && len(c.First) == len(c.Channels)
	inc.Told = union(inc.Told, c.Channels)
	switch c.Kind {
	case Ended:
		return
	case SilenceEnding:
		inc.Silence.Noted = true
		return
	case Escalated:
		inc.Escalated = f.in.Now
	case Reminder:
		inc.Reminded++
	}
	if elsewhere {
		inc.Said = inc.said() // those who knew of it have yet to hear of what joined
	} else {
		inc.Said = time.Time{}
	}
	inc.LastTold = f.in.Now
	if class == Page && inc.Paged.IsZero() {
		inc.Paged = f.in.Now
	}
}

// due is what time alone makes of an incident: the note that a silence ends, an
// escalation, a reminder. Where one would be due but for something, why names it.
func (f *folder) due(inc *Incident) (kind ChangeKind, why string) {
	if s := inc.Silence; !s.Until.IsZero() && !s.Noted && len(inc.Told) > 0 && !f.in.Now.Before(s.ends()) {
		return SilenceEnding, ""
	}
	if f.escalationDue(inc) {
		return Escalated, ""
	}
	due, why := f.reminderDue(inc)
	if due {
		return Reminder, ""
	}
	return "", why
}

// escalationDue says whether a page has gone unanswered for too long. What has no answer
// itself, or is on its way out, wakes nobody else.
func (f *folder) escalationDue(inc *Incident) bool {
	e := f.in.Policy.Escalate
	return e.After > 0 && len(e.Channels) > 0 && !inc.Paged.IsZero() && inc.Escalated.IsZero() &&
		(f.in.Now.Sub(inc.Paged) >= e.After || f.in.Now.Sub(inc.Paged) < -clockStep) && // as with reminders
		inc.AckedAt.IsZero() && inc.State == Open && inc.Flapping.IsZero() &&
		f.in.Policy.Class(inc) == Page && !inc.blind()
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
	// A last message in the future is that of a clock which was wrong: silence until
	// then would be silence for hours, or for years.
	since := f.in.Now.Sub(inc.LastTold)
	if every <= 0 || inc.LastTold.IsZero() || since < every && since >= -clockStep {
		return false, ""
	}
	switch {
	case inc.State == Acknowledged || !inc.AckedAt.IsZero():
		return false, "acknowledged by " + inc.AckedBy
	case !inc.Flapping.IsZero():
		return false, inc.flapping()
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
	case !inc.Silence.Until.IsZero():
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
		open := inc.Members // worst first, so that what is clear comes last
		if k := slices.IndexFunc(open, func(m Member) bool { return m.Clear }); k > 0 {
			open = open[:k]
		}
		return checks.Line(fmt.Sprintf("%s, %s among them: %s (%s)", Things(n, open), first.Target, first.Code.Title(), who), 200)
	}
	more := 0
	for _, m := range inc.Members[1:] {
		if !m.Clear {
			more++
		}
	}
	switch {
	case more > 0:
		return checks.Line(first.Summary, 180) + " (and " + checks.Plural(more, "more finding") + ")"
	}
	return checks.Line(first.Summary, 200)
}
