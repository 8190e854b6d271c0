package view

import (
	"cmp"
	"context"
	"slices"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

// mostByHand is of how many targets it is looked up what stands though its incident was ended by hand.
const mostByHand = 20

// byHand reads what was ended by hand and was so when it was last looked at. The next look opens it anew, but the next
// round may be half an hour away and the next look at names a day, and till then nothing is clear.
func (v *View) byHand(ctx context.Context, in *report.Input) error {
	stored := map[string][]store.Standing{} // by target
	var known shownTargets
	for _, i := range in.Resolved {
		for _, m := range i.Members {
			f := m.Finding
			if !StillWrong(m) {
				continue
			}
			all, read := stored[f.Key.Target]
			if !read {
				if len(stored) == mostByHand {
					return nil
				}
				var err error
				if known.watched.Empty() {
					if known, err = v.targets(ctx); err != nil {
						return err
					}
				}
				if all, err = v.db.Standings(ctx, store.StandingFilter{Target: f.Key.Target}); err != nil {
					return err
				}
				stored[f.Key.Target] = all
			}
			at := slices.IndexFunc(all, func(s store.Standing) bool { return s.Key == f.Key })
			if at < 0 || !v.looksAgain(known, f) {
				continue // it has been looked at since, or nobody looks any more
			}
			what := "was listed by " + cmp.Or(f.Facts[checks.FactListName], f.Key.Source)
			if f.Key.Check == monitor.JobIdentity {
				what = "had a finding (" + f.Key.Source + ")"
			}
			in.ByHand = append(in.ByHand, report.EndedByHand{Incident: i.ID, Target: f.Target.String(), What: what, Seen: all[at].Seen})
		}
	}
	return nil
}

// StillWrong says whether a member of an incident, when it was last asked about, was a listing or something wrong with what
// is published. What mail was refused for shows by itself whether it is over.
func StillWrong(m alerts.Member) bool {
	f := m.Finding
	return (f.Key.Check == monitor.JobDNSBL || f.Key.Check == monitor.JobIdentity) &&
		f.Target.Kind != checks.KindList && f.Target.Kind != checks.KindMonitor && !m.Clear && m.ClearSince.IsZero()
}

// looksAgain says whether the target of a finding is watched, and its list asked.
func (v *View) looksAgain(known shownTargets, f checks.Finding) bool {
	watched := &known.watched
	if known.bare {
		watched = &known.all
	}
	_, ok := watched.Find(f.Target)
	return ok && (f.Key.Check != monitor.JobDNSBL || slices.ContainsFunc(v.Config.Blocklists.Zones, func(z blocklists.Zone) bool { return z.ID == f.Key.Source }))
}
