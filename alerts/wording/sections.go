package wording

import (
	"fmt"
	"strings"

	"reputed/alerts"
	"reputed/checks"
)

// evidence is how we know: a question with its literal answer, one of each
// source. Forty addresses on one list are one proof forty times.
func evidence(n alerts.Notification) *rich {
	open, _ := split(n.Incident.Members)
	r, shown, left := new(rich), 0, 0
	seen := map[string]bool{}
	for _, m := range open {
		source := m.Finding.Key.Check + " " + m.Finding.Key.Source
		again := seen[source]
		for _, e := range checks.Distinct(m.Finding.Evidence) {
			lines := evidenceLines(e)
			switch {
			case len(lines) == 0:
				continue
			case again || shown == maxEvidence:
				left++
				continue
			case shown == 0:
				r.label("How we know:")
			}
			r.literal(lines)
			shown++
			seen[source] = true
		}
	}
	switch {
	case left > 0 && n.Targets > len(targetsOf(open)):
		r.say("and more answers of this kind").end()
	case left > 0:
		r.say("and " + checks.Plural(left, "more answer")).end()
	}
	return r
}

func evidenceLines(e checks.Evidence) []Fact {
	var lines []Fact
	add := func(name, text string, max int) {
		if s := checks.Line(text, 0); s != "" {
			lines = append(lines, Fact{name, s, max})
		}
	}
	add("asked   ", e.Question, maxFactRunes)
	add("answer  ", e.Answer, maxReplyRunes)
	add("reason  ", e.Reason, maxFactRunes)
	add("tests   ", e.Controls, maxFactRunes)
	add("proof   ", e.Proof, maxFactRunes)
	via := checks.Line(e.Via, 0)
	if !e.At.IsZero() {
		via = strings.Join(nonEmpty(via, stamp(e.At)), ", ")
	}
	if len(lines) > 0 {
		add("via     ", via, maxFactRunes)
	}
	return lines
}

// steps are the first runbook in order, and the names of the others.
func steps(n alerts.Notification) *rich {
	r := new(rich)
	if len(n.Remediation) == 0 {
		return r
	}
	first := n.Remediation[0]
	r.label("First steps: ").quote(first.Title, maxFactRunes).end()
	var items []*rich
	for _, s := range first.Steps[:min(maxSteps, len(first.Steps))] {
		item := new(rich).quote(s.Text, maxFactRunes)
		if s.Command != "" {
			item.nl().code(s.Command, maxFactRunes)
		}
		if checks.Link(s.URL) != "" {
			item.nl().link(s.URL)
		}
		items = append(items, item)
	}
	r.list(true, items)
	if rest := len(first.Steps) - maxSteps; rest > 0 {
		r.say(fmt.Sprintf("%s: see the command below.", checks.Plural(rest, "more step"))).end()
	}
	who := first.WhoAsk
	if who == "you" && !n.Incident.CostsMail() { // nobody else would, of what is our own
		who = ""
	}
	for _, x := range []struct{ label, text string }{{"Takes: ", first.Takes}, {"Who may ask: ", who}} {
		if checks.Line(x.text, 0) != "" {
			r.nl().label(x.label).quote(x.text, maxFactRunes)
		}
	}
	for _, never := range first.Never[:min(1, len(first.Never))] {
		r.nl().quote(never, maxFactRunes)
	}
	for i, other := range n.Remediation[1:] {
		if i == maxRunbooks {
			r.nl().say(fmt.Sprintf("and %s", checks.Plural(len(n.Remediation)-1-maxRunbooks, "more runbook")))
			break
		}
		r.nl().label("Then: ").quote(other.Title, maxFactRunes)
		for _, s := range other.Steps {
			if checks.Link(s.URL) != "" {
				r.say(" ").link(s.URL)
				break
			}
		}
	}
	return r
}
