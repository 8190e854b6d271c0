package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// Whoever has upgraded is told where the way back is, and for a week that there is none.
func TestDoctorKnowsTheWayBack(t *testing.T) {
	packed, err := os.Open("../../internal/store/testdata/databases/00022.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	old, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		backup config.Backup
		after  time.Duration
		is     report.Soundness
		says   string // empty: nothing is said
	}{
		"a copy beside it":        {config.Backup{BeforeUpgrade: true}, time.Hour, report.Sound, "is kept: "},
		"nobody wants one":        {config.Backup{}, time.Hour, "", ""},
		"it could not be made":    {config.Backup{BeforeUpgrade: true, Dir: "full"}, time.Hour, report.Doubtful, "there is no copy of it as it was: "},
		"it could not, weeks ago": {config.Backup{BeforeUpgrade: true, Dir: "full"}, 14 * 24 * time.Hour, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := &config.Config{Database: config.Database{Path: filepath.Join(dir, "reputed.db")}, Backup: c.backup}
			if err := os.WriteFile(cfg.Database.Path, old, 0o600); err != nil {
				t.Fatal(err)
			}
			open := func() (*store.DB, error) { return wiring.OpenStore(t.Context(), cfg, nil) }
			if c.backup.Dir != "" { // a folder that cannot be, and no other
				open = func() (*store.DB, error) {
					return store.Open(t.Context(), cfg.Database.Path, store.Options{CopyTo: []string{filepath.Join(cfg.Database.Path, "below a file")}})
				}
			}
			db, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			p := &patient{cfg: cfg, db: db, now: time.Now().Add(c.after)}
			all := p.upgraded(t.Context())
			if len(all) != min(len(c.says), 1) {
				t.Fatalf("it says %+v, want %q", all, c.says)
			}
			for _, s := range all {
				if s.Is != c.is || !strings.Contains(s.Says, c.says) || !strings.Contains(s.Says, "schema 22 became") || (s.Do == "") != (c.is == report.Sound) {
					t.Errorf("it says %+v", s)
				}
			}
		})
	}
}
