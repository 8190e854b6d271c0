package view

import (
	"path/filepath"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/store"
)

// What was decided not to be told before an incident came back is about its earlier life, and long past.
func TestAnEarlierLifeIsNotQuietOnPurpose(t *testing.T) {
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Second)
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "reputed.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	decide := func(at time.Time, changes ...alerts.Change) []alerts.Change {
		t.Helper()
		made, err := db.Commit(ctx, at, store.Batch{}, func(store.Situation) store.Decision { return store.Decision{Changes: changes} })
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first, again := now.Add(-2*time.Hour), now.Add(-time.Hour)
	inc := alerts.Incident{Cause: "target:192.0.2.10", Title: "192.0.2.10 is listed", State: alerts.Open, Severity: checks.Major, Opened: first, Changed: first}
	inc = decide(first, alerts.Change{Kind: alerts.Opened, Incident: inc, At: first})[0].Incident
	decide(first.Add(time.Minute), alerts.Change{Kind: alerts.Updated, Incident: inc, At: first.Add(time.Minute), Why: "no rise in severity"})
	quiet := func() int {
		t.Helper()
		v, err := New(db, &config.Config{})
		if err != nil {
			t.Fatal(err)
		}
		in, err := v.Input(ctx, now)
		if err != nil {
			t.Fatal(err)
		}
		return len(in.Quiet)
	}
	if got := quiet(); got != 1 {
		t.Errorf("%d decisions in its first life, want 1", got)
	}
	inc.State, inc.Resolved, inc.Changed = alerts.Resolved, first.Add(10*time.Minute), first.Add(10*time.Minute)
	decide(inc.Resolved, alerts.Change{Kind: alerts.Ended, Incident: inc, At: inc.Resolved})
	inc.State, inc.Resolved, inc.Opened, inc.Changed = alerts.Open, time.Time{}, again, again
	decide(again, alerts.Change{Kind: alerts.Opened, Incident: inc, At: again})
	if got := quiet(); got != 0 {
		t.Errorf("%d decisions after it came back, want 0", got)
	}
}
