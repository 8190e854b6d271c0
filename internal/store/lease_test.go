package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/internal/reliability"
	"reputed/probes"
)

func TestLeaseOfALiveProcessIsRespected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	cmd, out, stop := process(t, roleLease, path, 0)
	if said := lineOf(t, out); said != "leased" {
		t.Fatal(said)
	}
	db := open(t, path)
	_, err := db.Lease(t.Context(), "reputed", time.Minute, t0.Add(time.Minute))
	var held *LeaseError
	if !errors.As(err, &held) || !errors.Is(err, ErrLeased) {
		t.Fatalf("err = %v, want a LeaseError", err)
	}
	host, _ := os.Hostname()
	want := LeaseInfo{Holder: "the other daemon", Host: host, PID: cmd.Process.Pid, Acquired: t0, Renewed: t0, Expires: t0.Add(time.Hour)}
	held.Lease.Held = false
	if diff := cmp.Diff(want, held.Lease); diff != "" {
		t.Errorf("holder (-want +got):\n%s", diff)
	}
	for _, part := range []string{"the other daemon", itoa(cmd.Process.Pid), host, "2026-03-29T01:30:00Z"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	want.Held = runtime.GOOS == "linux"
	if info, err := db.LeaseInfo(t.Context()); err != nil || info != want || !info.Alive(t0.Add(time.Minute)) || info.Alive(t0.Add(time.Hour)) {
		t.Errorf("LeaseInfo = %+v, %v, want %+v, alive for an hour", info, err, want)
	}
	// A person's command needs no lease.
	mustCommit(t, db, t0, Batch{}, nothing)

	stop()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestLeaseOfADeadProcessIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	cmd, out, _ := process(t, roleLease, path, 0)
	lineOf(t, out)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	db := open(t, path)
	if run, ok, err := db.LastRun(t.Context(), "dnsbl"); err != nil || !ok || run.State != Running {
		t.Fatalf("last run = %+v, %v, %v, want the one that the dead process began", run, ok, err)
	}
	if here("").boot != "" { // where the system says that the process is gone, there is no waiting
		if _, err := db.Lease(t.Context(), "reputed", time.Minute, t0.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	} else if _, err := db.Lease(t.Context(), "reputed", time.Minute, t0.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if run, _, err := db.LastRun(t.Context(), "dnsbl"); err != nil || run.State != Abandoned || run.Finished.IsZero() {
		t.Errorf("its run is %+v, %v, want it abandoned", run, err)
	}
}

func TestLeaseOfAnUnknownProcessExpires(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	if err := os.Mkdir(path+lockSuffix, 0o700); err != nil { // as where files cannot be locked
		t.Fatal(err)
	}
	lay(t, path)
	first, second := open(t, path), open(t, path) // one process, so nobody is known to be dead
	lease, err := first.Lease(t.Context(), "first", time.Minute, t0)
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Renew(t.Context(), t0.Add(50*time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Lease(t.Context(), "second", time.Minute, t0.Add(109*time.Second)); !errors.Is(err, ErrLeased) {
		t.Errorf("within the renewed time: %v, want ErrLeased", err)
	}
	if _, err := second.Lease(t.Context(), "second", time.Minute, t0.Add(110*time.Second)); err != nil {
		t.Errorf("after it: %v", err)
	}

	// The first wakes up again, and finds that it is no longer the one.
	if err := lease.Renew(t.Context(), t0.Add(111*time.Second)); !errors.Is(err, ErrLeaseLost) || !strings.Contains(err.Error(), "second") {
		t.Errorf("renewing gave %v, want ErrLeaseLost that names the other", err)
	}
	if _, err := first.Commit(t.Context(), t0, Batch{}, func(Situation) Decision { t.Error("it decides"); return Decision{} }); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("committing gave %v, want ErrLeaseLost", err)
	}
	if _, err := first.BeginRun(t.Context(), "dnsbl", t0); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("beginning a run gave %v, want ErrLeaseLost", err)
	}
	if _, err := first.Due(t.Context(), "slack", t0, 1); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("asking what is due gave %v, want ErrLeaseLost", err)
	}
	run, err := second.BeginRun(t.Context(), "dnsbl", t0)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.FinishRun(t.Context(), run, t0, Summary{}); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("finishing a run gave %v, want ErrLeaseLost", err)
	}
	if r, ok, err := second.LastRun(t.Context(), "dnsbl"); err != nil || !ok || r.State != Running {
		t.Errorf("the run of the other is %s, %v, %v, want running", r.State, ok, err)
	}
	if err := first.SetMailboxState(t.Context(), "bounces", true, t0, nil); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("noting the state of a mailbox gave %v, want ErrLeaseLost", err)
	}
	if boxes, err := second.Mailboxes(t.Context(), t0); err != nil || len(boxes) != 0 {
		t.Errorf("mailboxes: %v, %v, want none", boxes, err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Errorf("releasing what is lost: %v", err)
	}
	mustCommit(t, second, t0, Batch{}, nothing)
}

// A daemon sleeps for a day with its machine. If nobody came meanwhile it goes on, though its lease has long expired; if another daemon
// did, on a machine that did not sleep, nothing of what it was about to write is written.
func TestADaemonThatSleptForADay(t *testing.T) {
	const tries = 20
	wrote, stopped := 0, 0
	for n := range tries {
		path := filepath.Join(t.TempDir(), "reputed.db")
		if err := os.Mkdir(path+lockSuffix, 0o700); err != nil { // as where files cannot be locked
			t.Fatal(err)
		}
		lay(t, path)
		db, other := open(t, path), open(t, path)
		lease, err := db.Lease(t.Context(), "first", time.Minute, t0)
		if err != nil {
			t.Fatal(err)
		}
		wakes := t0.Add(24 * time.Hour)
		writes := []func() error{
			func() error { return lease.Renew(t.Context(), wakes) },
			func() error {
				_, err := db.Commit(t.Context(), wakes, Batch{Mails: []Mail{refusal(1, "kim@example.net", wakes)}, Read: readTo(1)}, opens(listed("192.0.2.10", "zen", wakes), wakes, "slack"))
				return err
			},
			func() error { _, err := db.BeginRun(t.Context(), "dnsbl", wakes); return err },
			func() error { return db.TryWriting(t.Context()) },
		}
		rand.Shuffle(len(writes), func(i, j int) { writes[i], writes[j] = writes[j], writes[i] })
		if n%2 == 0 {
			for _, write := range writes {
				if err := write(); err != nil {
					stopped++
					t.Errorf("alone: %v", err)
				}
			}
			continue
		}
		if _, err := other.Lease(t.Context(), "second", time.Minute, wakes.Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		for _, write := range writes {
			if err := write(); !errors.Is(err, ErrLeaseLost) {
				wrote++
				t.Errorf("beside another: %v, want ErrLeaseLost", err)
			}
		}
		if n := count(t, other, "SELECT (SELECT count(*) FROM mails) + (SELECT count(*) FROM incidents) + (SELECT count(*) FROM runs)"); n != 0 {
			wrote++
			t.Errorf("%d rows were written beside another daemon", n)
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Clock, Fault: "a daemon sleeps for a day with its machine, and by then another has taken over, or nobody", Tries: tries, Unit: "days",
		Promised: "it goes on if it is alone, else it stops and writes nothing", Seen: fmt.Sprintf("%d times stopped though alone, %d times written beside the other", stopped, wrote)})
}

func TestReleasedLeaseIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	first, second := open(t, path), open(t, path)
	lease, err := first.Lease(t.Context(), "first", time.Hour, t0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Lease(t.Context(), "first", time.Hour, t0); !errors.Is(err, ErrLeased) {
		t.Errorf("taking it twice gave %v", err)
	}
	for range 2 {
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := second.LeaseInfo(t.Context()); err != nil || info != (LeaseInfo{}) {
		t.Errorf("LeaseInfo = %+v, %v, want nobody", info, err)
	}
	if _, err := second.Lease(t.Context(), "second", time.Hour, t0); err != nil {
		t.Error(err)
	}
}

func TestRuns(t *testing.T) {
	db := fresh(t)
	ctx := t.Context()
	if first, err := db.FirstRun(ctx, "dnsbl"); err != nil || !first {
		t.Errorf("before any run: FirstRun = %v, %v", first, err)
	}
	if _, ok, err := db.LastRun(ctx, "dnsbl"); err != nil || ok {
		t.Errorf("before any run: LastRun found %v, %v", ok, err)
	}
	begin := func(at time.Time) int64 {
		t.Helper()
		id, err := db.BeginRun(ctx, "dnsbl", at)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	a := begin(t0)
	b := begin(t0.Add(time.Hour)) // a never finished
	if err := db.FinishRun(ctx, a, t0.Add(time.Hour), Summary{}); !errors.Is(err, ErrNoRun) {
		t.Errorf("finishing an abandoned run gave %v, want ErrNoRun", err)
	}
	if err := db.FinishRun(ctx, b, t0.Add(2*time.Hour), Summary{Trouble: "no resolver answered"}); err != nil {
		t.Fatal(err)
	}
	if first, err := db.FirstRun(ctx, "dnsbl"); err != nil || !first {
		t.Errorf("after a run that could not do its work: FirstRun = %v, %v", first, err)
	}
	c := begin(t0.Add(3 * time.Hour))
	sum := Summary{Targets: 2, Questions: 4, Lists: []ListSummary{{List: "spamcop", State: "ok", Counts: map[string]int{"clean": 1, "listed": 1}}, {List: "zen", State: "refused", Why: "public resolver"}}}
	if err := db.FinishRun(ctx, c, t0.Add(4*time.Hour), sum); err != nil {
		t.Fatal(err)
	}
	d := begin(t0.Add(5 * time.Hour))
	want := Run{ID: c, Check: "dnsbl", Started: t0.Add(3 * time.Hour), Finished: t0.Add(4 * time.Hour), State: Complete, Summary: sum}
	if got, ok, err := db.LastCompleteRun(ctx, "dnsbl"); err != nil || !ok || cmp.Diff(want, got) != "" {
		t.Errorf("LastCompleteRun (%v, %v, -want +got):\n%s", ok, err, cmp.Diff(want, got))
	}
	if got, ok, err := db.LastRun(ctx, "dnsbl"); err != nil || !ok || got.ID != d || got.State != Running || !got.Finished.IsZero() {
		t.Errorf("LastRun = %+v, %v, %v, want the running one", got, ok, err)
	}
	if first, err := db.FirstRun(ctx, "dnsbl"); err != nil || first {
		t.Errorf("after a complete run: FirstRun = %v, %v", first, err)
	}
	if first, err := db.FirstRun(ctx, "bounce"); err != nil || !first {
		t.Errorf("of another check: FirstRun = %v, %v", first, err)
	}
	states := map[RunState]int{}
	for _, s := range []RunState{Running, Complete, Troubled, Abandoned} {
		states[s] = count(t, db, "SELECT count(*) FROM runs WHERE state = ?", s)
	}
	if diff := cmp.Diff(map[RunState]int{Running: 1, Complete: 1, Troubled: 1, Abandoned: 1}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestMailboxState(t *testing.T) {
	db := fresh(t)
	at := func(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }
	for _, step := range []struct {
		name    string
		ok      bool
		minute  int
		trouble error
		want    Mailbox
	}{
		{"first seen well", true, 0, nil, Mailbox{OK: true, Since: at(0), Seen: at(0)}},
		{"still well", true, 1, nil, Mailbox{OK: true, Since: at(0), Seen: at(1)}},
		{"out of reach", false, 2, errors.New("login refused\nfor \x1b[31mus"), Mailbox{Since: at(2), Seen: at(2), Trouble: "login refused for [31mus"}},
		{"still out of reach", false, 3, errors.New("no answer"), Mailbox{Since: at(2), Seen: at(3), Trouble: "no answer"}},
		{"well again", true, 4, nil, Mailbox{OK: true, Since: at(4), Seen: at(4)}},
	} {
		if err := db.SetMailboxState(t.Context(), "bounces", step.ok, at(step.minute), step.trouble); err != nil {
			t.Fatal(err)
		}
		all, err := db.Mailboxes(t.Context(), t0)
		step.want.Name, step.want.Watched = "bounces", at(0) // a gap in between is read later, from the position on
		if diff := cmp.Diff([]Mailbox{step.want}, all); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", step.name, err, diff)
		}
	}
	// What was read and whether it can be read are written apart.
	mustCommit(t, db, t0, Batch{Read: readTo(9)}, nothing)
	all, err := db.Mailboxes(t.Context(), t0)
	want := []Mailbox{{Name: "bounces", Position: probesPosition(9), ReadAt: t0, OK: true, Since: at(4), Seen: at(4), Watched: at(0)}}
	if diff := cmp.Diff(want, all, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if p, err := db.Position(t.Context(), "another"); err != nil || p != probesPosition(0) && p.UIDValidity != 0 {
		t.Errorf("position of a mailbox never read: %v, %v", p, err)
	}
}

func TestPositionGoesForwardOnly(t *testing.T) {
	db := fresh(t)
	for _, step := range []struct {
		name          string
		validity, uid uint32
		want, wantUID uint32
	}{
		{"first read", 7, 5, 7, 5},
		{"further", 7, 9, 7, 9},
		{"an older batch again", 7, 6, 7, 9},
		{"other mails", 8, 2, 8, 2},
		{"others again, as from a backup", 7, 1, 7, 1},
	} {
		mustCommit(t, db, t0, Batch{Read: map[string]probes.Position{"bounces": {UIDValidity: step.validity, UID: step.uid}}}, nothing)
		if p, err := db.Position(t.Context(), "bounces"); err != nil || p != (probes.Position{UIDValidity: step.want, UID: step.wantUID}) {
			t.Errorf("%s: position %v, %v, want UID %d of %d", step.name, p, err, step.wantUID, step.want)
		}
	}
}
