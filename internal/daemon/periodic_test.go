package daemon

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

func mondays(t *testing.T) monitor.Schedule {
	t.Helper()
	s, err := monitor.ParseSchedule("0 8 * * 1", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReportIsDueOnceInEachPeriod(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) } // 2, 9, 16, 23 and 30 are Mondays
	const week = 7 * 24 * time.Hour
	began := func(at time.Time) store.Run { return store.Run{Started: at, State: store.Troubled} }
	sent := func(at time.Time) store.Run { return store.Run{Started: at, State: store.Complete} }
	for name, c := range map[string]struct {
		last        store.Run
		now         time.Time
		since, slot time.Time
	}{
		"not before its time":                      {began(at(4, 12)), at(9, 7), time.Time{}, time.Time{}},
		"the first is about a week":                {began(at(4, 12)), at(9, 8), at(9, 8).Add(-week), at(9, 8)},
		"then from the last on":                    {sent(at(9, 8)), at(16, 9), at(9, 8), at(16, 8)},
		"not twice":                                {sent(at(16, 8)), at(16, 9), time.Time{}, time.Time{}},
		"one that was missed is made up for":       {sent(at(9, 8)), at(18, 3), at(9, 8), at(16, 8)},
		"several that were missed are one":         {sent(at(2, 8)), at(25, 3), at(2, 8), at(23, 8)},
		"killed after it was queued, it was sent":  {store.Run{Started: at(16, 8), State: store.Running}, at(16, 9), time.Time{}, time.Time{}},
		"a clock that ran ahead silences for ever": {sent(at(9, 8).AddDate(9, 0, 0)), at(16, 9), time.Time{}, time.Time{}},
		"a year without one is a year":             {sent(at(9, 8).AddDate(-3, 0, 0)), at(16, 9), at(16, 8).Add(-report.LongestPeriod), at(16, 8)},
	} {
		t.Run(name, func(t *testing.T) {
			since, slot := reportDue(c.last, mondays(t).Next, c.now)
			if !slot.Equal(c.slot) || !slot.IsZero() && !since.Equal(c.since) {
				t.Errorf("from %s to %s, want from %s to %s", since, slot, c.since, c.slot)
			}
		})
	}
}

// The report waits in the outbox like any alert, is queued once over restarts, and says what happened.
func TestReportGoesOutOnce(t *testing.T) {
	r := newRigWith(t, func(c *config.Config, _ *lab.World) {
		c.Report = config.Report{Schedule: "0 8 * * 1", Channels: []string{"test"}, Times: mondays(t)}
	})
	ctx, now := t.Context(), time.Now().UTC()
	reports := func(at time.Time) (all []alerts.Notification) {
		t.Helper()
		due, err := r.db.Due(ctx, "test", at.Add(time.Hour), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range due {
			if d.Notification.Kind == alerts.Periodic {
				all = append(all, d.Notification)
			}
		}
		return all
	}
	step := func(d *Daemon, at time.Time, want int) {
		t.Helper()
		if err := d.report(ctx, at); err != nil {
			t.Fatal(err)
		}
		if got := len(reports(at)); got != want {
			t.Fatalf("%s: %d reports wait, want %d", at, got, want)
		}
	}
	step(r.Daemon, now, 0)
	r.mustRound()
	r.world.ListAtSpamCop()
	r.mustRound()
	r.read(1, lab.CiscoRefusal(now, "4TgXkR2x9zB", "kim@example.net"))
	if _, err := r.db.Act(ctx, alerts.Action{Kind: alerts.Ack, Incident: 1, By: "kim", At: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	slot := mondays(t).Next(now)
	step(r.Daemon, slot.Add(-time.Minute), 0)
	step(r.Daemon, slot.Add(time.Minute), 1)
	step(r.Daemon, slot.Add(2*time.Minute), 1)
	again, err := New(Options{Config: r.Daemon.cfg, DB: r.db, Channels: map[string]alerts.Notifier{"test": nil}, Log: r.Daemon.log})
	if err != nil {
		t.Fatal(err)
	}
	step(again, slot.Add(3*time.Minute), 1)
	n := reports(slot)[0]
	text, _ := json.Marshal(n.Review)
	for _, want := range []string{"1 incident opened, 1 open now; 1 mail refused or deferred", "SpamCop Blocking List: 1 new", "Cisco Talos: 1 mail refused", "acknowledged by kim, #1"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	if !n.Review.Until.Equal(slot) || n.Review.Until.Sub(n.Review.Since) != 7*24*time.Hour {
		t.Errorf("from %s to %s", n.Review.Since, n.Review.Until)
	}
	step(again, slot.Add(7*24*time.Hour), 2)
	if next := reports(slot.Add(7 * 24 * time.Hour))[1]; !next.Review.Since.Equal(slot) {
		t.Errorf("the next begins at %s, want %s", next.Review.Since, slot)
	}
}
