package store

import (
	"context"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// TestAtTellsEachMomentOfAStory: at any time of it, what was open then, as it was then.
func TestAtTellsEachMomentOfAStory(t *testing.T) {
	db := fresh(t)
	hour := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
	run := func(from time.Time, n int) {
		t.Helper()
		id, err := db.BeginRun(t.Context(), "dnsbl", from)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.FinishRun(t.Context(), id, from.Add(time.Minute), Summary{Targets: n}); err != nil {
			t.Fatal(err)
		}
	}
	act := func(a alerts.Action) {
		t.Helper()
		a.Incident = 1
		if _, err := db.Act(context.Background(), a, nil); err != nil {
			t.Fatal(err)
		}
	}
	run(hour(0), 1)
	back(t, db, "192.0.2.10", "spamcop", hour(1), checks.Problem)
	act(alerts.Action{Kind: alerts.Ack, By: "kim", Note: "on it", At: hour(2)})
	back(t, db, "192.0.2.10", "psbl", hour(3), checks.Problem)
	act(alerts.Action{Kind: alerts.Mute, By: "lee", Note: "moving: tonight", At: hour(4), Until: hour(6)})
	run(hour(5), 2)
	act(alerts.Action{Kind: alerts.ResolveHand, By: "kim", At: hour(8)})
	back(t, db, "192.0.2.10", "spamcop", hour(10), checks.OK)
	back(t, db, "192.0.2.10", "spamcop", hour(20), checks.Problem)

	for name, c := range map[string]struct {
		at      time.Time
		open    int
		state   alerts.State
		members int
		round   int // targets of the last complete round
	}{
		"before anything":             {hour(-1), 0, "", 0, 0},
		"a round and no incident":     {hour(0).Add(30 * time.Minute), 0, "", 0, 1},
		"it opens":                    {hour(1), 1, alerts.Open, 1, 1},
		"somebody takes it on":        {hour(2), 1, alerts.Acknowledged, 1, 1},
		"another list joins":          {hour(3), 1, alerts.Acknowledged, 2, 1},
		"it is silenced":              {hour(4), 1, alerts.Silenced, 2, 1},
		"while the silence lasts":     {hour(6).Add(-time.Second), 1, alerts.Silenced, 2, 2},
		"the silence has ended":       {hour(6), 1, alerts.Open, 2, 2},
		"resolved by hand":            {hour(8), 0, "", 0, 2},
		"it comes back":               {hour(20), 1, alerts.Open, 2, 2},
		"what came later is not told": {hour(1).Add(time.Minute), 1, alerts.Open, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := db.At(t.Context(), c.at, "dnsbl", 24*time.Hour, 100)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Incidents) != c.open || m.Complete.Summary.Targets != c.round || !m.First.Equal(hour(0)) {
				t.Fatalf("got %+v", m)
			}
			if c.open == 0 {
				return
			}
			i := m.Incidents[0]
			if i.State != c.state || len(i.Members) != c.members || i.Opened.After(c.at) || i.Title == "" {
				t.Errorf("got %s with %d members: %+v", i.State, len(i.Members), i)
			}
			for _, m := range i.Members {
				if m.First.After(c.at) || len(m.Finding.Evidence) == 0 {
					t.Errorf("member %+v", m)
				}
			}
			if i.State == alerts.Silenced && (i.Silence.Reason != "moving: tonight" || i.Silence.By != "lee" || !i.Silence.Until.Equal(hour(6).Truncate(time.Second))) {
				t.Errorf("silence %+v", i.Silence)
			}
		})
	}
}

// A moment of now says the same as now.
func TestAtNowIsNow(t *testing.T) {
	db := fresh(t)
	for i, target := range []string{"192.0.2.10", "192.0.2.11", "192.0.2.12"} {
		back(t, db, target, "spamcop", t0.Add(time.Duration(i)*time.Hour), checks.Problem)
	}
	back(t, db, "192.0.2.11", "psbl", t0.Add(5*time.Hour), checks.Problem)
	now, err := db.Incidents(t.Context(), IncidentFilter{})
	if err != nil {
		t.Fatal(err)
	}
	then, err := db.At(t.Context(), t0.Add(6*time.Hour), "dnsbl", time.Hour, 100)
	if err != nil || len(then.Incidents) != len(now) {
		t.Fatalf("%d incidents, want %d, %v", len(then.Incidents), len(now), err)
	}
	byID := map[int64]alerts.Incident{}
	for _, i := range now {
		byID[i.ID] = i
	}
	for _, i := range then.Incidents {
		want := byID[i.ID]
		if i.State != want.State || i.Severity != want.Severity || !i.Opened.Equal(want.Opened) || len(i.Members) != len(want.Members) {
			t.Errorf("got %+v\nwant %+v", i, want)
		}
	}
}

func TestWatchSeesWhatOthersCommit(t *testing.T) {
	path := t.TempDir() + "/reputed.db"
	db := open(t, path)
	back(t, db, "192.0.2.10", "spamcop", t0, checks.Problem)
	reader, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	w, err := reader.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, want := range []bool{true, false, true, false} {
		if i == 2 {
			back(t, db, "192.0.2.10", "spamcop", t0.Add(time.Hour), checks.OK)
		}
		if _, err := reader.Incidents(t.Context(), IncidentFilter{}); err != nil { // reading is no change
			t.Fatal(err)
		}
		if got, err := w.Changed(t.Context()); got != want || err != nil {
			t.Errorf("look %d: changed %v, %v; want %v", i, got, err, want)
		}
	}
}
