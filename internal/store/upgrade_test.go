package store

import (
	"compress/gzip"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
)

// structure is what tables and columns a database has, and which indexes and triggers, in any order: a column that came
// late stands elsewhere.
func structure(t *testing.T, db *DB) []string {
	t.Helper()
	var all []string
	err := each(t.Context(), db.read, func(r *sql.Rows) error {
		var s string
		err := r.Scan(&s)
		all = append(all, s)
		return err
	}, `SELECT s.name || '.' || c.name || ' ' || c.type || iif(c."notnull", ' NOT NULL', '') || iif(c.pk, ' KEY ' || c.pk, '') || coalesce(' DEFAULT ' || c.dflt_value, '')
			FROM sqlite_schema s JOIN pragma_table_info(s.name) c WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%'
		UNION ALL SELECT type || ' ' || name || ' on ' || tbl_name || ' (' || coalesce((SELECT group_concat(coalesce(name, '')) FROM pragma_index_info(s.name)), '') || ')'
			FROM sqlite_schema s WHERE type <> 'table'
		UNION ALL SELECT s.name || ' refers to ' || f."table" || ' ' || f.on_delete FROM sqlite_schema s JOIN pragma_foreign_key_list(s.name) f WHERE s.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// update writes the database of today's schema to testdata/databases: before a migration is added, so that the
// next binary is tried on what this one leaves.
var update = flag.Bool("update", false, "keep a database of today's schema")

// TestDatabaseOfTodayIsKept makes the story that TestDatabasesOfEveryCommitAreUpgraded tells.
func TestDatabaseOfTodayIsKept(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	db := fresh(t)
	for uid := range uint32(4) {
		if err := commitStory(t.Context(), db, uid+1); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []alerts.Action{
		{Kind: alerts.Ack, Incident: 1, By: "kim", Note: "mending it", At: t0},
		{Kind: alerts.Mute, Incident: 2, By: "lee", Note: "planned", Until: time.Date(2026, 4, 29, 1, 30, 0, 0, time.UTC), At: t0},
	} {
		if _, err := db.Act(t.Context(), a, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Sent(t.Context(), 2, t0); err != nil {
		t.Fatal(err)
	}
	newest, err := newestSchema()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := Backup(t.Context(), db.Path(), copied); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(fmt.Sprintf("testdata/databases/%05d.db.gz", newest))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestDatabasesOfEveryCommitAreUpgraded opens what the daemon of each commit that changed the schema
// left behind when it was killed: four mails, each with a refusal, an incident and a notice. Somebody
// had acknowledged the first incident and silenced the second, whose notice had been told.
func TestDatabasesOfEveryCommitAreUpgraded(t *testing.T) {
	files, err := filepath.Glob("testdata/databases/*.db.gz")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d databases, %v", len(files), err)
	}
	want := structure(t, fresh(t))
	for i, file := range files {
		if testing.Short() && i%5 != 0 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".db.gz"), func(t *testing.T) {
			path := unpack(t, file)
			db := open(t, path)
			integrity(t, db)
			if diff := cmp.Diff(want, structure(t, db)); diff != "" {
				t.Errorf("the schema is not that of a new database (-new +upgraded):\n%s", diff)
			}
			n := count(t, db, "SELECT count(*) FROM mails")
			bounces, err := db.Bounces(t.Context(), BounceFilter{Limit: -1})
			if err != nil || n < 3 || len(bounces) != n {
				t.Errorf("%d bounces of %d mails, %v", len(bounces), n, err)
			}
			if p, err := db.Position(t.Context(), "bounces"); err != nil || p != probesPosition(uint32(n)) {
				t.Errorf("position %+v, %v, want that of mail %d", p, err, n)
			}
			h, err := db.Incident(t.Context(), 1)
			if i := h.Incident; err != nil || i.State != alerts.Acknowledged || i.AckedBy != "kim" || i.Note != "mending it" || i.AckedAt.IsZero() {
				t.Errorf("incident 1: %+v, %v, want it acknowledged by kim", i, err)
			} else if len(i.Members) != 1 || i.Members[0].Finding.Key.Target != "192.0.2.10" || len(i.Members[0].Finding.Evidence) != 1 || i.Members[0].Finding.Evidence[0].Answer != "127.0.0.2" {
				t.Errorf("incident 1 has members %+v, want one with its evidence", i.Members)
			}
			if h, err := db.Incident(t.Context(), 2); err != nil || h.Incident.State != alerts.Silenced || !h.Incident.Silence.Until.Equal(time.Date(2026, 4, 29, 1, 30, 0, 0, time.UTC)) {
				t.Errorf("incident 2: %+v, %v, want it silenced until 29 April", h.Incident.Silence, err)
			}
			if all, err := db.Transitions(t.Context(), "192.0.2.10"); err != nil || len(all) != n {
				t.Errorf("%d transitions, %v, want %d", len(all), err, n)
			}
			// What waits is told, once, and what was told is not told again.
			due, err := db.Due(t.Context(), "slack", t0.Add(time.Hour), 100)
			if err != nil || len(due) != n-1 || slices.ContainsFunc(due, func(d alerts.Delivery) bool { return d.Notification.Incident.ID == 2 }) {
				t.Errorf("%d notices are due, %v, want those of the %d incidents but the second", len(due), err, n)
			}
			for _, d := range due {
				if err := db.Sent(t.Context(), d.ID, t0.Add(time.Hour)); err != nil {
					t.Error(err)
				}
			}
			// And life goes on.
			if err := commitStory(t.Context(), db, uint32(n+1)); err != nil {
				t.Error(err)
			}
			if _, err := db.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: int64(n + 1), By: "lee", At: t0.Add(time.Hour)}, nil); err != nil {
				t.Error(err)
			}
			if _, err := db.Forget(t.Context(), Keep{Refusals: KeepLeast, Traffic: KeepLeast, Runs: KeepLeast, Notices: KeepLeast}, t0.Add(100*day)); err != nil {
				t.Error(err)
			}
			integrity(t, db)
		})
	}
}

func unpack(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "reputed.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
