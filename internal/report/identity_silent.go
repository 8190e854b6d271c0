package report

import (
	"slices"
	"strings"
)

// fewestSilent is of how many things the same reason is told once, above them.
const fewestSilent = 3

// silence is the one reason why nothing at all had an answer, as of a resolver that is dead; empty if
// anything had one, or the reasons differ.
func (r Identity) silence() string {
	var texts []string
	for _, t := range r.Targets {
		for _, i := range t.Items {
			switch i.State {
			case "good", "bad", "advice":
				return ""
			case "unknown":
				if strings.Contains(i.Text, ": ") { // the others follow from these
					texts = append(texts, i.Text)
				}
			}
		}
	}
	if len(texts) < fewestSilent {
		return ""
	}
	for _, reason, more := strings.Cut(texts[0], ": "); more; _, reason, more = strings.Cut(reason, ": ") {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.HasSuffix(text, ": "+reason) }) {
			return reason
		}
	}
	return ""
}

// without takes a reason from the end of each text that it is told above.
func (r Identity) without(reason string) Identity {
	r.Targets = slices.Clone(r.Targets)
	for n, t := range r.Targets {
		t.Items = slices.Clone(t.Items)
		for k := range t.Items {
			t.Items[k].Text = strings.TrimSuffix(t.Items[k].Text, ": "+reason)
		}
		r.Targets[n] = t
	}
	r.Requirements = slices.Clone(r.Requirements)
	for n := range r.Requirements {
		r.Requirements[n].Why = strings.TrimSuffix(r.Requirements[n].Why, ": "+reason)
	}
	return r
}
