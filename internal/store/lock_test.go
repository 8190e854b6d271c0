package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// heldByAnother gives a database whose daemon is another process, and how to kill that.
func heldByAnother(t *testing.T) (path string, kill func()) {
	t.Helper()
	if here("").boot == "" {
		t.Skip("this system does not tell its boot")
	}
	path = filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	cmd, out, _ := process(t, roleLease, path, 0)
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	if said := lineOf(t, out); said != "leased" {
		t.Fatal(said)
	}
	return path, kill
}

// rescope changes within what the process of the lease can be known to be dead.
func rescope(t *testing.T, db *DB, change func(*scope)) {
	t.Helper()
	var text string
	if err := db.read.QueryRowContext(t.Context(), "SELECT scope FROM lease").Scan(&text); err != nil {
		t.Fatal(err)
	}
	s := parseScope(text)
	change(&s)
	if _, err := db.write.ExecContext(t.Context(), "UPDATE lease SET scope = ?", s.String()); err != nil {
		t.Fatal(err)
	}
}

// TestLeaseOfADeadContainerIsTakenOver is a kill -9 in a container: the pid that is gone means nothing in the
// next one, and only the lock says that nobody is left.
func TestLeaseOfADeadContainerIsTakenOver(t *testing.T) {
	path, kill := heldByAnother(t)
	db := open(t, path)
	rescope(t, db, func(s *scope) { s.pids = "pid:[1]" })
	at := t0.Add(time.Second)
	if info, err := db.LeaseInfo(t.Context()); err != nil || !info.Alive(at) {
		t.Fatalf("while it lives: %+v, %v, want it alive", info, err)
	}
	kill()
	ro, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if info, err := ro.LeaseInfo(t.Context()); err != nil || !info.Gone || info.Alive(at) {
		t.Errorf("a reader sees %+v, %v, want its holder gone", info, err)
	}
	if _, err := db.Lease(t.Context(), "next", time.Minute, at); err != nil {
		t.Errorf("right after the kill: %v", err)
	}
}

func TestFreeLockProvesNothingOfOthers(t *testing.T) {
	for name, change := range map[string]func(*scope){
		"another machine, or this one before its last boot": func(s *scope) { s.boot, s.pids = "another", "pid:[1]" },
		"another lock file, because somebody removed one":   func(s *scope) { s.lock, s.pids = "1", "pid:[1]" },
		"a version without lock files, in a container":      func(s *scope) { s.lock, s.pids = "", "pid:[1]" },
	} {
		t.Run(name, func(t *testing.T) {
			path, kill := heldByAnother(t)
			db := open(t, path)
			rescope(t, db, change)
			kill()
			if _, err := db.Lease(t.Context(), "next", time.Minute, t0.Add(59*time.Minute)); !errors.Is(err, ErrLeased) {
				t.Errorf("within the time of its lease: %v, want ErrLeased", err)
			}
			if _, err := db.Lease(t.Context(), "next", time.Minute, t0.Add(time.Hour)); err != nil {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

// TestSecondDaemonRefusesWhateverBecameOfTheRest holds that neither time nor a person who
// removes files makes two daemons of one.
func TestSecondDaemonRefusesWhateverBecameOfTheRest(t *testing.T) {
	path, _ := heldByAnother(t)
	db := open(t, path)
	if _, err := db.Lease(t.Context(), "next", time.Minute, t0.Add(48*time.Hour)); !errors.Is(err, ErrLeased) || !strings.Contains(err.Error(), "alive") {
		t.Errorf("long after its last sign of life: %v, want ErrLeased that says that it is alive", err)
	}
	if err := os.Remove(path + lockSuffix); err != nil {
		t.Fatal(err)
	}
	rescope(t, db, func(s *scope) { s.pids = "pid:[1]" })
	if _, err := db.Lease(t.Context(), "next", time.Minute, t0.Add(time.Minute)); !errors.Is(err, ErrLeased) {
		t.Errorf("with the lock file removed: %v, want ErrLeased", err)
	}
}

func TestReleasedLockIsFreeAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	first, second := open(t, path), open(t, path)
	lease, err := first.Lease(t.Context(), "first", time.Hour, t0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Lease(t.Context(), "second", time.Hour, t0); !errors.Is(err, ErrLeased) {
		t.Errorf("while it is held: %v, want ErrLeased", err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a lease that is refused or given back leaves no lock behind
		again, err := second.Lease(t.Context(), "second", time.Hour, t0)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
