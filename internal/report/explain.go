package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Explanation is why people were, or were not, told of an incident: decision after
// decision, and what comes next if nothing changes.
type Explanation struct {
	Incident
	Outlook alerts.Outlook
}

// decision is one line of an explanation.
type decision struct {
	at   time.Time
	what string // "opened", "updated", "acknowledged"
	text string
	told bool
}

// Write renders an explanation.
func (e Explanation) Write(w io.Writer, t Term, f Format) error {
	if f == JSON {
		return writeJSON(w, explanationOf(e))
	}
	p := &page{Term: t}
	inc := e.IncidentView.Incident
	p.headline(inc)
	p.field("state", p.state(inc, e.Now), plain)
	p.field("since", p.stamp(inc.Opened)+", "+ago(inc.Opened, e.Now), plain)
	p.heading("Decisions")
	for _, d := range e.decisions(t.clockAt(e.Now)) {
		style := faint
		if d.told {
			style = plain
		}
		p.para(2, p.stamp(d.at)+"  ", faint, d.what+": "+d.text, style)
	}
	if inc.State != alerts.Resolved {
		p.heading("From now on, if nothing changes")
		for _, s := range e.ahead(p) {
			p.para(2, "", plain, s, plain)
		}
	}
	p.blank()
	p.field("more", fmt.Sprintf("reputed incident show %d", inc.ID), plain)
	return p.writeTo(w)
}

// decisions are all of them in the order they were first made, with the ends of silences as the clock writes them.
func (e Explanation) decisions(clock func(time.Time) string) []decision {
	var all []decision
	for _, d := range e.Deliveries {
		text := "told by " + checks.Line(d.Channel, 60)
		switch {
		case !d.Sent.IsZero():
			if late := d.Sent.Sub(d.Queued); late >= time.Minute {
				text += ", " + span(late) + " later"
			}
		case d.State == "refused":
			text = checks.Line(d.Channel, 60) + " refused it for good"
		default:
			text = "waits for " + checks.Line(d.Channel, 60) + ", to be told " + ahead(d.Next, e.Now)
		}
		if d.Error != "" && d.Sent.IsZero() {
			text += ": " + clean(d.Error)
		}
		if n := slices.IndexFunc(e.Untold, d.heldBy); n >= 0 {
			text += ", " + clean(e.Untold[n].Why)
		}
		all = append(all, decision{d.Queued, clean(d.What), text, !d.Sent.IsZero()})
	}
	for _, u := range e.Untold {
		if slices.ContainsFunc(e.Deliveries, func(d Delivery) bool { return d.heldBy(u) }) {
			continue // it was told, later
		}
		text := "not told: " + clean(u.Why)
		if u.Times > 1 {
			text += " (" + plural(u.Times, "time", "times") + ", last " + ago(u.Last, e.Now) + ")"
		}
		all = append(all, decision{u.First, clean(u.What), text, false})
	}
	for _, v := range e.Events {
		if v.By == "" {
			continue // what the monitor did is there with what became of it
		}
		text := "by " + checks.Line(v.By, 60)
		if said := v.said(clock); said != "" {
			text += ": " + said
		}
		all = append(all, decision{v.At, clean(v.What), text, true})
	}
	slices.SortStableFunc(all, func(a, b decision) int { return a.at.Compare(b.at) })
	return all
}

// heldBy says whether a reason not to tell is why this was told later and not at once.
func (d Delivery) heldBy(u Untold) bool {
	return u.Times <= 1 && d.What == u.What && d.Queued.Truncate(time.Second).Equal(u.First.Truncate(time.Second))
}

// ahead is what comes next.
func (e Explanation) ahead(p *page) []string {
	o := e.Outlook
	how := map[alerts.Class]string{
		alerts.Page:     "It is a page (critical, or it costs mail that was counted): told at any hour.",
		alerts.Notice:   "It is a notice: told at once, in quiet hours when they are over.",
		alerts.Digested: "It is for the daily digest.",
	}[o.Class]
	out := []string{how}
	if o.Nobody != "" {
		out = append(out, "A rise would be told to nobody: "+clean(o.Nobody)+".")
	} else {
		out = append(out, "A rise would be told by "+checks.Line(strings.Join(o.Channels, ", "), 200)+".")
	}
	if o.Held != "" {
		out = append(out, "Not repeated: "+clean(o.Held)+".")
	}
	if !o.Escalate.IsZero() {
		out = append(out, "Escalated "+p.clock(o.Escalate, e.Now)+" unless somebody acknowledges it.")
	}
	switch {
	case !o.Reminder.IsZero():
		out = append(out, "Told again "+p.clock(o.Reminder, e.Now)+" unless somebody acknowledges it.")
	case o.Held == "":
		out = append(out, "Not repeated: nothing of this severity is, or nobody was told.")
	}
	return out
}

type decisionJSON struct {
	At   *string `json:"at"`
	What string  `json:"what"`
	Text string  `json:"text"`
	Told bool    `json:"told"`
}

// explanationJSON is `explain ID --format json`. Field names are a promise: docs/json.md.
type explanationJSON struct {
	Schema     int            `json:"schema"`
	Incident   incidentJSON   `json:"incident"`
	Decisions  []decisionJSON `json:"decisions"`
	Class      string         `json:"class"`
	Channels   []string       `json:"channels"`
	Nobody     string         `json:"nobody"`
	NotBecause string         `json:"not_repeated_because"`
	Reminder   *string        `json:"next_reminder"`
	Escalation *string        `json:"escalation"`
}

func explanationOf(e Explanation) explanationJSON {
	out := explanationJSON{Schema: 1, Incident: incidentOf(e.IncidentView, e.Now), Decisions: []decisionJSON{}, Class: string(e.Outlook.Class),
		Channels: append([]string{}, e.Outlook.Channels...), Nobody: checks.Line(e.Outlook.Nobody, 0), NotBecause: checks.Line(e.Outlook.Held, 0),
		Reminder: utc(e.Outlook.Reminder), Escalation: utc(e.Outlook.Escalate)}
	for _, d := range e.decisions(rfc3339) {
		out.Decisions = append(out.Decisions, decisionJSON{utc(d.at), cmp.Or(d.what, "notice"), d.text, d.told})
	}
	return out
}
