package wording

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"reputed/alerts"
	"reputed/checks"
)

// How much of each thing one message shows; the rest is behind the command.
const (
	maxFindings   = 3   // summaries of findings
	maxTargets    = 3   // names of targets of one incident
	maxCosts      = 3   // receivers
	maxEvidence   = 2   // boxes of question and answer
	maxSteps      = 6   // of the first runbook
	maxRunbooks   = 3   // named after the first
	maxFactRunes  = 300 // of one line of text from outside
	maxReplyRunes = 600 // of a literal answer
)

// Of writes a notification out.
func Of(n alerts.Notification) Message {
	if n.Digest != nil {
		return digest(n)
	}
	if n.Review != nil {
		return review(n)
	}
	if n.News != nil {
		return news(n)
	}
	head := headline(n)
	m := Message{Title: cmp.Or(checks.Line(head, 0), "Notice")}
	if n.Rehearsal {
		m.add(new(rich).label("This is a rehearsal. ").say("Nothing is wrong and nothing needs doing; it shows that this channel works."))
	}
	m.add(facts(n))
	if n.Kind != alerts.Ended {
		m.add(evidence(n))
		m.add(steps(n))
	}
	m.add(more(n))
	m.Brief = checks.Line(strings.Join(nonEmpty(head, briefCost(n.Incident), n.Command), "; "), 0)
	return m
}

// headline says the state and the severity in words: colour or a picture alone
// would tell nothing to a screen reader, a printer or a log.
func headline(n alerts.Notification) string {
	inc := n.Incident
	state := checks.Line(string(n.Kind), 20)
	switch {
	case n.Kind == alerts.Opened && inc.Relapses > 0:
		state = "Back again"
	case n.Kind == alerts.Opened && inc.Existing:
		state = "Already there"
	case n.Kind == alerts.Opened:
		state = "New"
	case n.Kind == alerts.Worsened:
		state = "Worse"
	case n.Kind == alerts.Updated:
		state = standing(inc)
	case n.Kind == alerts.Reminder:
		state = "Still open"
	case n.Kind == alerts.Escalated:
		state = "Nobody has taken this"
	case n.Kind == alerts.Flapped:
		state = "Comes and goes"
	case n.Kind == alerts.SilenceEnding:
		state = "Silence ends soon"
	case byHand(n):
		state = "Ended by hand"
	case n.Kind == alerts.Ended:
		state = "Resolved"
	}
	if aboutMonitor(inc) {
		state += ", the monitor itself"
	}
	switch {
	case n.Kind == alerts.Ended:
	case inc.Severity == checks.Informational:
		state += ", for information"
	case inc.Severity != "":
		state += ", " + checks.Line(string(inc.Severity), 20)
	}
	if n.Rehearsal {
		state = "REHEARSAL: " + state
	}
	return state + ": " + checks.Line(cmp.Or(inc.Title, inc.Cause), 200)
}

// standing is how an incident stands, for what shows it as it is now: a message that is edited.
func standing(inc alerts.Incident) string {
	overdue := slices.ContainsFunc(inc.Members, func(m alerts.Member) bool { return !m.Clear && m.Finding.Code == checks.CodeOverdue })
	switch {
	case inc.State == alerts.Silenced:
		return "Silenced"
	case inc.State == alerts.Clearing:
		return "Nearly over"
	case overdue:
		return "Removal overdue"
	case inc.AckedBy != "":
		return "Taken"
	}
	return "Open"
}

// facts are what, since when, and what it costs.
func facts(n alerts.Notification) *rich {
	inc, r := n.Incident, new(rich)
	what(r, n)
	since(r.nl(), n)
	costs(r, n)
	recovery(r, n)
	if by := checks.Line(inc.AckedBy, 80); by != "" {
		r.nl().label("Taken by: ").quote(by, 80)
		if !inc.AckedAt.IsZero() {
			r.say(", ").date(inc.AckedAt)
		}
	} else if n.Kind == alerts.Reminder || n.Kind == alerts.Escalated {
		r.nl().label("Taken by: ").say("nobody yet")
		if inc.Reminded > 0 {
			r.say(fmt.Sprintf(" (reminder %d)", inc.Reminded))
		}
	}
	if until := inc.Silence.Until; !until.IsZero() && n.Kind != alerts.Ended {
		r.nl().label("Silent: ").say("until ").date(until)
		if by := checks.Line(inc.Silence.By, 80); by != "" {
			r.say(", by ").quote(by, 80)
		}
		if reason := checks.Line(inc.Silence.Reason, maxFactRunes); reason != "" {
			r.say(": ").quote(reason, maxFactRunes)
		}
	}
	if !inc.Flapping.IsZero() && n.Kind != alerts.Ended {
		r.nl().label("Flapping: ").say(fmt.Sprintf("it has come and gone %d times within a day. You hear of it again when it has been clean for a day, or gets worse. What changes so fast is the list, not you: wait before asking it anything.", (len(inc.Turns)+1)/2))
	}
	if note := checks.Line(inc.Note, maxFactRunes); note != "" {
		r.nl().label("Note: ").quote(note, maxFactRunes)
	}
	switch {
	case byHand(n):
		r.nl().label("Next: ").say("nobody has seen that it is over: somebody ended it by hand. What is still so opens anew when it is next looked at.")
	case n.Kind == alerts.Ended && inc.CostsMail():
		r.nl().label("Next: ").say("if it comes back within a week, the cause is still there; look for it before asking anybody again.")
	}
	return r
}

// what lists the findings: those of one target, or the targets of one cause.
func what(r *rich, n alerts.Notification) {
	inc := n.Incident
	open, clear := split(inc.Members)
	shown := open
	if len(open) == 0 {
		shown = clear // resolved: what it was
	}
	targets := targetsOf(shown)
	if len(shown) == 1 && shown[0].Unknown.IsZero() && summary(shown[0].Finding) == checks.Line(inc.Title, 0) {
		shown = nil // the title says it
	} else {
		r.label("What: ")
	}
	switch {
	case len(shown) == 0 && len(targets) > 0:
	case len(shown) == 0:
		r.quote(cmp.Or(inc.Title, inc.Cause), maxFactRunes)
	case len(targets) > 1:
		all := max(n.Targets, len(targets)) // of very many, not all are in the notice
		r.say(alerts.Things(all, shown) + ": ")
		for i, t := range targets[:min(maxTargets, len(targets))] {
			if i > 0 {
				r.say(", ")
			}
			r.quote(t, 120)
		}
		if rest := all - maxTargets; rest > 0 {
			r.say(" and " + checks.Number(rest) + " more")
		}
		member(r.nl(), shown[0])
	case len(shown) == 1:
		member(r, shown[0])
	default:
		for _, m := range shown[:min(maxFindings, len(shown))] {
			member(r.nl().say("• "), m)
		}
		if rest := len(shown) - maxFindings; rest > 0 {
			r.nl().say(fmt.Sprintf("• and %d more", rest))
		}
	}
	if len(open) > 0 && len(clear) > 0 {
		r.nl().label("Clear again: ").quote(summary(clear[0].Finding), maxFactRunes)
		if len(clear) > 1 {
			r.say(fmt.Sprintf(" and %d more", len(clear)-1))
		}
	}
}

// member says what one finding is, and if its question has no answer at present.
func member(r *rich, m alerts.Member) {
	r.quote(summary(m.Finding), maxFactRunes)
	if !m.Unknown.IsZero() {
		r.say(" (no answer since ").date(m.Unknown).say(")")
	}
}

// summary is what a finding says, and what the list means by it.
func summary(f checks.Finding) string {
	s := cmp.Or(checks.Line(f.Summary, 0), f.Code.Title())
	if meaning := checks.Line(f.Facts[checks.FactMeaning], 0); meaning != "" && !strings.Contains(s, meaning) {
		s += " (" + meaning + ")"
	}
	return s
}

// since says when it began, and what is known of its past.
func since(r *rich, n alerts.Notification) {
	inc := n.Incident
	begin := inc.Opened
	if begin.IsZero() {
		begin = n.At
	}
	if n.Kind != alerts.Ended {
		r.label("Since: ").date(begin)
	} else {
		end := cmp.Or(inc.Resolved, n.At)
		r.label("From: ").date(begin).say(" until ").date(end)
		if d := end.Sub(begin); d > 0 {
			r.say(", " + span(d))
		}
	}
	if already := inc.Already(); already != "" {
		r.say("; " + already + ", so it may be older")
	}
	if inc.Relapses > 0 {
		r.say(fmt.Sprintf("; back for the %s time within 30 days, so the cause is probably still there", ordinal(inc.Relapses)))
	}
}

// costs says what the incident costs: the mail that was counted, or what else such trouble does while it lasts.
func costs(r *rich, n alerts.Notification) {
	inc := n.Incident
	if !inc.CostsMail() {
		open, _ := split(inc.Members)
		switch {
		case n.Kind == alerts.Ended && blinding(inc):
			r.nl().label("Cost: ").say("no mail; while it lasted nothing was known to be listed or clean, and open incidents stayed as they were")
		case n.Kind == alerts.Ended && aboutList(inc):
			r.nl().label("Cost: ").say("no mail; nothing was known about any address or domain there while it lasted")
		case n.Kind != alerts.Ended && len(open) > 0 && open[0].Finding.Code.Costs() != "":
			r.nl().label("Cost: ").say(open[0].Finding.Code.Costs())
		}
		return
	}
	r.nl().label("Cost: ")
	for i, c := range inc.Impact.Costs(maxCosts) {
		if i > 0 {
			r.say("; ")
		}
		r.quote(c.Text, maxFactRunes)
		if !c.Since.IsZero() {
			r.say(" since ").date(c.Since)
		}
	}
}

// recovery says which receivers take our mail again, once one does or the trouble is over, and
// what has come of the removals that were asked for.
func recovery(r *rich, n alerts.Notification) {
	all := n.Incident.Impact.Recoveries()
	for _, v := range all[:min(maxCosts, len(all))] {
		if !v.Counted || v.Again == 0 && n.Kind != alerts.Reminder {
			continue
		}
		r.nl().label("Recovery: ").quote(v.String(), maxFactRunes)
		if !v.Last.IsZero() {
			r.say(", last refusal ").date(v.Last)
		}
	}
}

// briefCost is the first of the costs, for the one line on a phone.
func briefCost(inc alerts.Incident) string {
	if !inc.CostsMail() {
		return ""
	}
	return inc.Impact.Costs(maxCosts)[0].Text
}

// more is the command for the rest, and the one that ends the reminders.
func more(n alerts.Notification) *rich {
	r := new(rich)
	if n.Command != "" {
		r.label("More: ").code(n.Command, 200)
	}
	if n.Kind != alerts.Ended && n.Incident.ID > 0 && n.Incident.AckedBy == "" && !n.Rehearsal {
		label := "Take it: "
		if n.Incident.Severity.Rank() >= checks.Major.Rank() { // what is less is told once
			label = "Take it, and end the reminders: "
		}
		r.nl().label(label).code(fmt.Sprintf("reputed incident ack %d", n.Incident.ID), 200)
	}
	return r
}
