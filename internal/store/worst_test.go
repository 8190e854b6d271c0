package store

import (
	"testing"

	"reputed/checks"
)

// An incident about a network comes with its worst members and their number; others come whole.
func TestShortenedKeepsTheWorstAndCountsTheRest(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{}, folds(network(30, checks.Problem, t0)))
	back(t, db, "192.0.2.10", "psbl", t0, checks.Problem)
	whole, err := db.Incidents(t.Context(), IncidentFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, worst := range []int{1, 5, 29, 30, 31} {
		short, err := db.Shortened(t.Context(), IncidentFilter{}, worst)
		if err != nil || len(short) != len(whole) {
			t.Fatalf("%d incidents, want %d, %v", len(short), len(whole), err)
		}
		for n, s := range short {
			w := whole[n]
			if s.ID != w.ID || s.Open != len(w.Members) || len(s.Members) != min(worst, len(w.Members)) {
				t.Errorf("of the worst %d: incident %d has %d members and %d open, want %d", worst, s.ID, len(s.Members), s.Open, len(w.Members))
			}
			for k, m := range s.Members {
				if m.Finding.Key != w.Members[k].Finding.Key || m.Finding.Summary != w.Members[k].Finding.Summary || len(m.Finding.Evidence) == 0 {
					t.Errorf("member %d is %+v", k, m)
				}
			}
		}
	}
}

func TestShortenedOfNothing(t *testing.T) {
	if all, err := fresh(t).Shortened(t.Context(), IncidentFilter{}, 5); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}
