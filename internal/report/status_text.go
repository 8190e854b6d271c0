package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
)

// Write renders the report.
func (r Report) Write(w io.Writer, t Term, f Format) error {
	switch f {
	case JSON:
		return writeJSON(w, statusOf(r))
	case Plugin:
		text, data := r.plugin()
		return writePlugin(w, r.Level(), text, data)
	}
	p := &page{Term: t}
	verdict := r.Verdict() + "."
	if r.past() {
		verdict = p.stamp(r.Now) + " (" + ago(r.Now, r.LookedAt) + "): " + verdict
	}
	p.para(0, "", plain, verdict, r.Level().style())
	healthStyle := plain
	if r.Blind != "" {
		healthStyle = unknown
	}
	p.para(0, "Monitor: ", plain, r.Health()+".", healthStyle)
	for _, v := range r.Loud {
		p.blank()
		r.incident(p, v)
	}
	r.trouble(p)
	r.ratings(p)
	r.quiet(p)
	if r.past() && !r.unstored() {
		p.blank()
		p.para(0, "", plain, "Ages are as of then. Told from changes, events and rounds as they are stored; deliveries were counted then, and are not kept with it.", faint)
	}
	if len(r.Resolved) > 0 {
		p.heading("Lately resolved")
		for _, i := range r.Resolved {
			p.para(2, fmt.Sprintf("#%-4d", i.ID), plain, fmt.Sprintf("%s, resolved %s after %s", clean(i.Title), ago(i.Resolved, r.Now), span(i.Resolved.Sub(i.Opened))), plain)
		}
	}
	return p.writeTo(w)
}

// field writes one labelled line of an incident.
func (p *page) field(label, s string, st style) {
	if s != "" {
		p.para(6, fmt.Sprintf("%-8s", label), faint, s, st)
	}
}

// incident is one incident in status: enough to decide what to do first.
func (r Report) incident(p *page, v IncidentView) {
	i := v.Incident
	p.headline(i)
	since := p.clock(i.Opened, r.Now) + ", " + ago(i.Opened, r.Now)
	if already := i.Already(); already != "" {
		since += " (" + already + ")"
	}
	if i.Relapses > 0 {
		since += ", came back " + plural(i.Relapses, "time", "times") + " within 30 days"
	}
	p.field("since", since, plain)
	p.field("state", p.state(i, r.Now), plain)
	switch {
	case !i.CostsMail():
	case r.past() && !i.Impact.Counted():
		p.field("cost", "no refusal is stored of the time before", plain)
	default:
		p.field("cost", p.Cost(i.Impact, r.Now), plain)
	}
	again := slices.DeleteFunc(i.Impact.Recoveries(), func(v checks.Recovery) bool { return v.Again <= 0 })
	for _, v := range again[:min(maxAgain, len(again))] {
		p.field("again", p.recovered(v, r.Now), plain)
	}
	if rest := len(again) - maxAgain; rest > 0 {
		p.field("", fmt.Sprintf("and %s more: reputed incident show %d", number(rest), i.ID), faint)
	}
	if len(v.Suspicion.Suspects) > 0 {
		p.field("suspect", v.Suspicion.Suspects[0].String(), plain)
	}
	if m, ok := firstOpen(i); ok {
		p.evidence(m.Finding)
		if also := v.others(m); len(also) > 0 {
			p.field("also", someOf(also, 4, v.open()-1), plain)
		}
		if !m.Unknown.IsZero() {
			p.field("but", "not answered "+p.since(m.Unknown, r.Now)+"; that neither opens nor closes anything", unknown)
		}
	}
	if step, ok := firstStep(v.Remediation); ok {
		p.field("next", clean(step.Text), strong)
		p.field("", clean(step.URL), plain)
		if step.Command != "" {
			p.command(14, step.Command)
		}
	}
	p.field("more", fmt.Sprintf("reputed incident show %d", i.ID), plain)
}

// maxAgain is how many of those that take mail again one incident shows in status.
const maxAgain = 2

// headline is "#12  MAJOR  192.0.2.10 is listed by SpamCop".
func (p *page) headline(i alerts.Incident) {
	word, s := severityWord(i.Severity)
	number := fmt.Sprintf("#%-4d ", i.ID)
	label := fmt.Sprintf("%-9s", strings.ToUpper(word))
	hang := len(number) + len(label)
	first := p.paint(strong, number) + p.paint(s, label)
	for _, l := range wrap(clean(i.Title), p.room(hang)) {
		p.line(first, p.paint(strong, l))
		first = strings.Repeat(" ", hang)
	}
}

// state says who has an incident in hand.
func (t Term) state(i alerts.Incident, now time.Time) string {
	s := ""
	switch i.State {
	case alerts.Open:
		s = fmt.Sprintf("nobody has acknowledged it (reputed incident ack %d)", i.ID)
	case alerts.Acknowledged:
		s = "acknowledged by " + checks.Line(cmp.Or(i.AckedBy, "somebody"), 60) + " " + t.since(i.AckedAt, now)
	case alerts.Silenced:
		s = "silenced until " + t.clock(i.Silence.Until, now)
		if i.Silence.By != "" {
			s += " by " + checks.Line(i.Silence.By, 60)
		}
		if i.Silence.Reason != "" {
			s += ": " + checks.Line(i.Silence.Reason, 200)
		}
	case alerts.Clearing:
		s = "clearing: answered clean once, to be confirmed"
		if !i.Flapping.IsZero() {
			s = fmt.Sprintf("comes and goes, %d times within a day: held until it has been clean for a day", (len(i.Turns)+1)/2)
		}
	case alerts.Resolved:
		s = "resolved " + t.since(i.Resolved, now)
	default:
		s = clean(string(i.State))
	}
	if i.Note != "" {
		s += "; note: " + checks.Line(i.Note, 200)
	}
	return s
}

// evidence is the question and the literal answer of a finding.
func (p *page) evidence(f checks.Finding) {
	for n, e := range checks.Distinct(f.Evidence) {
		if n == 2 { // the rest is in incident show
			break
		}
		if e.Question != "" {
			p.field("asked", clean(e.Question), plain)
		}
		p.field("answer", clean(e.Answer), plain)
		p.field("says", clean(e.Reason), plain)
		p.field("proof", clean(e.Proof), plain)
	}
}

// firstOpen is the worst member that is not clear.
func firstOpen(i alerts.Incident) (alerts.Member, bool) {
	for _, m := range i.Members {
		if !m.Clear {
			return m, true
		}
	}
	return alerts.Member{}, false
}

// open is how many members are not clear.
func (v IncidentView) open() int {
	return max(v.Open, count(v.Incident.Members, func(m alerts.Member) bool { return !m.Clear }))
}

// others are the summaries of the open members but one.
func (v IncidentView) others(but alerts.Member) []string {
	var out []string
	for _, m := range v.Incident.Members {
		if len(out) > mostOthers {
			break
		}
		if !m.Clear && m.Finding.Key != but.Finding.Key {
			out = append(out, checks.Line(m.Finding.Summary, 120))
		}
	}
	return out
}

// mostOthers is more than anybody names.
const mostOthers = 16

// firstStep is the first thing to do of the first runbook that has any.
func firstStep(rs []checks.Remediation) (checks.Step, bool) {
	for _, r := range rs {
		if len(r.Steps) > 0 {
			return r.Steps[0], true
		}
	}
	return checks.Step{}, false
}

// trouble is what is wrong with the monitor itself, and nothing that is right.
func (r Report) trouble(p *page) {
	started := false
	begin := func() {
		if !started {
			p.heading("What the monitor cannot do")
			started = true
		}
	}
	say := func(label, s string) {
		begin()
		p.para(2, fmt.Sprintf("%-9s", label), unknown, s, plain)
	}
	if r.Config != "" {
		say("config", clean(r.Config))
	}
	for _, g := range r.silentGroups() {
		begin()
		p.trouble(g)
	}
	r.partTroubles(p.Term, say)
	r.unanswered(p.Term, say)
}

// partTroubles says what is wrong with mailboxes and channels.
func (r Report) partTroubles(t Term, say func(label, s string)) {
	for _, o := range r.Own {
		say(checks.Line(o.Part, 20), fmt.Sprintf("%s: %s", t.since(o.Since, r.Now), clean(o.What)))
	}
	for _, m := range r.Mailboxes {
		name := checks.Line(m.Name, 60)
		switch {
		case !m.Failing.IsZero():
			say("mailbox", fmt.Sprintf("%s cannot be read %s: %s", name, t.since(m.Failing, r.Now), clean(m.Error)))
		case m.untried():
			say("mailbox", name+" has never been read")
		case m.After != "":
			say("mailbox", fmt.Sprintf("%s is read, but: %s", name, clean(m.After)))
		}
	}
	for _, l := range r.Logs {
		name := checks.Line(l.Name, 60)
		switch odd := l.odd(); {
		case !l.Failing.IsZero():
			say("log", fmt.Sprintf("%s cannot be read %s: %s", name, t.since(l.Failing, r.Now), clean(l.Error)))
		case l.untried():
			say("log", name+" has never been read")
		case odd != "":
			say("log", name+": "+odd)
		case !l.GapAt.IsZero() && r.Now.Sub(l.GapAt) < gapShown:
			say("log", fmt.Sprintf("%s: %s (%s)", name, clean(l.Gap), ago(l.GapAt, r.Now)))
		}
	}
	for _, c := range r.Channels {
		name := checks.Line(c.Name, 60)
		switch {
		case !c.Failing.IsZero():
			say("channel", fmt.Sprintf("%s takes nothing %s, %s waiting: %s", name, t.since(c.Failing, r.Now), plural(c.Queued, "notice", "notices"), clean(c.Error)))
		case c.Queued > 0 && r.Now.Sub(c.Oldest) > 5*time.Minute:
			say("channel", fmt.Sprintf("%s: %s waiting, the oldest %s", name, plural(c.Queued, "notice", "notices"), t.since(c.Oldest, r.Now)))
		}
	}
}

// unanswered says of what we publish nothing has been known for days.
func (r Report) unanswered(t Term, say func(label, s string)) {
	if len(r.Unanswered) == 0 {
		return
	}
	const few = 3
	var parts []string
	for _, u := range r.Unanswered[:min(few, len(r.Unanswered))] {
		parts = append(parts, clean(u.What)+" of "+clean(u.Target))
	}
	s := strings.Join(parts, ", ")
	if more := len(r.Unanswered) - few; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	say("identity", s+": no answer "+t.since(r.Unanswered[0].Since, r.Now)+", so that it is not known what receivers see")
}

// gapShown is how long status tells that something of a log was lost: as long as it is missing
// in what is counted.
const gapShown = 24 * time.Hour

// silentGroups groups the lists without an answer as a check does, but for those that an
// incident shows already.
func (r Report) silentGroups() []trouble {
	c := &Check{}
	shown := r.listsShown()
	for _, l := range r.Silent {
		if shown[l.ID] {
			continue
		}
		c.tallies = append(c.tallies, &ListTally{
			Zone: blocklists.Zone{ID: l.ID, Title: l.Name, Operator: l.Operator}, Asked: 1,
			Verdicts: map[blocklists.Class]int{l.Verdict: 1}, Trouble: l.Verdict, Why: l.Why, Advice: l.Advice,
		})
	}
	return c.troubles()
}

// listsShown are the lists whose trouble an incident shows, whether it is told or silenced by a person.
func (r Report) listsShown() map[string]bool {
	shown := map[string]bool{}
	for _, v := range slices.Concat(r.Loud, r.Silence) {
		if v.quietList() {
			continue
		}
		for _, m := range v.Incident.Members {
			if t := m.Finding.Target; t.Kind == checks.KindList && !m.Clear {
				shown[t.Name] = true
			}
		}
	}
	return shown
}

// aboutLists says whether an incident is about lists that cannot be used and nothing else.
func (v IncidentView) aboutLists() bool {
	return len(v.Incident.Members) > 0 && !slices.ContainsFunc(v.Incident.Members, func(m alerts.Member) bool { return m.Finding.Target.Kind != checks.KindList })
}

// quietList says whether an incident is that of a list of little weight, which stands under what
// the monitor cannot do, with the reason.
func (v IncidentView) quietList() bool {
	return v.aboutLists() && v.Incident.State != alerts.Silenced && v.Incident.Severity.Rank() <= checks.Informational.Rank()
}

// maxQuiet is how many decisions not to tell are shown; the newest say what is going on.
const maxQuiet = 8
