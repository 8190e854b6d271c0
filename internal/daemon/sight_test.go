package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
)

// logged lets the daemon see that the log is open, and read to its end or not.
func (r *rig) logged(l *mailLog, behind int64) {
	s := probes.LogState{Reading: true, Since: time.Now(), Behind: behind}
	if behind == 0 {
		s.LastLook = time.Now()
	}
	r.logState(r.t.Context(), l, s)
}

// withHistory is a daemon that has just been started on a log, and has a log only.
func withHistory(t *testing.T, lines ...string) (*rig, *mailLog) {
	t.Helper()
	r, l := logRig(t)
	r.mailboxes = nil
	r.logged(l, 1000)
	if err := r.intakeLog(t.Context(), l, probes.LogBatch{Lines: mailLines(time.Now().Add(-2*time.Hour), lines...), Position: position(1)}); err != nil {
		t.Fatal(err)
	}
	if err := r.judge(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if all := r.open(); len(all) != 0 {
		t.Fatalf("before the log was read to its end it opened %v", daemontest.Titles(all))
	}
	return r, l
}

// TestInstallationNightWakesNobodyForWhatIsOver: the log says that it was refused, and taken again.
func TestInstallationNightWakesNobodyForWhatIsOver(t *testing.T) {
	r, l := withHistory(t, refusedBySpamCop("4B00001z", "kim@example.net"), refusedBySpamCop("4B00002z", "kim@example.net"))
	if err := r.intakeLog(t.Context(), l, probes.LogBatch{Lines: mailLines(time.Now().Add(-time.Hour), daemontest.Sent("4B00003z", "kim@example.net")), Position: position(2)}); err != nil {
		t.Fatal(err)
	}
	r.logged(l, 0)
	for range 2 {
		if err := r.tick(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("what is over opened %v", daemontest.Titles(all))
	}
	past, err := r.db.Transitions(t.Context(), "192.0.2.10")
	if err != nil || len(past) != 1 || past[0].Code != checks.CodeOverBefore || !strings.HasPrefix(past[0].Summary, "over before it was watched") {
		t.Errorf("the reason is not on record: %+v, %v", past, err)
	}
	// What comes now is news.
	if err := r.intakeLog(t.Context(), l, probes.LogBatch{Lines: mailLines(time.Now().Add(time.Second), refusedBySpamCop("4B00009z", "kim@example.net")), Position: position(3)}); err != nil {
		t.Fatal(err)
	}
	if err := r.commit(t.Context(), store.Batch{}, nil, false); err != nil {
		t.Fatal(err)
	}
	if inc := r.only("refused anew"); inc.LastTold.IsZero() {
		t.Errorf("nobody was told of %s", inc.Title)
	}
}

// TestWhatGoesOnWhenWatchingBeginsIsToldAsAlreadyThere: once, and not as new.
func TestWhatGoesOnWhenWatchingBeginsIsToldAsAlreadyThere(t *testing.T) {
	r, l := withHistory(t, daemontest.Sent("4B00000z", "kim@example.net"), refusedBySpamCop("4B00001z", "kim@example.net"))
	r.logged(l, 0)
	for range 2 {
		if err := r.tick(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	inc := r.only("refused still")
	due, err := r.db.Due(t.Context(), "test", time.Now().Add(time.Minute), 10)
	if err != nil || !inc.Existing || len(due) != 1 || due[0].Notification.Kind != alerts.Opened || !due[0].Notification.Incident.Existing {
		t.Errorf("existing %v, notices %+v, %v; want one, that it was already there", inc.Existing, due, err)
	}
}

// TestARestartHidesNoCountAndMovesNoTime: what has been watched is known from the database.
func TestARestartHidesNoCountAndMovesNoTime(t *testing.T) {
	r, l := logRig(t)
	r.mailboxes = nil
	domain, err := checks.Domain("example.org")
	if err != nil {
		t.Fatal(err)
	}
	ctx, began := context.Background(), time.Now().UTC().Add(-30*24*time.Hour).Truncate(time.Microsecond)
	state := func(at time.Time, trouble error) {
		t.Helper()
		if err := r.db.SetLogState(ctx, l.cfg.Name, at, trouble); err != nil {
			t.Fatal(err)
		}
	}
	cost := func(why, want string, since time.Time) {
		t.Helper()
		again, err := New(Options{Config: r.cfg, DB: r.db, Channels: map[string]alerts.Notifier{"test": nil}, Log: r.Daemon.log})
		if err != nil {
			t.Fatal(err)
		}
		again.mailboxes, again.logs = nil, r.logs
		l.whole, l.state = time.Time{}, probes.LogState{}
		if err := again.remember(ctx); err != nil {
			t.Fatal(err)
		}
		f := checks.Finding{Key: checks.Key{Check: monitor.JobIdentity, Target: domain.ID(), Source: "spf"}, Target: domain, Code: checks.CodeSPF,
			Status: checks.Problem, Severity: checks.Major, Summary: "no SPF record", At: time.Now()}
		if err := again.commit(ctx, store.Batch{}, []checks.Finding{f}, false); err != nil {
			t.Fatal(err)
		}
		got := r.only(why).Impact.Costs(1)[0]
		if got.Text != want || !got.Since.Equal(since) {
			t.Errorf("%s: %q since %s, want %q since %s", why, got.Text, got.Since, want, since)
		}
	}
	unknown, none := "not known yet: mailboxes and logs have not been read to their end", "deliveries are not counted here; no refusal has come back"
	cost("the first start", unknown, time.Time{})
	state(began, nil)
	state(time.Now().Add(-time.Minute), nil)
	cost("a restart", none, began)
	state(time.Now().Add(-time.Hour), errors.New("permission denied"))
	state(time.Now().Add(-time.Minute), nil)
	cost("once it was read again", none, began)
	state(time.Now().Add(-time.Hour), nil)
	cost("a daemon that was down for an hour", unknown, time.Time{})
	r.logged(l, 0)
	if s := r.sight(time.Now()); !s.whole || !s.near {
		t.Errorf("read to its end: %+v", s)
	}
	if err := r.intakeLog(ctx, l, probes.LogBatch{Position: position(2), Gap: "the log was emptied"}); err != nil {
		t.Fatal(err)
	}
	logs, err := r.db.Logs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if since, first := r.watching(store.Situation{Logs: logs}); !since.Equal(logs[0].GapAt) || !first.Equal(began) {
		t.Errorf("watched since %s and begun %s, want the gap at %s, and %s", since, first, logs[0].GapAt, began)
	}
}
