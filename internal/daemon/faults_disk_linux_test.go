package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/reliability"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// ownDisk is set in the process that has a disk of its own.
const ownDisk = "REPUTED_TEST_OWN_DISK"

// onOwnDisk runs the test once more in a process that has mounts of its own, and gives there a folder on a small disk, which
// that process may fill or make read-only. In the process that was started by hand it gives "".
func onOwnDisk(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(ownDisk); dir != "" {
		if err := syscall.Mount("disk", dir, "tmpfs", 0, "size=8m"); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), ownDisk+"="+t.TempDir())
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}}
	out, err := again.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL):
		if os.Getenv("CI") == "true" {
			t.Fatalf("no mounts of its own for a process: %v", err)
		}
		t.Skipf("the system gives a process no mounts of its own: %v", err)
	case err != nil:
		t.Fatalf("%v:\n%s", err, out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Fatalf("it did not run:\n%s", out)
	}
	return ""
}

// fill takes all space of the disk at dir until the caller calls free.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "fill")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; _, err = f.Write(make([]byte, size)) {
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	f.Close()
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// listener is a channel that takes everything and keeps it.
type listener struct {
	mu  sync.Mutex
	all []alerts.Notification
}

func (l *listener) Notify(_ context.Context, n alerts.Notification) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, n)
	return nil
}

// heard are the kinds and ids of what was told since the last call.
func (l *listener) heard() (kinds []string, all []alerts.Notification) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, l.all = l.all, nil
	for _, n := range all {
		kinds = append(kinds, string(n.Kind))
	}
	return kinds, all
}

// tellAll delivers what waits.
func (r *rig) tellAll(l *listener) {
	r.t.Helper()
	due, err := r.db.Due(r.t.Context(), "test", time.Now().Add(time.Minute), 100)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, d := range due {
		if err := l.Notify(r.t.Context(), d.Notification); err != nil {
			r.t.Fatal(err)
		}
		if err := r.db.Sent(r.t.Context(), d.ID, time.Now()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// The disk under the database is full for two hours. Rounds go on, what they find is told without the database, hourly and
// no more often, status says it, and once there is space everything is stored and told as ever.
func TestTheDaemonOnAFullDisk(t *testing.T) {
	disk := onOwnDisk(t)
	if disk == "" {
		return
	}
	other := lab.OurAddress.Next().String()
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Database.Path = filepath.Join(disk, "reputed.db")
		cfg.Outbound[0].Addresses = append(cfg.Outbound[0].Addresses, other)
	})
	ear := &listener{}
	r.deliverer.Channels["test"] = ear
	r.mustRound()
	r.world.ListAtSpamCop()
	r.mustRound()
	r.tellAll(ear)
	if kinds, _ := ear.heard(); !slices.Equal(kinds, []string{"opened"}) {
		t.Fatalf("heard %v, want that it is listed", kinds)
	}
	before := len(r.open())

	free := fill(t, disk)
	r.world.Lists.SetListed("b.barracudacentral.org", other, "")
	for range 3 {
		if err := r.round(t.Context(), time.Now()); !errors.Is(err, store.ErrFull) {
			t.Fatalf("a round on a full disk: %v, want ErrFull", err)
		}
		_ = r.tick(t.Context(), time.Now()) // works as long as it has nothing to write
	}
	if kinds, _ := ear.heard(); len(kinds) > 0 {
		t.Errorf("heard %v at once, want patience", kinds)
	}
	back := func(by time.Duration) { // the hands of the clock
		for _, at := range []*time.Time{&r.unwritten.since, &r.unwritten.told, &r.unwritten.well, &r.unwritten.began} {
			if !at.IsZero() {
				*at = at.Add(-by)
			}
		}
	}
	var told []string
	named := 0
	for minute := range 120 {
		back(time.Minute)
		r.tellUnwritten(t.Context()) // as each tick does
		kinds, all := ear.heard()
		for _, n := range all {
			told = append(told, fmt.Sprint(n.Kind, " at ", minute+1))
			for _, m := range n.Incident.Members {
				if m.Finding.Key == (checks.Key{Check: monitor.JobDNSBL, Target: other, Source: "barracuda-brbl"}) {
					named++
				}
				if m.Finding.Key.Target == lab.OurAddress.String() {
					t.Errorf("what was told before is told again: %s", m.Finding.Summary)
				}
			}
			if len(n.Remediation) == 0 || !strings.Contains(n.Incident.Title, "has not been writable") {
				t.Errorf("told %q with %d remedies", n.Incident.Title, len(n.Remediation))
			}
		}
		if len(kinds) > 1 {
			t.Errorf("minute %d: heard %v", minute+1, kinds)
		}
	}
	if want := []string{"opened at 5", "reminder at 65"}; !slices.Equal(told, want) || named != len(want) {
		t.Errorf("in two hours: heard %q, %d with the new listing; want %q, each with it", told, named, want)
	}
	st := r.view.Status(t.Context(), time.Now())
	if !st.Daemon.Alive || len(st.Own) != 1 || st.Own[0].Part != "database" || !strings.Contains(st.Own[0].What, "full") {
		t.Errorf("status: alive %v, troubles %+v, want the database's", st.Daemon.Alive, st.Own)
	}
	if n := len(r.open()); n != before {
		t.Errorf("%d incidents are stored on a full disk, want the %d of before", n, before)
	}

	free()
	r.mustTick()
	r.mustRound()
	r.tellAll(ear)
	kinds, _ := ear.heard()
	if len(kinds) != 1 { // of what was found, once
		t.Errorf("once there is space: heard %v, want what was found, once", kinds)
	}
	back(unwrittenPatience)
	r.mustTick()
	r.mustTick()
	over, _ := ear.heard()
	if !slices.Equal(over, []string{"resolved"}) {
		t.Errorf("heard %v, want once that it is over", over)
	}
	r.tellAll(ear)
	if again, _ := ear.heard(); len(again) > 0 {
		t.Errorf("and then %v", again)
	}
	if found, err := r.db.Standings(t.Context(), store.StandingFilter{Target: other, Source: "barracuda-brbl"}); err != nil || len(found) != 1 {
		t.Errorf("the new listing is not stored: %v, %v", found, err)
	}
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "the disk is full for two hours while the daemon runs, and an address is listed meanwhile", Tries: 120, Unit: "minutes",
		Promised: "rounds go on; told past the database after 5 minutes and hourly, with the listing; stored and told once when there is space",
		Seen:     fmt.Sprintf("told %d times, %d of them with the listing; then %d alert of it and %d that it is over", len(told), named, len(kinds), len(over))})
}

// On a file system that is read-only no daemon starts, and everybody can still look.
func TestStartOnAReadOnlyDisk(t *testing.T) {
	disk := onOwnDisk(t)
	if disk == "" {
		return
	}
	path := filepath.Join(disk, "reputed.db")
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) { cfg.Database.Path = path })
	r.mustRound()
	r.world.ListAtSpamCop()
	r.mustRound()
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	mount := func(flags uintptr) {
		if err := syscall.Mount("disk", disk, "tmpfs", syscall.MS_REMOUNT|flags, "size=8m"); err != nil {
			t.Fatal(err)
		}
	}
	mount(syscall.MS_RDONLY)
	started, shown := 0, 0
	if _, err := wiring.OpenStore(t.Context(), r.cfg, r.log); !errors.Is(err, store.ErrPermission) || !strings.Contains(fmt.Sprint(err), path) {
		started++
		t.Errorf("a start: %v, want ErrPermission that names the file", err)
	}
	db, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := db.Incidents(t.Context(), store.IncidentFilter{}); err != nil || len(all) != 1 {
		t.Errorf("shown are %v, %v, want the one incident", all, err)
	} else {
		shown = len(all)
	}
	db.Close()
	mount(0)
	db, err = wiring.OpenStore(t.Context(), r.cfg, r.log)
	if err != nil {
		t.Fatalf("once it can be written: %v", err)
	}
	db.Close()
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "the file system is read-only at the start", Tries: 1, Unit: "start",
		Promised: "refused with the path; status shows what there is", Seen: fmt.Sprintf("%d started, %d incident shown", started, shown)})
}
