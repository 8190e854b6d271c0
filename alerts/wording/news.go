package wording

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// maxNews is how many of what joined, and of what is clear again, an answer names.
const maxNews = 5

// news writes out what changed in an incident without making it worse: an answer to the message of the
// incident, which shows the whole.
func news(n alerts.Notification) Message {
	joined, left := n.News.Joined, n.News.Left
	title := newsTitle(*n.News)
	if n.Rehearsal {
		title = "REHEARSAL: " + title
	}
	m := Message{Title: title, Brief: checks.Line(strings.Join(nonEmpty(title, n.Command), "; "), 0)}
	r := new(rich)
	named(r, "What joined: ", joined, n.News.MoreJoined)
	if since := first(joined); !since.IsZero() {
		r.nl().label("Since: ").date(since)
	}
	named(r, "Clear again: ", left, n.News.MoreLeft)
	if severity := checks.Line(string(n.Incident.Severity), 20); severity != "" && len(joined) > 0 {
		r.nl().label("Severity: ").say("still " + severity + ", so nobody is called for it")
		if by := checks.Line(n.Incident.AckedBy, 80); by != "" {
			r.say("; taken by ").quote(by, 80)
		}
	}
	m.add(r)
	of := n
	of.Incident.Members, of.Targets = joined, len(joined)+n.News.MoreJoined
	m.add(evidence(of))
	if len(joined) > 0 {
		m.add(steps(n))
	}
	m.add(new(rich).label("More: ").code(n.Command, 200))
	return m
}

func newsTitle(n alerts.News) string {
	more := func(k int) string {
		if k <= 0 {
			return ""
		}
		return " (and " + checks.Plural(k, "more finding") + ")"
	}
	line := func(m alerts.Member) string {
		return cmp.Or(checks.Line(m.Finding.Summary, 200), m.Finding.Code.Title())
	}
	if len(n.Joined) == 0 && len(n.Left) > 0 {
		return "Clear again: " + line(n.Left[0]) + more(len(n.Left)-1+n.MoreLeft)
	}
	if len(n.Joined) == 0 {
		return "Changed"
	}
	worst := n.Joined[0]
	return fmt.Sprintf("Also, %s: %s%s", checks.Line(string(worst.Finding.Severity), 20), line(worst), more(len(n.Joined)-1+n.MoreJoined))
}

// first is when the first of them was first seen; zero: there is none.
func first(members []alerts.Member) (at time.Time) {
	for _, m := range members {
		if at.IsZero() || !m.First.IsZero() && m.First.Before(at) {
			at = m.First
		}
	}
	return at
}

// named lists members by what their findings say.
func named(r *rich, label string, members []alerts.Member, more int) {
	if len(members) == 0 {
		return
	}
	r.nl().label(label)
	if len(members) == 1 && more == 0 {
		member(r, members[0])
		return
	}
	for _, m := range members[:min(maxNews, len(members))] {
		member(r.nl().say("• "), m)
	}
	if rest := len(members) - maxNews + more; rest > 0 {
		r.nl().say(fmt.Sprintf("• and %d more", rest))
	}
}
