package main

import (
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/lab"
	"reputed/internal/wiring"
)

// What was observed is decided anew with another policy: from the store, without a change to it.
func TestAReplayDecidesOverWhatWasObserved(t *testing.T) {
	began := time.Now().Add(-time.Minute) // a mail has its time in whole seconds
	r := newRig(t, nil)
	r.must(r.Round)
	r.world.ListAtSpamCop()
	r.must(r.Round)
	r.read(1, lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net"))
	inc := r.only("listed and refused")
	if _, err := r.db.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: inc.ID, By: "kim", At: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}

	replay := func(p alerts.Policy) []alerts.Change {
		t.Helper()
		past, err := r.db.Past(t.Context(), began, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if len(past.Actions) != 1 || len(past.Actions[0].Keys) != 2 || len(past.Refusals) != 1 {
			t.Fatalf("observed %+v", past)
		}
		watched, err := r.cfg.Targets()
		if err != nil {
			t.Fatal(err)
		}
		return alerts.Replay(observed(past, r.cfg, watched), p, began, began.Add(30*time.Hour))
	}
	kinds := func(changes []alerts.Change) (told []alerts.ChangeKind) {
		for _, c := range changes {
			if c.Tell {
				told = append(told, c.Kind)
			}
		}
		return told
	}
	same := replay(wiring.Policy(r.cfg))
	if got := kinds(same); len(got) != 1 || got[0] != alerts.Opened {
		t.Fatalf("the policy of then tells %v, want the opening and, since it was acknowledged, no reminder", got)
	}
	if c := same[0].Incident; c.Severity != checks.Critical || c.Impact.Refusals() != 1 || len(c.Members) != 2 {
		t.Errorf("it is %s, %d refusals, %d members", c.Severity, c.Impact.Refusals(), len(c.Members))
	}
	quiet := wiring.Policy(r.cfg)
	quiet.Routes = []alerts.Route{{Severities: []checks.Severity{checks.Critical}}}
	if got := kinds(replay(quiet)); len(got) != 0 {
		t.Errorf("a policy that sends it to nobody tells %v", got)
	}
}
