package daemon

import (
	"reputed/blocklists"
	"reputed/checks/dnsbl"
	"reputed/internal/store"
)

// runSummary is what is stored of a finished run: a list that works is "ok", and
// one that was not needed is not in it.
func runSummary(r dnsbl.Result) store.Summary {
	s := store.Summary{Targets: r.Targets, Domains: r.Domains, Questions: r.Questions}
	for _, l := range r.Lists {
		if l.State == dnsbl.NotNeeded {
			continue
		}
		out := store.ListSummary{List: l.ID, State: string(l.State), Why: l.Why, Counts: map[string]int{}, Next: l.Next}
		if l.State == dnsbl.Working {
			out.State = store.ListOK
		}
		for class, n := range map[blocklists.Class]int{
			blocklists.Listed: l.Listed, blocklists.Policy: l.Policy, blocklists.Informational: l.Informational, blocklists.Good: l.Good,
			blocklists.Clean: l.Clean + l.Unproved, blocklists.Refused: l.Refused, blocklists.Unusable: l.Unusable, blocklists.Unknown: l.Unknown,
		} {
			if n > 0 {
				out.Counts[string(class)] = n
			}
		}
		s.Lists = append(s.Lists, out)
	}
	return s
}
