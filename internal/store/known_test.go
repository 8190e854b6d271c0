package store

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

func TestKnownTargetsHaveThePoolsOfOpenIncidents(t *testing.T) {
	db := fresh(t)
	bad := func(id, source, pool string) checks.Finding {
		target := checks.Target{Kind: checks.KindDomain, Name: id}
		if a, err := netip.ParseAddr(id); err == nil {
			target = checks.Address(a)
		}
		target.Pool, target.Tags = pool, []string{"eu"}
		return checks.Finding{Key: checks.Key{Check: checkLists, Target: id, Source: source}, Target: target, Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Minor, Summary: "x", At: t0}
	}
	open, over := bad("192.0.2.10", "spamcop", "bulk"), bad("example.org", "dbl", "office")
	member := func(f checks.Finding) []alerts.Member {
		return []alerts.Member{{Finding: f, First: t0, Last: t0}}
	}
	mustCommit(t, db, t0, Batch{}, one(Decision{Findings: []checks.Finding{open, over, {Key: checks.Key{Check: "monitor", Target: "monitor", Source: "x"}, Target: checks.Target{Kind: checks.KindMonitor}, Code: checks.CodeBlind, Status: checks.Problem, Severity: checks.Major, Summary: "x", At: t0}},
		Changes: []alerts.Change{{Kind: alerts.Opened, At: t0, Incident: alerts.Incident{Title: "a", State: alerts.Open, Opened: t0, Members: member(open)}},
			{Kind: alerts.Opened, At: t0, Incident: alerts.Incident{Title: "b", State: alerts.Resolved, Opened: t0, Resolved: t0.Add(time.Hour), Members: member(over)}}}}))
	all, err := db.KnownTargets(t.Context())
	got := ""
	for _, x := range all {
		got += fmt.Sprintf("%s %q %v\n", x.ID(), x.Pool, x.Tags)
	}
	if want := "192.0.2.10 \"bulk\" [eu]\nexample.org \"\" []\n"; err != nil || got != want {
		t.Errorf("%v %s, want %s", err, got, want)
	}
}

// Questions are counted over the rounds that ended, of the check and the time that are meant.
func TestUsageIsOfRoundsThatEnded(t *testing.T) {
	db := fresh(t)
	run := func(check string, ago time.Duration, finish bool) {
		id, err := db.BeginRun(t.Context(), check, t0.Add(-ago))
		if err != nil {
			t.Fatal(err)
		}
		if !finish {
			return
		}
		if err := db.FinishRun(t.Context(), id, t0.Add(-ago+time.Minute), Summary{Lists: []ListSummary{{List: "spamcop", Counts: map[string]int{"listed": 1, "clean": 9}}, {List: "psbl", Counts: map[string]int{"unknown": 3}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := db.Usage(t.Context(), checkLists, t0.Add(-24*time.Hour)); err != nil || u.Rounds != 0 || !u.Since.IsZero() || len(u.Asked) != 0 {
		t.Errorf("of nothing: %+v %v", u, err)
	}
	run(checkLists, 30*time.Hour, true)
	run(checkLists, 25*time.Hour, true)
	run(checkLists, 23*time.Hour, true)
	run("scores", 2*time.Hour, true)
	run(checkLists, 90*time.Minute, false) // cut off
	run(checkLists, time.Hour, true)
	run(checkLists, time.Minute, false) // under way
	u, err := db.Usage(t.Context(), checkLists, t0.Add(-24*time.Hour))
	if err != nil || u.Rounds != 2 || !u.Since.Equal(t0.Add(-23*time.Hour)) || u.Asked["spamcop"] != 20 || u.Asked["psbl"] != 6 {
		t.Errorf("%+v %v", u, err)
	}
}
