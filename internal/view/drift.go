package view

import (
	"context"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
)

const (
	// driftBefore is how long before an incident a change of what is published may have been its cause:
	// caches keep the old answer for a day or two, and a receiver's opinion takes some days to follow.
	driftBefore = 7 * 24 * time.Hour
	// driftShown is how many changes are shown with one incident.
	driftShown = 20
	// DriftDays is how far back "reputed identity" shows changes.
	DriftDays = 30
	// relatedMost is of how many targets it is looked up what they published.
	relatedMost = 1000
	// unansweredAfter is how long something has no answer until the status says so; unansweredMost is how much
	// of it is read.
	unansweredAfter = 48 * time.Hour
	unansweredMost  = 50
)

// eventPublished is what a change of what is published is called among the events of an incident.
const eventPublished = "published"

// related are the targets whose records bear on an incident: those it is about, the domains that its
// addresses send as, and the addresses that send as its domains.
func related(cfg *config.Config, inc alerts.Incident) []string {
	var ids []string
	add := func(id string) {
		if len(ids) < relatedMost && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	pools, domains := map[string]bool{}, map[string]bool{}
	known, _ := cfg.LocalTargets()
	for _, m := range inc.Members {
		t, err := checks.ParseID(m.Finding.Key.Target)
		if err != nil || t.Kind != checks.KindAddress && t.Kind != checks.KindDomain {
			continue
		}
		add(t.ID())
		if k, ok := known.Find(t); ok && t.Kind == checks.KindAddress {
			pools[k.Pool] = true
		} else {
			domains[t.Name] = true
		}
	}
	for _, s := range cfg.SendingDomains() {
		if slices.ContainsFunc(s.Pools, func(pool string) bool { return pools[pool] }) {
			add(s.Domain)
		}
		if !domains[s.Domain] {
			continue
		}
		for _, o := range cfg.Outbound {
			if slices.Contains(s.Pools, o.Pool) {
				for _, word := range o.Addresses { // those of ranges are left out: nobody changes 256 PTR names by hand
					add(word)
				}
			}
		}
	}
	return ids
}

// drift are the changes around an incident, oldest first.
func (v *View) drift(ctx context.Context, inc alerts.Incident) ([]report.IdentityChange, error) {
	ids := related(v.Config, inc)
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := v.db.Drift(ctx, store.DriftFilter{Targets: ids, Since: inc.Opened.Add(-driftBefore), Until: inc.Resolved, Limit: driftShown})
	changes := IdentityChanges(all)
	slices.Reverse(changes)
	return changes, err
}

// IdentityChanges puts changes as they are stored into the words of a report.
func IdentityChanges(all []identity.Drift) []report.IdentityChange {
	out := make([]report.IdentityChange, 0, len(all))
	for _, d := range all {
		out = append(out, report.IdentityChange{Target: d.Target.ID(), What: d.What, Before: d.Before, Now: d.Now, Since: d.Since, At: d.At})
	}
	return out
}

// driftEvents are changes as events of an incident.
func driftEvents(all []report.IdentityChange) []report.Event {
	var out []report.Event
	for _, c := range all {
		out = append(out, report.Event{At: c.At, What: eventPublished, Note: c.String()})
	}
	return out
}

// unanswered is what there has been no answer about for long.
func (v *View) unanswered(ctx context.Context, in *report.Input, now time.Time) error {
	all, err := v.db.Unanswered(ctx, now.Add(-unansweredAfter), unansweredMost)
	for _, u := range all {
		in.Unanswered = append(in.Unanswered, report.Unanswered{Target: u.Target.ID(), What: u.What, Since: u.Since})
	}
	return err
}
