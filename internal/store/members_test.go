package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
	"reputed/checks"
)

// forbid makes every update of a table fail, so that a test sees that there is none.
func forbid(t *testing.T, db *DB, table string) {
	t.Helper()
	if _, err := db.write.ExecContext(t.Context(), "CREATE TRIGGER forbidden BEFORE UPDATE ON "+table+" BEGIN SELECT raise(ABORT, 'written again'); END"); err != nil {
		t.Fatal(err)
	}
}

func onlyOpen(t *testing.T, db *DB, now time.Time) alerts.Incident {
	t.Helper()
	s := look(t, db, now, Batch{})
	if len(s.Open) != 1 {
		t.Fatalf("%d incidents are open, want one", len(s.Open))
	}
	return s.Open[0]
}

func TestASightingThatSaysTheSameMovesOnlyTimes(t *testing.T) {
	db := fresh(t)
	first := []checks.Finding{listed("192.0.2.10", "spamcop", t0), listed("192.0.2.10", "barracuda", t0)}
	first[1].Evidence = append(first[1].Evidence, checks.Evidence{Answer: "at another time", At: t0.Add(-time.Minute)}, checks.Evidence{Answer: "at no known time"})
	mustCommit(t, db, t0, Batch{}, folds(first))
	forbid(t, db, "findings")

	later := t0.Add(6 * time.Hour)
	again := []checks.Finding{listed("192.0.2.10", "spamcop", later.Add(time.Second)), listed("192.0.2.10", "barracuda", later)}
	again[1].Evidence = append(again[1].Evidence, checks.Evidence{Answer: "at another time", At: later.Add(-time.Minute)}, checks.Evidence{Answer: "at no known time"})
	mustCommit(t, db, later, Batch{}, folds(again))

	want := []alerts.Member{{Finding: again[1], First: t0, Last: later, Turned: t0}, {Finding: again[0], First: t0, Last: later.Add(time.Second), Turned: t0}}
	if diff := cmp.Diff(want, onlyOpen(t, db, later).Members, addresses); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestWhatASightingSaysAnewIsStored(t *testing.T) {
	for name, change := range map[string]func(*checks.Finding){
		"code":                func(f *checks.Finding) { f.Code = checks.CodePolicy },
		"severity":            func(f *checks.Finding) { f.Severity = checks.Minor },
		"summary":             func(f *checks.Finding) { f.Summary = "listed again" },
		"a fact":              func(f *checks.Finding) { f.Facts = map[string]string{checks.FactCodes: "127.0.0.3"} },
		"one more fact":       func(f *checks.Finding) { f.Facts[checks.FactReason] = "spam" },
		"no facts":            func(f *checks.Finding) { f.Facts = nil },
		"answer":              func(f *checks.Finding) { f.Evidence[0].Answer = "127.0.0.3" },
		"server":              func(f *checks.Finding) { f.Evidence[0].Via = "192.0.2.54:53" },
		"time of an evidence": func(f *checks.Finding) { f.Evidence[0].At = t0.Add(time.Minute) },
		"one more evidence":   func(f *checks.Finding) { f.Evidence = append(f.Evidence, checks.Evidence{Answer: "<&>", At: t0}) },
		"no evidence":         func(f *checks.Finding) { f.Evidence = nil },
		"pool":                func(f *checks.Finding) { f.Target.Pool = "main" },
		"tags":                func(f *checks.Finding) { f.Target.Tags = []string{"a", "b"} },
		"settle":              func(f *checks.Finding) { f.Settle = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			mustCommit(t, db, t0, Batch{}, folds([]checks.Finding{listed("192.0.2.10", "spamcop", t0)}))
			onlyOpen(t, db, t0) // is remembered
			later := t0.Add(time.Hour)
			f := listed("192.0.2.10", "spamcop", later)
			change(&f)
			mustCommit(t, db, later, Batch{}, folds([]checks.Finding{f}))
			want := []alerts.Member{{Finding: f, First: t0, Last: later, Turned: t0}}
			if diff := cmp.Diff(want, onlyOpen(t, db, later).Members, addresses); diff != "" {
				t.Errorf("as the commit remembers it (-want +got):\n%s", diff)
			}
			all, err := db.Incidents(t.Context(), IncidentFilter{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, all[0].Members, addresses); diff != "" {
				t.Errorf("as it is read (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMembersAreRememberedOnlyWhileTheyAreOpen: what a commit remembers of
// findings is no more than the open incidents hold.
func TestMembersAreRememberedOnlyWhileTheyAreOpen(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{}, folds([]checks.Finding{listed("192.0.2.10", "spamcop", t0), listed("192.0.2.11", "spamcop", t0)}))
	in := onlyOpen(t, db, t0)
	if len(db.members) != 2 {
		t.Errorf("%d findings are remembered, want 2", len(db.members))
	}
	if _, err := db.Act(t.Context(), alerts.Action{Kind: alerts.ResolveHand, Incident: in.ID, By: "kim", At: t0}, nil); err != nil {
		t.Fatal(err)
	}
	look(t, db, t0, Batch{})
	if len(db.members) != 0 {
		t.Errorf("%d findings are remembered of what is resolved, want none", len(db.members))
	}
}

func TestARecentIncidentIsReadByItsKeysAndReopenedWhole(t *testing.T) {
	db := fresh(t)
	spamcop, barracuda := listed("192.0.2.10", "spamcop", t0), listed("192.0.2.10", "barracuda", t0)
	in := mustCommit(t, db, t0, Batch{}, folds([]checks.Finding{spamcop, barracuda}))[0].Incident
	if _, err := db.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: in.ID, By: "kim", Note: "asked for removal", At: t0}, nil); err != nil {
		t.Fatal(err)
	}
	over, err := db.Act(t.Context(), alerts.Action{Kind: alerts.ResolveHand, Incident: in.ID, By: "kim", At: t0.Add(time.Hour)}, nil)
	if err != nil {
		t.Fatal(err)
	}

	recent := look(t, db, t0.Add(2*time.Hour), Batch{}).Recent
	want := over
	want.Members = []alerts.Member{{Finding: checks.Finding{Key: barracuda.Key}}, {Finding: checks.Finding{Key: spamcop.Key}}}
	if diff := cmp.Diff([]alerts.Incident{want}, recent, addresses); diff != "" {
		t.Errorf("recent (-want +got):\n%s", diff)
	}

	// Handed back as it is, it keeps what is stored.
	mustCommit(t, db, t0.Add(2*time.Hour), Batch{}, one(Decision{Changes: []alerts.Change{{Kind: alerts.Quiet, Incident: recent[0], At: t0, Why: "test"}}}))
	h, err := db.Incident(t.Context(), in.ID)
	if diff := cmp.Diff(over, h.Incident, addresses); err != nil || diff != "" {
		t.Errorf("handed back: %v (-want +got):\n%s", err, diff)
	}

	// One of its problems comes back: the same incident, about that one.
	at := t0.Add(3 * time.Hour)
	back := listed("192.0.2.10", "spamcop", at)
	mustCommit(t, db, at, Batch{}, folds([]checks.Finding{back}))
	again := onlyOpen(t, db, at)
	if again.ID != in.ID || again.Relapses != 1 || again.Note != "asked for removal" || again.AckedBy != "" {
		t.Errorf("opened anew: %+v, want incident %d with its note", again, in.ID)
	}
	if diff := cmp.Diff([]alerts.Member{{Finding: back, First: at, Last: at, Turned: at}}, again.Members, addresses); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if n := count(t, db, "SELECT count(*) FROM findings"); n != 1 {
		t.Errorf("%d findings are stored, want that of the one member", n)
	}
	integrity(t, db)
}

func TestMembersOfManyIncidentsStayApart(t *testing.T) {
	db := fresh(t)
	var want [][]checks.Key
	for i := range 5 {
		var keys []checks.Key
		var findings []checks.Finding
		for _, source := range []string{"barracuda", "spamcop", "uceprotect"} {
			f := listed("192.0.2."+itoa(i+1), source+" of "+itoa(i), t0)
			keys, findings = append(keys, f.Key), append(findings, f)
		}
		mustCommit(t, db, t0, Batch{}, folds(findings))
		want = append(want, keys)
	}
	all, err := db.Incidents(context.Background(), IncidentFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range [][]alerts.Incident{look(t, db, t0, Batch{}).Open, {all[4], all[3], all[2], all[1], all[0]}} {
		var got [][]checks.Key
		for _, in := range open {
			var keys []checks.Key
			for _, m := range in.Members {
				keys = append(keys, m.Finding.Key)
			}
			got = append(got, keys)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	}
}
