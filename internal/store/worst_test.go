package store

import (
	"slices"
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

// Whoever asks about one address of a network that is listed reads of the incident what is about that
// address, and how many there are besides; page by page, findings come in one order, each once.
func TestOfANetworkIsReadWhatIsAskedFor(t *testing.T) {
	db := fresh(t)
	all := network(50, checks.Problem, t0)
	list := all[0].Key.Source
	mustCommit(t, db, t0, Batch{}, folds(all))
	one, err := db.Shortened(t.Context(), IncidentFilter{Target: all[7].Key.Target}, 10)
	if err != nil || len(one) != 1 || len(one[0].Members) != 1 || one[0].Members[0].Finding.Key.Target != all[7].Key.Target || one[0].Open != 50 {
		t.Errorf("about one: %+v, %v, want its member, and that 50 are open", one, err)
	}
	if none, err := db.Shortened(t.Context(), IncidentFilter{Target: "192.0.2.99"}, 10); err != nil || len(none) != 0 {
		t.Errorf("about another: %+v, %v, want none", none, err)
	}
	then, err := db.At(t.Context(), t0.Add(time.Minute), "dnsbl", time.Hour, 10)
	if err != nil || len(then.Incidents) != 1 || len(then.Incidents[0].Members) != 10 || then.Incidents[0].Open != 50 {
		t.Errorf("then: %+v, %v, want ten of 50 members", then, err)
	}
	var pages []string
	for f := (FindingFilter{Limit: 7}); ; {
		part, err := db.OpenFindings(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range part {
			pages = append(pages, x.Finding.Key.Target)
			f.After, f.Incident = x.Finding.Key, x.Incident
		}
		if len(part) < f.Limit {
			break
		}
	}
	if !slices.IsSorted(pages) || len(slices.Compact(pages)) != 50 {
		t.Errorf("page by page: %d findings, in order %v, want each of 50 once", len(pages), slices.IsSorted(pages))
	}
	if part, err := db.OpenFindings(t.Context(), FindingFilter{Target: all[7].Key.Target, Source: list}); err != nil || len(part) != 1 {
		t.Errorf("of one: %d, %v, want one", len(part), err)
	}
	if part, err := db.OpenFindings(t.Context(), FindingFilter{Source: "another"}); err != nil || len(part) != 0 {
		t.Errorf("of another list: %d, %v, want none", len(part), err)
	}
}
