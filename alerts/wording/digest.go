package wording

import (
	"fmt"
	"strings"

	"reputed/alerts"
	"reputed/checks"
)

// maxBriefs is how many incidents of one kind a digest names.
const maxBriefs = 10

// digest writes out what nobody was told at once.
func digest(n alerts.Notification) Message {
	d := n.Digest
	var parts []string
	count := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	count(len(d.New), "new")
	count(len(d.Changed), "changed")
	count(len(d.Ended), "ended")
	count(len(d.Open), "more open")
	title := "Daily digest: " + strings.Join(parts, ", ")
	if n.Rehearsal {
		title = "REHEARSAL: " + title
	}
	m := Message{Title: title, Brief: checks.Line(strings.Join(nonEmpty(title, n.Command), "; "), 0)}
	m.add(new(rich).say("Small things since ").date(d.Since).say(", none of which was worth a message of its own."))
	m.add(briefs("New:", d.New))
	m.add(briefs("Changed, and no worse for it:", d.Changed))
	m.add(briefs("Over:", d.Ended))
	m.add(briefs("Still open:", d.Open))
	m.add(new(rich).label("More: ").code(n.Command, 200))
	return m
}

func briefs(label string, all []alerts.Brief) *rich {
	r := new(rich)
	if len(all) == 0 {
		return r
	}
	r.label(label)
	var items []*rich
	for _, b := range all[:min(maxBriefs, len(all))] {
		item := new(rich).say(fmt.Sprintf("#%d ", b.ID)).quote(b.Title, 200).say(" (" + checks.Line(string(b.Severity), 20))
		if b.Refusals > 0 {
			item.say(", " + checks.Plural(b.Refusals, "mail") + " refused")
		}
		switch by := checks.Line(b.AckedBy, 80); {
		case !b.Resolved.IsZero():
			item.say(", after " + span(b.Resolved.Sub(b.Opened)))
		case by != "":
			item.say(", taken by ").quote(by, 80)
		}
		item.say(")")
		if news := checks.Line(b.News, 0); news != "" {
			item.say("; also: ").quote(news, maxFactRunes)
		}
		items = append(items, item)
	}
	if rest := len(all) - maxBriefs; rest > 0 {
		items = append(items, new(rich).say(fmt.Sprintf("and %d more", rest)))
	}
	return r.list(false, items)
}
