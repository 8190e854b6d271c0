package store

import (
	"testing"
	"time"

	"reputed/alerts"
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

// What is clear is not counted as open, whether it is there or not.
func TestShortenedCountsWhatIsOpen(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{}, folds(network(30, checks.Problem, t0)))
	gone := network(10, checks.OK, t0.Add(time.Hour))
	for i := range gone {
		gone[i].Settle = 0 // its own name servers said so
	}
	mustCommit(t, db, t0.Add(time.Hour), Batch{}, folds(gone))
	for _, worst := range []int{5, 30, 100} {
		short, err := db.Shortened(t.Context(), IncidentFilter{}, worst)
		if err != nil || len(short) != 1 || short[0].Open != 20 {
			t.Errorf("of the worst %d: %d incidents, %d open, %v; want 20 open", worst, len(short), short[0].Open, err)
		}
	}
}

// Over is what is resolved and nothing else.
func TestOverIsOnlyWhatIsResolved(t *testing.T) {
	db := fresh(t)
	back(t, db, "192.0.2.10", "spamcop", t0, checks.Problem)
	back(t, db, "192.0.2.11", "spamcop", t0, checks.Problem)
	if _, err := db.Act(t.Context(), alerts.Action{Kind: alerts.ResolveHand, Incident: 1, By: "kim", At: t0.Add(time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		filter IncidentFilter
		want   int
	}{{IncidentFilter{Over: true}, 1}, {IncidentFilter{}, 1}, {IncidentFilter{Resolved: true}, 2}} {
		all, err := db.Incidents(t.Context(), c.filter)
		if err != nil || len(all) != c.want || c.filter.Over && all[0].State != alerts.Resolved {
			t.Errorf("%+v: %d incidents, %v; want %d", c.filter, len(all), err, c.want)
		}
	}
}

func TestShortenedOfNothing(t *testing.T) {
	if all, err := fresh(t).Shortened(t.Context(), IncidentFilter{}, 5); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}
