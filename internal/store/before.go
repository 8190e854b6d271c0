package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Before the schema of a database changes, the database as it is is copied: each step of a migration is a transaction, so
// that none is lost half way, but an older version of the program cannot read what a newer one made of it.

const (
	// beforeKept is how many of these copies are kept, and beforeDays how long.
	beforeKept = 2
	beforeDays = 30 * 24 * time.Hour
	beforeTime = "20060102T150405Z"
	// beforeHalf are copies that have no name yet. One that was not written to for halfFor is of a process that was killed.
	beforeHalf = ".reputed-*.before"
	halfFor    = 10 * time.Minute
)

// beforeName is the name of a copy, in any folder: that of the database, the schema that is in it, and when it was made.
// No other file is ever removed.
var beforeName = regexp.MustCompile(`^(.+)\.schema-[0-9]+-([0-9]{8}T[0-9]{6}Z)$`)

// Migration is the last change of the schema.
type Migration struct {
	From int64     `json:"from"` // number of the last migration before
	To   int64     `json:"to"`   // and after
	At   time.Time `json:"at"`   // when it was done
	Copy string    `json:"copy"` // path of the database as it was; empty: there is none
	Why  string    `json:"why"`  // then: why not
}

// LastMigration is when the schema last changed in this database, and where the copy from before lies. The
// zero Migration: it never did since the database was made, or since that is written down.
func (db *DB) LastMigration(ctx context.Context) (m Migration, err error) {
	err = db.view(ctx, "read the settings", func(tx *sql.Tx) error {
		var text []byte
		err := tx.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = 'migration'").Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		return json.Unmarshal(text, &m)
	})
	return m, err
}

// noteMigration writes down what was done.
func (db *DB) noteMigration(ctx context.Context, m Migration) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return db.update(ctx, "write the settings", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO settings (name, value) VALUES ('migration', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1", text)
		return err
	})
}

// copyBefore copies the database into the first of the folders that has room and may be written. That none has does not
// hold the migration up: a monitor that does not start is the greater harm, and why there is no copy is told. The errors
// are those about the database itself, which must not be changed then, and that of the context.
func (db *DB) copyBefore(ctx context.Context, o Options, from int64) (m Migration, err error) {
	m.From = from
	if len(o.CopyTo) == 0 {
		m.Why = "switched off"
		return m, nil
	}
	free := o.free
	if free == nil {
		free = room
	}
	var why []string
	for _, dir := range o.CopyTo {
		began := time.Now()
		m.Copy, err = db.copyInto(ctx, dir, free, began)
		if err == nil {
			db.log.LogAttrs(ctx, slog.LevelInfo, "database copied before its schema changes", slog.String("file", m.Copy),
				slog.Int64("version", from), slog.Duration("took", time.Since(began).Round(time.Millisecond)))
			return m, nil
		}
		if errors.Is(err, ErrCorrupt) || ctx.Err() != nil {
			return m, err
		}
		why = append(why, err.Error())
	}
	m.Copy, m.Why = "", strings.Join(why, "; ")
	db.log.LogAttrs(ctx, slog.LevelWarn, "no copy of the database before its schema changes", slog.Int64("version", from), slog.String("why", m.Why))
	return m, nil
}

// copyInto makes one copy in a folder, and gives its path.
func (db *DB) copyInto(ctx context.Context, dir string, free func(string) (int64, bool), now time.Time) (to string, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	halves, _ := filepath.Glob(filepath.Join(dir, beforeHalf))
	for _, half := range halves {
		if info, err := os.Lstat(half); err == nil && now.Sub(info.ModTime()) > halfFor {
			_ = os.Remove(half) // else it would take the room of this one
		}
	}
	var bytes int64
	if err := db.write.QueryRowContext(ctx, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()").Scan(&bytes); err != nil {
		return "", err
	}
	need := bytes
	if sameDisk(dir, filepath.Dir(db.path)) {
		need *= 2 // a migration that writes a table anew needs as much again, at most
	}
	if has, known := free(dir); known && has < need {
		return "", fmt.Errorf("%s has %d MB free, and %d MB are needed", dir, has>>20, need>>20+1)
	}
	d, err := newDraft(dir, beforeHalf)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, d.discard()) }()
	if err := vacuumInto(ctx, db.path, d.path); err != nil {
		return "", explainTo(db.path, "copy it before its schema changes", "let the folder be writable", err)
	}
	has, err := unlease(ctx, d.path)
	if err != nil {
		return "", explainTo(db.path, "look through the copy from before its schema changes", "let the folder be writable", err)
	}
	to = filepath.Join(dir, fmt.Sprintf("%s.schema-%d-%s", filepath.Base(db.path), has, now.UTC().Format(beforeTime)))
	// Who runs this may be root, and the daemon restores and removes it.
	if err := errors.Join(inheritOwner(d.path, db.path), syncFile(d.path), d.bring(dir)); err != nil {
		return "", err
	}
	return to, errors.Join(os.Rename(d.path, to), syncFile(dir))
}

// unlease takes the lease out of a copy, looks at its pages, and says which schema it has. It does not look at every row of
// every index, as [Inspect] does before one is restored: that takes ten times as long as the copy itself.
func unlease(ctx context.Context, path string) (schema int64, err error) {
	p, err := pool(dsn(path), 1)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if _, err := p.ExecContext(ctx, "DELETE FROM lease"); err != nil {
		return 0, err
	}
	var said string
	if err := p.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return 0, err
	}
	if said != "ok" {
		return 0, fmt.Errorf("%w: %s", ErrCorrupt, said)
	}
	return schemaVersion(ctx, p)
}

// PruneCopies removes copies from before migrations of the database at path: all but the two latest, and those that are older than
// 30 days. It looks in the given folders, "" is none, and touches no other file.
func PruneCopies(path string, dirs []string, now time.Time) error {
	type copied struct{ path, at string }
	var all []copied
	var errs []error
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		entries, _ := os.ReadDir(dir) // of a folder that is not there there is nothing to remove
		for _, e := range entries {
			if m := beforeName.FindStringSubmatch(e.Name()); m != nil && m[1] == filepath.Base(path) && e.Type().IsRegular() {
				all = append(all, copied{filepath.Join(dir, e.Name()), m[2]})
			}
		}
	}
	slices.SortFunc(all, func(a, b copied) int { return strings.Compare(b.at, a.at) })
	oldest := now.Add(-beforeDays).UTC().Format(beforeTime)
	for i, c := range all {
		if i >= beforeKept || c.at < oldest {
			errs = append(errs, os.Remove(c.path))
		}
	}
	return errors.Join(errs...)
}
