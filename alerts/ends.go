package alerts

import "time"

// Ends says, by Target.ID, before when the refusals of a target belong to an incident that is
// over, and are no cost of what came after. A target of an incident that was open already then
// is not in it: those refusals may be that one's.
func Ends(open, recent []Incident, now time.Time) map[string]time.Time {
	ends := map[string]time.Time{}
	note := func(inc Incident, end time.Time) {
		if end.IsZero() || end.After(now) { // one in the future is that of a clock which was wrong
			return
		}
		for _, m := range inc.Members {
			ends[m.Finding.Key.Target] = later(ends[m.Finding.Key.Target], end)
		}
	}
	for _, inc := range recent {
		note(inc, inc.Resolved)
	}
	for _, inc := range open {
		note(inc, inc.Ended)
	}
	for _, inc := range open {
		for _, m := range inc.Members {
			if end := ends[m.Finding.Key.Target]; inc.Opened.Before(end) {
				delete(ends, m.Finding.Key.Target)
			}
		}
	}
	return ends
}
