package main

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
)

// database is the script command "database FILE alive|dead": what a daemon leaves
// behind that has finished a round four minutes ago, found one listing, told of it on one channel
// and failed on another, and that still runs or was killed three hours ago. "young" is one that began two seconds
// ago on a database of its own, and "again" the one of "dead" as somebody started it two seconds ago.
func database(ts *testscript.TestScript, neg bool, args []string) {
	ctx, now := context.Background(), time.Now()
	db, err := store.Open(ctx, ts.MkAbs(args[0]), store.Options{})
	ts.Check(err)
	beat := now
	switch args[1] {
	case "dead":
		beat = now.Add(-3 * time.Hour)
		defer db.Close()
	case "young", "again":
		beat = now.Add(-2 * time.Second)
		fallthrough
	default:
		ts.Defer(func() { _ = db.Close() }) // a daemon that runs has it open, and locked
	}
	_, err = db.Lease(ctx, "reputed test", time.Minute, beat)
	ts.Check(err)
	if args[1] == "young" || args[1] == "again" {
		return
	}

	run, err := db.BeginRun(ctx, monitor.JobDNSBL, now.Add(-5*time.Minute))
	ts.Check(err)
	ts.Check(db.FinishRun(ctx, run, now.Add(-4*time.Minute), store.Summary{Targets: 2, Questions: 6, Lists: []store.ListSummary{
		{List: "z00", State: "ok", Counts: map[string]int{"listed": 1, "clean": 1}},
		{List: "policy", State: "ok", Counts: map[string]int{"clean": 2}},
		{List: "names", State: "unknown", Why: "names did not answer its test entry: no answer", Counts: map[string]int{"unknown": 2}},
	}}))

	finding := checks.Finding{
		Key:    checks.Key{Check: monitor.JobDNSBL, Target: "192.0.2.10", Source: "z00"},
		Target: checks.Address(netip.MustParseAddr("192.0.2.10")),
		Code:   checks.CodeListed, Status: checks.Problem, Severity: checks.Major, Summary: "192.0.2.10 is listed by z00", At: now.Add(-4 * time.Minute),
		Facts:    map[string]string{checks.FactAddress: "192.0.2.10", checks.FactList: "z00", checks.FactListName: "z00", checks.FactZone: "z00.bl.test"},
		Evidence: []checks.Evidence{{Question: "10.2.0.192.z00.bl.test. A", Answer: "127.0.0.2", Reason: "Blocked\x1b[2J\r\nall clear", Via: "192.0.2.53:53", At: now.Add(-4 * time.Minute)}},
	}
	_, err = db.Commit(ctx, now.Add(-4*time.Minute), store.Batch{Read: map[string]probes.Position{"bounces": {UIDValidity: 7, UID: 4711}}}, func(s store.Situation) store.Decision {
		return store.Decision{
			Findings: []checks.Finding{finding},
			Changes:  alerts.Fold(alerts.Input{Open: s.Open, Recent: s.Recent, Findings: []checks.Finding{finding}, Policy: alerts.Policy{Channels: []string{"slack", "pager"}}, Now: s.Now}),
			Notify: func(c alerts.Change) []store.Notice {
				n := alerts.Notification{ID: "1/opened", Kind: c.Kind, At: c.At, Incident: c.Incident}
				return []store.Notice{{Channel: "slack", Notification: n}, {Channel: "pager", Notification: n}}
			},
		}
	})
	ts.Check(err)
	for _, channel := range []string{"slack", "pager"} {
		due, err := db.Due(ctx, channel, now, 10)
		ts.Check(err)
		for _, d := range due {
			if channel == "slack" {
				ts.Check(db.Sent(ctx, d.ID, now))
			} else {
				ts.Check(db.Retry(ctx, d.ID, now.Add(time.Minute), 3, "500 Internal Server Error"))
			}
		}
	}
	ts.Check(db.SetMailboxState(ctx, "bounces", false, now, errors.New("login refused")))
}
