package wording

import (
	"strings"

	"reputed/alerts"
	"reputed/checks"
)

const (
	// maxReviewLines is how many lines of one subject a message shows.
	maxReviewLines = 8
	// maxReviewRunes is how much of each.
	maxReviewRunes = 300
)

// review writes out what happened in a time that is over.
func review(n alerts.Notification) Message {
	v := n.Review
	title := "Report: " + checks.Line(v.Title, 200)
	if n.Rehearsal {
		title = "REHEARSAL: " + title
	}
	m := Message{Title: title, Brief: checks.Line(strings.Join(nonEmpty(title, n.Command), "; "), 0)}
	span := new(rich).say("From ").date(v.Since).say(" until ").date(v.Until).say(".")
	if zone := checks.Line(v.Zone, 20); zone != "" && zone != "UTC" {
		span.say(" Times below are " + zone + ".")
	}
	m.add(span)
	for _, s := range v.Sections {
		r := new(rich).label(checks.Line(s.Title, 80) + ":")
		var items []*rich
		for _, l := range s.Lines[:min(maxReviewLines, len(s.Lines))] {
			items = append(items, new(rich).quote(l, maxReviewRunes))
		}
		if rest := len(s.Lines) - maxReviewLines; rest > 0 {
			items = append(items, new(rich).say("and "+checks.Plural(rest, "more line")))
		}
		m.add(r.list(false, items))
	}
	m.add(new(rich).label("All of it: ").code(n.Command, 200))
	return m
}
