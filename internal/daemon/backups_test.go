package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

func TestBackupsAreKeptByNumberAndNothingElseIsRemoved(t *testing.T) {
	dir := t.TempDir()
	others := []string{"reputed.db", "reputed-20260101T000000Z.db.old", "reputed-2026.db", "notes.txt"}
	mine := []string{"reputed-20251231T235959Z.db", "reputed-20260101T000000Z.db", "reputed-20260329T013000Z.db"}
	for _, name := range append(others, mine...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "reputed-20250101T000000Z.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := config.Backup{Dir: dir, Keep: 2}
	if err := pruneBackups(c); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(others, "reputed-20250101T000000Z.db") {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
	if left, err := wiring.Backups(dir); err != nil || !slices.Equal(left, []string{filepath.Join(dir, mine[1]), filepath.Join(dir, mine[2])}) {
		t.Errorf("left %v, %v, want the two newest", left, err)
	}
	if path, at := wiring.NewestBackup(c); filepath.Base(path) != mine[2] || !at.Equal(time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)) {
		t.Errorf("newest: %s of %v", path, at)
	}
}

func TestDaemonBacksItsDatabaseUp(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "reputed.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	folder := filepath.Join(dir, "a", "backups")
	d := &Daemon{cfg: &config.Config{Backup: config.Backup{Dir: folder, Keep: 1}}, db: db, log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if path, _ := wiring.NewestBackup(d.cfg.Backup); path != "" {
		t.Errorf("before the first: %s", path)
	}
	if err := d.backUp(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(folder, ".reputed-1.copy")
	if err := os.WriteFile(half, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(half, time.Time{}, time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	path, _ := wiring.NewestBackup(d.cfg.Backup)
	if c, err := store.Inspect(t.Context(), path); err != nil || c.Schema == 0 {
		t.Errorf("%s: %+v, %v", path, c, err)
	}
	removeHalves(folder, time.Now())
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed process left half written is still there: %v", err)
	}
}

// TestBackupThatFailsIsTold is a folder that cannot be written, until it can.
func TestBackupThatFailsIsTold(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "reputed.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	folder := filepath.Join(dir, "backups")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := &Daemon{cfg: &config.Config{Backup: config.Backup{Dir: folder, Keep: 1}}, db: db, log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, c := range []struct {
		ok   bool
		want checks.Status
	}{{false, checks.Problem}, {true, checks.OK}} {
		if c.ok {
			if err := os.Remove(folder); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.backUp(t.Context(), time.Now()); (err == nil) != c.ok {
			t.Errorf("backUp: %v", err)
		}
		all, err := db.Conditions(t.Context())
		if err != nil || (len(all) == 0) != c.ok {
			t.Errorf("conditions: %v, %v", all, err)
		}
		f, err := d.backupFindings(t.Context(), time.Now())
		if err != nil || len(f) != 1 || f[0].Status != c.want {
			t.Errorf("findings: %v, %v, want %s", f, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = d.backUp(ctx, time.Now())
	if all, err := db.Conditions(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("told to stop is taken for a failure: %v, %v", all, err)
	}
}
