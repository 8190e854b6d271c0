package daemontest

import (
	"context"
	"fmt"
	"time"

	"reputed/alerts"
	"reputed/internal/store"
)

// Titles are incidents in the words of a failed test.
func Titles(all []alerts.Incident) (out []string) {
	for _, i := range all {
		out = append(out, fmt.Sprintf("%s (%s, %s)", i.Title, i.State, i.Severity))
	}
	return out
}

// ToldAsPromised is invariant 3, read from the database: between two "opened" of an incident there is a "resolved", no notice
// is queued twice, and nobody is reminded more often than each remind.
func ToldAsPromised(ctx context.Context, db *store.DB, remind time.Duration) error {
	all, err := db.Incidents(ctx, store.IncidentFilter{Resolved: true, Limit: -1})
	if err != nil {
		return err
	}
	for _, inc := range all {
		h, err := db.Incident(ctx, inc.ID)
		if err != nil {
			return err
		}
		open := false
		for _, e := range h.Events {
			switch e.Kind {
			case string(alerts.Opened):
				if open {
					return fmt.Errorf("incident %d was opened twice: %+v", inc.ID, h.Events)
				}
				open = true
			case string(alerts.Ended), alerts.ResolveHand.Done():
				if !open {
					return fmt.Errorf("incident %d was resolved twice: %+v", inc.ID, h.Events)
				}
				open = false
			}
		}
		if open == (inc.State == alerts.Resolved) {
			return fmt.Errorf("incident %d is %s after %+v", inc.ID, inc.State, h.Events)
		}
		var last time.Time
		seen := map[string]bool{}
		for _, s := range h.Deliveries {
			if seen[s.Notice] {
				return fmt.Errorf("incident %d: %s is queued twice", inc.ID, s.Notice)
			}
			seen[s.Notice] = true
			if s.Kind == alerts.Reminder && s.Queued.Sub(last) < remind {
				return fmt.Errorf("incident %d: reminded %s after the last message", inc.ID, s.Queued.Sub(last))
			}
			last = s.Queued
		}
	}
	return nil
}
