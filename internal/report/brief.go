package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// This file gives the words of the report to a renderer outside this package, such as the
// page. They are those that the terminal shows, so that the two cannot disagree. All of it is clean
// (checks.Line), and none of it is encoded for anything.

// Brief is what an incident comes down to: enough to decide what to do first.
type Brief struct {
	ID       int64
	Title    string
	Severity checks.Severity
	Word     string // the severity as people read it: "info"
	State    alerts.State
	Hands    string // who has it in hand: "acknowledged by kim since 09:40, 2 h ago"
	Opened   time.Time
	Since    string // "09:40, 2 h ago", with what is special about it
	Cost     string // empty: it is not about mail
	Refusals int    // what all receivers refused or deferred
	Evidence []checks.Evidence
	Also     []string  // other findings that are open, of very many the worst
	Others   int       // how many of them there are
	Unknown  time.Time // since when its worst finding has had no answer; zero: it has
	Next     checks.Step
	Note     string
}

// Brief is an incident in the words of this terminal's clock.
func (t Term) Brief(v IncidentView, now time.Time) Brief {
	i := v.Incident
	word, _ := severityWord(i.Severity)
	b := Brief{ID: i.ID, Title: clean(i.Title), Severity: i.Severity, Word: word, State: i.State, Opened: i.Opened,
		Since: t.clock(i.Opened, now) + ", " + ago(i.Opened, now), Hands: t.hands(i, now), Note: checks.Line(i.Note, 200)}
	if already := i.Already(); already != "" {
		b.Since += ", " + already
	}
	if i.Relapses > 0 {
		b.Since += ", came back " + plural(i.Relapses, "time", "times") + " within 30 days"
	}
	if i.CostsMail() {
		b.Cost, b.Refusals = t.Cost(i.Impact, now), i.Impact.Refusals()
	}
	if m, ok := firstOpen(i); ok {
		b.Evidence = cleanEvidence(checks.Distinct(m.Finding.Evidence))
		b.Also, b.Others = v.others(m), v.open()-1
		b.Unknown = m.Unknown
	}
	if s, ok := firstStep(v.Remediation); ok {
		b.Next = cleanStep(s)
	}
	return b
}

// hands says who has an incident in hand, without the command that a terminal shows with it.
func (t Term) hands(i alerts.Incident, now time.Time) string {
	i.Note = ""
	if i.State == alerts.Open {
		return "nobody has acknowledged it"
	}
	return t.state(i, now)
}

func cleanEvidence(all []checks.Evidence) []checks.Evidence {
	out := make([]checks.Evidence, 0, len(all))
	for _, e := range all {
		out = append(out, checks.Evidence{Question: clean(e.Question), Answer: clean(e.Answer), Reason: clean(e.Reason), Via: clean(e.Via),
			Controls: clean(e.Controls), Proof: clean(e.Proof), At: e.At})
	}
	return out
}

// cleanStep has a link only if it may be shown.
func cleanStep(s checks.Step) checks.Step {
	return checks.Step{Text: clean(s.Text), URL: checks.Link(s.URL), Command: clean(s.Command)}
}

// Runbook is a remediation ready to be shown, step by step.
type Runbook struct {
	ID    string
	Title string
	Steps []RunbookStep
	Who   string // who may ask
	Takes string
	Again string // when one may ask again
	Never []string
}

// RunbookStep is one step of a runbook.
type RunbookStep struct {
	checks.Step
	Above string // not empty: an earlier runbook said this step already, and this is its name
}

// Runbooks are what to do about an incident, each cause once.
func (v IncidentView) Runbooks() []Runbook {
	var out []Runbook
	said := map[checks.Step]bool{}
	for _, r := range v.Remediation {
		b := Runbook{ID: clean(r.ID), Title: clean(r.Title), Who: clean(r.WhoAsk), Takes: clean(r.Takes), Again: clean(r.Again), Never: lines(r.Never)}
		for _, s := range r.Steps {
			step := RunbookStep{Step: cleanStep(s)}
			if said[s] {
				name, _, _ := strings.Cut(step.Text, ". ")
				step.Above = strings.TrimRight(name, ".:")
			}
			said[s] = true
			b.Steps = append(b.Steps, step)
		}
		out = append(out, b)
	}
	return out
}

// FindingView is one finding of an incident with how we know, ready to be shown.
type FindingView struct {
	Word        string // severity, or "clear"
	Severity    checks.Severity
	Clear       bool
	Code        checks.Code
	Kind        checks.Kind // of its target
	Target      string      // Target.ID
	Name        string      // of the target, for people
	Source      string
	Check       string
	Summary     string
	Meaning     string
	Scope       string // "many lists judge it as 2001:db8::/64"
	First, Last time.Time
	Unknown     time.Time
	Evidence    []checks.Evidence
}

// Findings are the worst findings of an incident, at most so many.
func (v IncidentView) Findings(most int) []FindingView {
	var out []FindingView
	for _, m := range v.Incident.Members[:min(most, len(v.Incident.Members))] {
		f := m.Finding
		word, _ := severityWord(f.Severity)
		if m.Clear {
			word = "clear"
		}
		p := FindingView{Word: word, Severity: f.Severity, Clear: m.Clear, Code: f.Code, Kind: f.Target.Kind, Target: f.Key.Target, Name: clean(f.Target.String()),
			Source: checks.Line(f.Key.Source, 100), Check: f.Key.Check, Summary: clean(f.Summary), Meaning: meaning(f.Summary, f.Facts, f.Evidence),
			First: m.First, Last: m.Last, Unknown: m.Unknown, Evidence: cleanEvidence(checks.Distinct(f.Evidence))}
		if scope, ok := f.Target.Scope(); ok && f.Key.Check == "dnsbl" {
			p.Scope = "many lists judge it as " + scope.String()
		}
		out = append(out, p)
	}
	return out
}

// meaning is what the code of a list means, unless the summary or the evidence says it already, as the note
// of a recorded reading.
func meaning(summary string, facts map[string]string, evidence []checks.Evidence) string {
	m := clean(facts[checks.FactMeaning])
	if strings.Contains(clean(summary), m) || slices.ContainsFunc(evidence, func(e checks.Evidence) bool { return clean(e.Reason) == m }) {
		return ""
	}
	return m
}

// Decision is one line of why people were told of an incident, or were not.
type Decision struct {
	At   time.Time
	What string
	Text string
	Told bool
}

// Decisions are all of them in the order in which they were first made, with the times of this terminal.
func (e Explanation) Decisions(t Term) []Decision {
	var out []Decision
	for _, d := range e.decisions(t.clockAt(e.Now)) {
		out = append(out, Decision{d.at, d.what, d.text, d.told})
	}
	return out
}

// Ahead is what comes next if nothing changes, sentence by sentence; nothing of what is over.
func (e Explanation) Ahead(t Term) []string {
	if e.IncidentView.Incident.State == alerts.Resolved {
		return nil
	}
	return e.ahead(&page{Term: t})
}

// Note is one line about the monitor or about what is quiet on purpose.
type Note struct {
	Incident int64  // 0: it belongs to none
	Label    string // "mailbox", "channel", "list"; may be empty
	Text     string
	Lists    []string // ids, of a note about lists
}

// Troubles are what the monitor cannot do, and nothing that it can.
func (r Report) Troubles(t Term) []Note {
	var out []Note
	for _, g := range r.silentGroups() {
		text := some(g.Lists, 12)
		if g.Operator != "" {
			text = g.Operator + ": " + text
		}
		for _, more := range []string{g.Why, g.Advice} {
			if more != "" && !strings.HasSuffix(text, more) {
				text += ". " + more
			}
		}
		out = append(out, Note{Label: string(g.Trouble), Text: text, Lists: g.Lists})
	}
	r.partTroubles(t, func(label, text string) { out = append(out, Note{Label: label, Text: text}) })
	return out
}

// QuietNotes are what nobody is told of, on purpose, and why: one for each incident.
func (r Report) QuietNotes(t Term) []Note {
	var out []Note
	for _, v := range r.silence() {
		out = append(out, Note{Incident: v.Incident.ID, Text: clean(v.Incident.Title) + ": " + r.whyQuiet(t, v)})
	}
	for _, m := range r.Mailboxes {
		if m.Unproved > 0 {
			out = append(out, Note{Label: "mail", Text: m.unproved()})
		}
	}
	for _, q := range r.newestQuiet() {
		out = append(out, Note{Incident: q.Incident, Text: clean(q.Title) + ": " + clean(q.Why) + " (" + ago(q.At, r.Now) + ")"})
	}
	return out
}

// Part is one part of the monitor, and how it is.
type Part struct {
	Name  string // "lists", "mailbox bounces"
	State string // "read 4 min ago"
	Level Level  // LevelUnknown: nothing is known of it
}

// Parts are the parts of the monitor, for whoever wants to see that it is well.
func (r Report) Parts() []Part {
	var out []Part
	add := func(name, state string, ok, known bool) {
		p := Part{Name: name, State: state, Level: LevelOK}
		switch {
		case !known:
			p.Level = LevelUnknown
		case !ok:
			p.Level = LevelCritical
		}
		out = append(out, p)
	}
	if r.Trouble != "" {
		add("database", clean(r.Trouble), false, true)
		return out
	}
	switch {
	case r.Daemon.Alive:
		add("daemon", "running for "+span(r.Now.Sub(r.Daemon.Started)), true, true)
	case r.Daemon.Beat.IsZero():
		add("daemon", "not running; when it ran is not stored here", false, true)
	default:
		add("daemon", "not running, last seen "+ago(r.Daemon.Beat, r.Now), false, true)
	}
	fresh := r.Now.Sub(r.Round.Ended) <= cmp.Or(r.StaleAfter, staleAfter)
	add("last round", ago(r.Round.Ended, r.Now), fresh, !r.Round.Ended.IsZero())
	if _, why := r.sightless(); why != "" {
		add("lists", why, false, true)
	} else if n := r.Watched.Lists; n > 0 {
		add("lists", fmt.Sprintf("%s of %s answer", number(n-len(r.Silent)), number(n)), len(r.Silent) == 0, !r.Round.Ended.IsZero())
		if last := &out[len(out)-1]; last.Level == LevelCritical && r.Blind == "" {
			last.Level = LevelWarning // a list that does not answer is no end of the world
		}
	}
	for _, m := range r.Mailboxes {
		switch name := "mailbox " + checks.Line(m.Name, 60); {
		case !m.Failing.IsZero():
			add(name, "unreadable for "+span(r.Now.Sub(m.Failing)), false, true)
		case m.untried():
			add(name, "never read", false, false)
		default:
			add(name, "read "+ago(m.ReadAt, r.Now), m.After == "", true)
		}
	}
	for _, l := range r.Logs {
		switch name := "log " + checks.Line(l.Name, 60); {
		case !l.Failing.IsZero():
			add(name, "unreadable for "+span(r.Now.Sub(l.Failing)), false, true)
		case l.untried():
			add(name, "never read", false, false)
		default:
			add(name, "read "+ago(l.ReadAt, r.Now), l.odd() == "", true)
		}
	}
	for _, c := range r.Channels {
		switch name := "channel " + checks.Line(c.Name, 60); {
		case !c.Failing.IsZero():
			add(name, "failing for "+span(r.Now.Sub(c.Failing)), false, true)
		case c.SentAt.IsZero():
			add(name, "not used yet", false, false)
		default:
			add(name, "told "+ago(c.SentAt, r.Now), true, true)
		}
	}
	return out
}

// Ago is how long a time lies back, as all texts of this package say it: "4 min ago", "never".
func Ago(at, now time.Time) string { return ago(at, now) }

// Span is a duration as all texts of this package say it.
func Span(d time.Duration) string { return span(d) }

// Number writes n with thousands separators: 65,536.
func Number(n int) string { return number(n) }

// Stamp is a full local time with its zone: "2026-11-25 09:40:12 CET".
func (t Term) Stamp(at time.Time) string { return t.stamp(at) }

// Clock is a local time as short as the distance to now allows.
func (t Term) Clock(at, now time.Time) string { return t.clock(at, now) }

// Word is a severity as people read it, and what a terminal would colour it as.
func Word(s checks.Severity) string {
	word, _ := severityWord(s)
	return word
}

// Receivers are what each receiver did with the mail of an incident, most refusals first.
func (v IncidentView) Receivers() []checks.ReceiverImpact {
	out := slices.Clone(v.Incident.Impact.Receivers)
	for i := range out {
		out[i].Receiver, out[i].Vendor = checks.Line(out[i].Receiver, 80), checks.Line(out[i].Vendor, 60)
	}
	return out
}
