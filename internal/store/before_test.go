package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// earlier is a database that the daemon of an earlier commit left, and its schema.
func earlier(t *testing.T) (path string, schema int64) {
	t.Helper()
	path = unpack(t, "testdata/databases/00022.db.gz")
	p, err := pool(dsn(path, "mode=ro"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if schema, err = schemaVersion(t.Context(), p); err != nil || schema != 22 {
		t.Fatalf("schema %d, %v", schema, err)
	}
	return path, schema
}

// copiesOf are the names of the copies in a folder.
func copiesOf(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if beforeName.MatchString(e.Name()) {
			all = append(all, e.Name())
		}
	}
	return all
}

func TestADatabaseIsCopiedBeforeItsSchemaChanges(t *testing.T) {
	path, schema := earlier(t)
	dir := filepath.Join(t.TempDir(), "backups", "reputed")
	var log bytes.Buffer
	o := Options{CopyTo: []string{dir, filepath.Dir(path)}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	db, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	newest, _ := newestSchema()
	m, err := db.LastMigration(t.Context())
	if err != nil || m.From != schema || m.To != newest || m.At.IsZero() || m.Why != "" || filepath.Dir(m.Copy) != dir {
		t.Errorf("it says %+v, %v", m, err)
	}
	if !strings.Contains(log.String(), "database copied before its schema changes") || !strings.Contains(log.String(), m.Copy) {
		t.Errorf("the log says nothing of %s:\n%s", m.Copy, &log)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	// It is the database as it was: whole, of the earlier schema, for its owner only, and restored as any backup.
	c, err := Inspect(t.Context(), m.Copy)
	if err != nil || c.Schema != schema || c.Mails < 3 || c.Incidents == 0 {
		t.Errorf("the copy holds %+v, %v", c, err)
	}
	if info, err := os.Stat(m.Copy); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %v, %v", info.Mode(), err)
	}
	if _, err := Restore(t.Context(), m.Copy, path, time.Now()); err != nil {
		t.Errorf("restore: %v", err)
	}
	if got := copiesOf(t, dir); len(got) != 1 || len(copiesOf(t, filepath.Dir(path))) != 0 {
		t.Errorf("copies: %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".reputed-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	// Opened again there is nothing to do: one more copy came from the migration after the restore, and no third.
	for range 2 {
		again, err := Open(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := copiesOf(t, dir); len(got) > 2 {
		t.Errorf("copies after starts without a migration: %q", got)
	}
}

func TestANewDatabaseIsNotCopied(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), filepath.Join(dir, "reputed.db"), Options{CopyTo: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	m, err := db.LastMigration(t.Context())
	if got := copiesOf(t, dir); len(got) > 0 || err != nil || m != (Migration{}) {
		t.Errorf("copies %q, %+v, %v", got, m, err)
	}
}

// A monitor that does not start is the greater harm: the schema changes without a copy, and that is told.
func TestNoRoomForACopyIsTold(t *testing.T) {
	full := func(string) (int64, bool) { return 10 << 20, true }
	for name, c := range map[string]struct {
		o    func(beside string) Options
		want string // why there is no copy; empty: there is one, beside
	}{
		"nobody wants one": {func(string) Options { return Options{} }, "switched off"},
		"the disk is full": {func(beside string) Options {
			return Options{CopyTo: []string{beside}, free: func(string) (int64, bool) { return 100, true }}
		}, "0 MB free"},
		"there is room": {func(beside string) Options { return Options{CopyTo: []string{beside}, free: full} }, ""},
		"nobody knows the room": {func(beside string) Options {
			return Options{CopyTo: []string{beside}, free: func(string) (int64, bool) { return 0, false }}
		}, ""},
		"the first folder is a file": {func(beside string) Options {
			return Options{CopyTo: []string{filepath.Join(beside, "reputed.db"), beside}, free: full}
		}, ""},
		"no folder can be made": {func(beside string) Options {
			return Options{CopyTo: []string{filepath.Join(beside, "reputed.db", "x")}}
		}, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := earlier(t)
			var log bytes.Buffer
			o := c.o(filepath.Dir(path))
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			db, err := Open(t.Context(), path, o)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			m, err := db.LastMigration(t.Context())
			if err != nil || (m.Copy == "") != (c.want != "") || !strings.Contains(m.Why, c.want) || m.Copy != "" && (m.Why != "" || filepath.Dir(m.Copy) != filepath.Dir(path)) {
				t.Errorf("it says %+v, %v", m, err)
			}
			if told := strings.Contains(log.String(), "level=WARN"); told != (c.want != "" && c.want != "switched off") {
				t.Errorf("the log says:\n%s", &log)
			}
		})
	}
}

func TestADamagedDatabaseIsNotChanged(t *testing.T) {
	path, _ := earlier(t)
	// Larger than what is looked through at every start.
	db, err := pool(dsn(path), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"CREATE TABLE zz (b BLOB)", "INSERT INTO zz WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT randomblob(1 << 20) FROM n"} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	var page int64
	if err := errors.Join(db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_schema WHERE name = 'bounces'").Scan(&page), db.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0x5a}, 4096), (page-1)*4096)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	opened, err := Open(t.Context(), path, Options{CopyTo: []string{dir}})
	if opened != nil {
		opened.Close()
	}
	if !errors.Is(err, ErrCorrupt) || len(copiesOf(t, dir)) > 0 {
		t.Errorf("%v, copies %q", err, copiesOf(t, dir))
	}
}

// The way back stands in the error, since nobody looks for it at three in the morning.
func TestAMigrationThatFailsNamesTheCopy(t *testing.T) {
	path, _ := earlier(t)
	p, err := pool(dsn(path), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ExecContext(t.Context(), "ALTER TABLE logs RENAME TO lost"); err != nil { // which a later step changes
		t.Fatal(err)
	}
	newest, _ := newestSchema()
	if _, err := p.ExecContext(t.Context(), "UPDATE schema_version SET version_id = 4 WHERE version_id = 22"); err != nil { // so that there are steps that cannot be done
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	db, err := Open(t.Context(), path, Options{CopyTo: []string{dir}})
	if err == nil {
		db.Close()
		t.Fatalf("no error on the way to %d", newest)
	}
	named := regexp.MustCompile(`"reputed restore ([^"]+)"`).FindStringSubmatch(err.Error())
	if named == nil || !strings.HasPrefix(named[1], dir) || !exists(named[1]) {
		t.Errorf("%v; there is %q", err, copiesOf(t, dir))
	}
}

func TestToBeStoppedEndsTheCopy(t *testing.T) {
	path, _ := earlier(t)
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	db, err := Open(ctx, path, Options{CopyTo: []string{dir}, free: func(string) (int64, bool) { cancel(); return 0, false }})
	if err == nil {
		db.Close()
	}
	if !errors.Is(err, context.Canceled) || len(copiesOf(t, dir)) > 0 {
		t.Errorf("%v, copies %q", err, copiesOf(t, dir))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".reputed-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestPruneCopiesTouchesNothingElse(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	now := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	stay := []string{
		"reputed.db", "reputed.db-wal", "reputed-20261125T031700Z.db", "reputed.db.replaced-20260101T000000Z", "other.db.schema-3-20260101T000000Z",
		"reputed.db.schema-3-20260101T000000Z.txt", "reputed.db.schema-x-20260101T000000Z", "reputed.db.schema-23-20261120T000000Z", "reputed.db.schema-24-20261125T000000Z",
	}
	for _, name := range append([]string{"reputed.db.schema-22-20261119T000000Z", "reputed.db.schema-3-20260101T000000Z"}, stay...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(other, "reputed.db.schema-3-20260101T000000Z"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		now  time.Time
		gone []string
	}{
		{now, nil},
		{now.Add(26 * 24 * time.Hour), []string{"reputed.db.schema-23-20261120T000000Z"}},
	} {
		if err := PruneCopies("/var/lib/reputed/reputed.db", []string{dir, other, filepath.Join(dir, "none")}, c.now); err != nil {
			t.Fatal(err)
		}
		stay = slices.DeleteFunc(stay, func(s string) bool { return slices.Contains(c.gone, s) })
		var got []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			got = append(got, e.Name())
		}
		slices.Sort(stay)
		if !slices.Equal(got, stay) {
			t.Errorf("at %s there is %q, want %q", c.now, got, stay)
		}
	}
	if left, _ := os.ReadDir(other); len(left) != 1 {
		t.Error("a folder was removed")
	}
}
