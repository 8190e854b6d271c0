package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"reputed/alerts"
	"reputed/checks/bounce"
)

const day = 24 * time.Hour

// live lets a day pass at now: a round, a mail with a refusal, refusals and deliveries in a log, and a notice that is told.
func live(t interface {
	Helper()
	Fatal(...any)
}, db *DB, n int, now time.Time, target string) {
	t.Helper()
	ctx := context.Background()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run, err := db.BeginRun(ctx, "dnsbl", now)
	check(err)
	check(db.FinishRun(ctx, run, now, Summary{Targets: n, Questions: 60}))
	m := refusal(uint32(n+1), fmt.Sprintf("kim%d@example.net", n), now)
	m.Targets = []string{target}
	_, err = db.Commit(ctx, now, Batch{Mails: []Mail{m}, Read: readTo(uint32(n + 1)), Window: day}, func(Situation) Decision {
		return Decision{Notices: []Notice{{Channel: "slack", Notification: alerts.Notification{ID: fmt.Sprint("digest/", n), Kind: "digest", At: now}}}}
	})
	check(err)
	id := func(e *LogEvent) {
		e.Target, e.QueueID = target, fmt.Sprintf("4T%07d", n)
	}
	refused, taken := logged(bounce.Failed, now, id), logged(bounce.Delivered, now, id)
	taken.QueueID += "x"
	taken.Recipient = "lee@example.net"
	_, err = db.CommitLog(ctx, now, LogRead{Log: "mx1", Position: position(int64(n + 1)), Events: []LogEvent{refused, taken}, Lines: 2})
	check(err)
	due, err := db.Due(ctx, "slack", now, 100)
	check(err)
	for _, d := range due {
		check(db.Sent(ctx, d.ID, now))
	}
}

// seen is what the reports of the time since a moment show.
func seen(t *rapid.T, db *DB, since, now time.Time) (all []any) {
	ctx := context.Background()
	add := func(what any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, what)
	}
	add(db.Bounces(ctx, BounceFilter{Since: since, Limit: -1}))
	add(db.Flows(ctx, FlowFilter{Since: since, Step: day}))
	add(db.Flows(ctx, FlowFilter{Step: day})) // sums by the day are kept for ever
	add(db.Receivers(ctx, since))
	add(db.Incidents(ctx, IncidentFilter{Resolved: true, Limit: -1}))
	add(db.Transitions(ctx, "192.0.2.10"))
	add(db.Channels(ctx))
	add(db.Mailboxes(ctx, since))
	add(db.Logs(ctx))
	add(db.At(ctx, now.Add(-10*day), "dnsbl", 30*day, 100))
	run, _, err := db.LastCompleteRun(ctx, "dnsbl")
	add(run, err)
	// What an incident that is open is about, from its beginning.
	add(db.Bounces(ctx, BounceFilter{Target: "192.0.2.10", Limit: -1}))
	impact, err := db.ImpactOf(ctx, []string{"192.0.2.10"}, now.Add(-30*day), now.Add(-30*day), now, true)
	add(impact, err)
	_, err = db.Commit(ctx, now, Batch{Window: 30 * day}, func(s Situation) Decision { add(s, nil); return Decision{} })
	add(nil, err)
	return all
}

// TestWhatIsForgottenChangesNoReport lets days of any kind pass and compares what people see of the time that is kept, before
// and after what is older is removed.
func TestWhatIsForgottenChangesNoReport(t *testing.T) {
	dir := t.TempDir()
	tries := 0
	rapid.Check(t, func(t *rapid.T) {
		tries++
		path := filepath.Join(dir, fmt.Sprintf("%d.db", tries))
		lay(t, path)
		db, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		keep := 60 + rapid.IntRange(0, 40).Draw(t, "keep")
		now := t0
		days := rapid.IntRange(3, 12).Draw(t, "days")
		for n := range days {
			now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "pause")) * day)
			live(t, db, n, now, rapid.SampledFrom([]string{"192.0.2.10", "192.0.2.11"}).Draw(t, "target"))
			if n == 1 { // it stays open to the end
				_, err := db.Commit(context.Background(), now, Batch{}, opens(listed("192.0.2.10", "spamcop", now), now, "pager"))
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		since := now.Add(-time.Duration(keep) * day)
		before := seen(t, db, since, now)
		k := time.Duration(keep) * day
		// Of single receivers less may be kept: what is judged goes back 30 days here, and eight of deferrals.
		apart := time.Duration(rapid.IntRange(39, keep).Draw(t, "receivers")) * day
		f, err := db.Forget(context.Background(), Keep{Refusals: k, Traffic: k, Receivers: apart, Runs: k, Notices: k}, now)
		if err != nil {
			t.Fatal(err)
		}
		after := seen(t, db, since, now)
		opts := []cmp.Option{cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(Channel{}, "Sent", "Refused"), cmpopts.IgnoreFields(Moment{}, "First")} // these are about what is stored
		for i := range before {
			if diff := cmp.Diff(before[i], after[i], opts...); diff != "" {
				t.Fatalf("after %+v, report %d (-before +after):\n%s", f, i, diff)
			}
		}
		// The queue of the channel that is down is whole.
		if n, err := db.Due(context.Background(), "pager", now, 100); err != nil || len(n) != 1 {
			t.Fatalf("%d notices wait, %v, want one", len(n), err)
		}
		// And what is old is gone, but for what an open incident is about.
		var old int
		if err := db.read.QueryRow(`SELECT (SELECT count(*) FROM mails m WHERE stored < ?1 AND NOT EXISTS (SELECT 1 FROM bounces WHERE mail = m.id AND target = '192.0.2.10')) +
			(SELECT count(*) FROM bounces WHERE at < ?1 AND target <> '192.0.2.10') + (SELECT count(*) FROM traffic WHERE hour < ?2) +
			(SELECT count(*) FROM flows WHERE hours = 1 AND step < ?2)`, since.UnixMicro(), hourOf(since.UnixMicro())).Scan(&old); err != nil || old > 0 {
			t.Fatalf("%d old rows, %v", old, err)
		}
	})
}

// TestGrowthEnds lets a year pass: after the time that is kept, the file does not grow.
func TestGrowthEnds(t *testing.T) {
	pages := func(forget bool) (half, whole int) {
		db := fresh(t)
		now := t0
		for n := range 100 {
			now = now.Add(4 * day)
			live(t, db, n, now, "192.0.2.10")
			if forget {
				if _, err := db.Forget(t.Context(), Keep{Refusals: 60 * day, Traffic: 60 * day, Runs: 60 * day, Notices: 60 * day}, now); err != nil {
					t.Fatal(err)
				}
			}
			if n == 49 {
				half = count(t, db, "PRAGMA page_count")
			}
		}
		return half, count(t, db, "PRAGMA page_count")
	}
	if testing.Short() {
		t.Skip("a year of days")
	}
	half, whole := pages(true)
	t.Logf("after 200 days %d pages, after 400 %d", half, whole)
	if whole > half+half/50 {
		t.Errorf("after 200 days %d pages, after 400 %d, want an end of growth", half, whole)
	}
	if half, whole := pages(false); whole <= half+half/50 {
		t.Errorf("without it after 200 days %d pages, after 400 %d: this test shows nothing", half, whole)
	}
}

// What single receivers took is forgotten before what all of them did, and whoever is told of the time before learns that.
func TestReceiversAreForgottenBeforeTheirSum(t *testing.T) {
	db := fresh(t)
	now := t0.Add(70 * day)
	for i, at := range []time.Time{t0, now.Add(-11 * day), now.Add(-9 * day)} {
		live(t, db, i, at, "192.0.2.11")
	}
	rows := func(which string) int { return count(t, db, "SELECT count(*) FROM traffic WHERE domain "+which+" '*'") }
	single, sums := rows("<>"), rows("=")
	before, err := db.MailIn(t.Context(), t0, now, func(string) bool { return true })
	if err != nil || !before.Apart {
		t.Fatalf("before: %+v, %v, want all known by receiver", before, err)
	}
	f, err := db.Forget(t.Context(), Keep{Receivers: 10 * day}, now)
	if want := single / 3 * 2; err != nil || f != (Forgotten{Traffic: want}) {
		t.Errorf("%+v, %v, want %d rows of two days of three gone", f, err, want)
	}
	if n := rows("="); n != sums {
		t.Errorf("%d sums are left, want %d", n, sums)
	}
	for name, c := range map[string]struct {
		from  time.Time
		apart bool
	}{"of more than is kept": {now.Add(-11 * day), false}, "of what is kept": {now.Add(-9 * day), true}} {
		m, err := db.MailIn(t.Context(), c.from, now, func(string) bool { return true })
		if err != nil || m.Apart != c.apart || !m.Counted {
			t.Errorf("%s: %+v, %v, want apart %v", name, m, err, c.apart)
		}
	}
	after, err := db.MailIn(t.Context(), t0, now, func(string) bool { return true })
	if err != nil || after.Delivered != before.Delivered {
		t.Errorf("%d delivered in all, %v, want %d as before", after.Delivered, err, before.Delivered)
	}
	// Keeping more from now on brings nothing back.
	if _, err := db.Forget(t.Context(), Keep{Receivers: 30 * day}, now); err != nil {
		t.Fatal(err)
	}
	if m, err := db.MailIn(t.Context(), now.Add(-20*day), now, func(string) bool { return true }); err != nil || m.Apart {
		t.Errorf("kept longer afterwards: %+v, %v, want not apart", m, err)
	}
	integrity(t, db)
}

func TestForgetMayBeStoppedAndIsTheDaemons(t *testing.T) {
	db := fresh(t)
	live(t, db, 0, t0, "192.0.2.11")
	live(t, db, 1, t0.Add(100*day), "192.0.2.11")
	keep := Keep{Refusals: 60 * day, Traffic: 60 * day, Runs: 60 * day, Notices: 60 * day}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Forget(ctx, keep, t0.Add(100*day)); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop: %v", err)
	}
	if n := count(t, db, "SELECT count(*) FROM mails"); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
	if f, err := db.Forget(t.Context(), Keep{}, t0.Add(100*day)); err != nil || f != (Forgotten{}) {
		t.Errorf("for ever: %+v, %v", f, err)
	}
	want := Forgotten{Mails: 1, Refusals: 1, Traffic: 6, Runs: 1, Notices: 1}
	f, err := db.Forget(t.Context(), keep, t0.Add(100*day))
	if f.Traffic = want.Traffic; err != nil || f != want {
		t.Errorf("%+v, %v, want %+v", f, err, want)
	}
	integrity(t, db)

	lease, err := db.Lease(t.Context(), "first", time.Minute, t0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.ExecContext(t.Context(), "UPDATE lease SET token = 'of another'"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Forget(t.Context(), keep, t0.Add(300*day)); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("when another has taken over: %v, want ErrLeaseLost", err)
	}
	_ = lease.Release(t.Context())
}

// TestForgettingLooksWithTheLockFree holds the plans of what is looked for each time to the indexes.
func TestForgettingLooksWithTheLockFree(t *testing.T) {
	db := fresh(t)
	for name, query := range map[string]string{
		"mails": oldMails.find(), "bounces": oldBounces.find(),
		"traffic": "SELECT target, domain, hour FROM traffic WHERE (target, domain) > (?1, ?2) ORDER BY target, domain, hour LIMIT ?4",
	} {
		var plan string
		rows, err := db.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, 1, "bounces", 0, 500)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var a, b, c int
			var step string
			if err := rows.Scan(&a, &b, &c, &step); err != nil {
				t.Fatal(err)
			}
			plan += step + "\n"
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(plan, "SEARCH") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}
