package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/internal/reliability"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// A damaged database is not opened, and the error names the backup that could take its place, which does.
func TestADamagedDatabaseIsRefusedWithTheNewestBackup(t *testing.T) {
	r := newRig(t)
	r.cfg.Backup.Dir, r.cfg.Backup.Keep = filepath.Join(t.TempDir(), "backups"), 3
	r.mustRound()
	r.world.ListAtSpamCop()
	r.mustRound()
	if err := r.backUpNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	backup, _ := wiring.NewestBackup(r.cfg.Backup)
	path := r.db.Path()
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const tries = 20
	rng := rand.New(rand.NewPCG(8, 7))
	opened, unnamed, changed := 0, 0, 0
	for range tries {
		damaged := bytes.Clone(whole)
		switch rng.IntN(3) {
		case 0: // the head of the file
			copy(damaged, bytes.Repeat([]byte{byte(rng.IntN(256))}, 1+rng.IntN(100)))
			damaged[0] ^= 0xff
		case 1: // all pages but the first, as a disk that has lost them
			for i := 4096; i < len(damaged); i++ {
				damaged[i] ^= byte(1 + rng.IntN(255))
			}
		case 2:
			damaged = damaged[:4096*(2+rng.IntN(len(damaged)/4096-3))]
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := wiring.OpenStore(t.Context(), r.cfg, r.log)
		if err == nil {
			db.Close()
			opened++
			t.Error("a damaged database was opened")
			continue
		}
		if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), backup) || !strings.Contains(err.Error(), path) {
			unnamed++
			t.Errorf("refused with: %v\nwant both paths, %s and %s", err, path, backup)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
			changed++
			t.Errorf("the damaged file was changed (%v)", err)
		}
	}
	if _, err := store.Restore(t.Context(), backup, path, time.Now()); err != nil {
		t.Fatal(err)
	}
	db, err := wiring.OpenStore(t.Context(), r.cfg, r.log)
	if err != nil {
		t.Fatalf("after a restore: %v", err)
	}
	defer db.Close()
	all, err := db.Incidents(t.Context(), store.IncidentFilter{})
	if err != nil || len(all) != 1 {
		t.Errorf("after a restore: %d incidents, %v, want 1", len(all), err)
	}
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "the database file is damaged or cut short", Tries: tries, Unit: "damages",
		Promised: "refused unchanged, with the path of the newest backup, which takes its place",
		Seen:     fmt.Sprintf("%d opened, %d without the path, %d changed; %d of 1 incident in the backup", opened, unnamed, changed, len(all))})
}
