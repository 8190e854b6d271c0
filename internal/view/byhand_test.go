package view

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

// Who ends an incident by hand has not taken the address off the list: until it has been asked about again, nothing is clear.
func TestEndedByHandIsNotClear(t *testing.T) {
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Second)
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "reputed.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Lease(ctx, "reputed test", time.Hour, now); err != nil {
		t.Fatal(err)
	}
	round := func(at time.Time, status checks.Status) {
		t.Helper()
		run, err := db.BeginRun(ctx, monitor.JobDNSBL, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.FinishRun(ctx, run, at, store.Summary{Targets: 1, Questions: 1, Lists: []store.ListSummary{{List: "spamcop", State: "ok"}}}); err != nil {
			t.Fatal(err)
		}
		f := checks.Finding{Key: checks.Key{Check: monitor.JobDNSBL, Target: "192.0.2.10", Source: "spamcop"}, Target: checks.Address(netip.MustParseAddr("192.0.2.10")),
			Code: checks.CodeListed, Status: status, Severity: checks.Major, Summary: "192.0.2.10 is listed by SpamCop", At: at,
			Facts: map[string]string{checks.FactListName: "SpamCop"}}
		if _, err := db.Commit(ctx, at, store.Batch{}, func(s store.Situation) store.Decision {
			return store.Decision{Findings: []checks.Finding{f}, Changes: alerts.Fold(alerts.Input{Open: s.Open, Recent: s.Recent, Findings: []checks.Finding{f}, Policy: alerts.Policy{}, Now: at})}
		}); err != nil {
			t.Fatal(err)
		}
	}
	round(now.Add(-20*time.Minute), checks.Problem)
	if _, err := db.Act(ctx, alerts.Action{Kind: alerts.ResolveHand, Incident: 1, By: "kim", At: now.Add(-10 * time.Minute)}, nil); err != nil {
		t.Fatal(err)
	}

	status := func(at time.Time, addresses, lists string) report.Report {
		t.Helper()
		cfg := &config.Config{Path: "x.toml", Outbound: []config.Outbound{{Pool: "office", Addresses: []string{addresses}}}}
		cfg.Blocklists.Zones = []blocklists.Zone{{ID: lists, Zone: "bl.example.net"}}
		v, err := New(db, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return v.Status(ctx, at)
	}
	want := "Cannot tell before the next look: 192.0.2.10 was listed by SpamCop when last asked, 20 min ago, and incident 1 was ended by hand"
	if r := status(now, "192.0.2.10", "spamcop"); r.Verdict() != want || r.Level() != report.LevelUnknown {
		t.Errorf("before anybody looked again: %v, %s\nwant %s", r.Level(), r.Verdict(), want)
	}
	for why, r := range map[string]report.Report{
		"the address is not watched any more": status(now, "192.0.2.11", "spamcop"),
		"the list is not asked any more":      status(now, "192.0.2.10", "psbl"),
	} {
		if !strings.HasPrefix(r.Verdict(), "All clear") || r.Level() != report.LevelOK {
			t.Errorf("%s: %v, %s", why, r.Level(), r.Verdict())
		}
	}
	round(now.Add(time.Minute), checks.OK)
	if r := status(now.Add(2*time.Minute), "192.0.2.10", "spamcop"); !strings.HasPrefix(r.Verdict(), "All clear") {
		t.Errorf("after a clean answer: %s", r.Verdict())
	}
}
