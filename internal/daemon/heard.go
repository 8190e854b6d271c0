package daemon

import (
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

// onsets says when the trouble of each target began, as open incidents know it.
func onsets(open []alerts.Incident) func(target string) time.Time {
	began := map[string]time.Time{}
	for _, inc := range open {
		for _, m := range inc.Members {
			if at, ok := began[m.Finding.Key.Target]; !m.Clear && (!ok || m.First.Before(at)) {
				began[m.Finding.Key.Target] = m.First
			}
		}
	}
	return func(target string) time.Time { return began[target] }
}

// listsSaid is what lists said of our targets, the latest of each: in this step, in open
// incidents, or when a refusal had named them.
func listsSaid(s store.Situation, findings []checks.Finding) map[checks.Key]bounce.Answer {
	said := map[checks.Key]bounce.Answer{}
	for key, a := range s.Answers {
		said[key] = bounce.Answer{Status: a.Status, Evidence: a.Evidence, At: a.At}
	}
	add := func(f checks.Finding) {
		if f.Key.Check == monitor.JobDNSBL && !f.At.Before(said[f.Key].At) {
			said[f.Key] = bounce.Answer{Status: f.Status, Evidence: f.Evidence, At: f.At}
		}
	}
	for _, inc := range s.Open {
		for _, m := range inc.Members {
			if !m.Clear && m.Unknown.IsZero() && m.ClearSince.IsZero() {
				add(m.Finding)
			}
		}
	}
	for _, f := range findings {
		add(f)
	}
	return said
}

// answersOf are those findings of lists that a refusal names: the database keeps them, as a
// clean answer leaves no other trace.
func answersOf(refusals, findings []checks.Finding) (all []store.Answer) {
	named := map[checks.Key]bool{}
	for _, r := range refusals {
		if list := r.Facts[checks.FactList]; list != "" {
			named[checks.Key{Check: monitor.JobDNSBL, Target: r.Key.Target, Source: list}] = true
		}
	}
	for _, f := range findings {
		if named[f.Key] {
			all = append(all, store.Answer{Key: f.Key, Status: f.Status, Summary: f.Summary, Evidence: f.Evidence, At: f.At})
		}
	}
	return all
}
