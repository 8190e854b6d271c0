package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Contents is what a database file holds, so that a person sees whether it is the one that is meant.
type Contents struct {
	Bytes       int64
	Schema      int64     // number of its last migration
	LastRun     time.Time // when the latest run in it began; zero: there is none
	Incidents   int       // all, resolved ones included
	Open        int       // of these, not resolved
	Transitions int
	Mails       int
	Bounces     int
	Queued      int // notices that wait to be told
}

// Backup writes a copy of the database at path to the new file at to, mode 0600, while
// others go on writing: it is the database of one instant. It takes no write lock, but
// the -wal file grows as long as it lasts. The copy holds no lease, so that nobody has to
// wait for a daemon that it never saw, and it is looked through before it gets its name:
// what is there under that name is whole, and on the disk.
//
// The database may be older than this binary, or newer: nothing in it is changed.
//
// Errors: [fs.ErrExist] if there is something at to already, which is left as it is;
// [ErrNoDatabase], [ErrNotOurs], [ErrCorrupt] about the database; [ErrFull] and
// [ErrPermission] about either. After an error nothing is left at to.
func Backup(ctx context.Context, path, to string) (Contents, error) {
	path, to, err := absolute(path, to)
	if err != nil {
		return Contents{}, err
	}
	if err := present(path); err != nil {
		return Contents{}, err
	}
	if err := vacant(to); err != nil {
		return Contents{}, err
	}
	d, c, err := draftCopy(ctx, path, to)
	if err != nil {
		return Contents{}, err
	}
	if err = d.bring(filepath.Dir(to)); err == nil {
		// Link and not rename: it fails where somebody has made the file in between.
		err = os.Link(d.path, to)
		if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
			if err = vacant(to); err == nil {
				err = os.Rename(d.path, to)
			}
		}
	}
	err = errors.Join(err, d.discard())
	if err == nil {
		err = syncFile(filepath.Dir(to))
	}
	return c, explainTo(to, "write the backup", "let its folder be writable for you", err)
}

// Inspect looks a database file through from end to end and says what it holds. It
// writes nothing.
//
// Errors: [ErrNoDatabase], [ErrNotOurs], [ErrCorrupt], [ErrPermission]; [ErrSchema] if it is newer than this binary.
func Inspect(ctx context.Context, path string) (c Contents, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return c, err
	}
	if err := present(path); err != nil {
		return c, err
	}
	p, err := pool(dsn(path, "mode=ro", "_query_only=1"), 1)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if c, err = contents(ctx, p, path); err != nil {
		return c, explainRead(path, err)
	}
	newest, err := newestSchema()
	if err == nil && c.Schema > newest {
		err = fmt.Errorf("database %s: %w", path, newerSchema(c.Schema, newest))
	}
	return c, err
}

// draftCopy copies the database at path to a new file for the folder of to, looks it
// through and brings it to the disk. The caller gives it its name, and discards what is left.
func draftCopy(ctx context.Context, path, to string) (d draft, c Contents, err error) {
	d, err = newDraft(filepath.Dir(to), ".reputed-*.copy")
	if err != nil {
		return d, c, explainTo(to, "write a copy", "let its folder be there and be writable for you", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.discard())
		}
	}()
	if err := vacuumInto(ctx, path, d.path); err != nil {
		// What the disk of the copy says comes by the connection of the database.
		return d, c, explainTo(path, "copy to "+to, "the database must be readable and the folder of the copy writable for you", err)
	}
	if c, err = finish(ctx, d.path); err != nil {
		return d, c, explainTo(to, "look through the copy", "let its folder be writable for you", err)
	}
	return d, c, explainTo(to, "write a copy", "let its folder be writable for you", syncFile(d.path))
}

// vacuumInto writes the database at path to an empty file, in one read transaction.
func vacuumInto(ctx context.Context, path, to string) error {
	// With query_only not even another file could be written, and mode=ro keeps ours as it is.
	p, err := pool(dsn(path, "mode=ro"), 1)
	if err != nil {
		return err
	}
	defer p.Close()
	if _, err := schemaVersion(ctx, p); err != nil {
		return err
	}
	_, err = p.ExecContext(ctx, "VACUUM INTO ?", to) // synchronous is off in it: the caller brings it to the disk
	if c := code(err); (c == codeCantOpen || c == codeReadOnly) && !exists(path+"-wal") {
		// As for [OpenReadOnly]: nobody has it open, and there is no permission for a -shm file.
		q, errPool := pool(dsn(path, "mode=ro", "immutable=1"), 1)
		if errPool != nil {
			return errPool
		}
		defer q.Close()
		_, err = q.ExecContext(ctx, "VACUUM INTO ?", to)
	}
	return err
}

// finish takes the lease out of a copy, and looks it through.
func finish(ctx context.Context, path string) (c Contents, err error) {
	p, err := pool(dsn(path), 1)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if version, err := schemaVersion(ctx, p); err != nil {
		return c, err
	} else if version == 0 {
		return c, fmt.Errorf("%w: the file is empty, there is nothing to copy", ErrNoDatabase)
	}
	if _, err := p.ExecContext(ctx, "DELETE FROM lease"); err != nil {
		return c, err
	}
	return contents(ctx, p, path)
}

// contents looks a database through from end to end, and counts.
func contents(ctx context.Context, p *sql.DB, path string) (c Contents, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return c, err
	}
	c.Bytes = info.Size()
	if c.Schema, err = schemaVersion(ctx, p); err != nil {
		return c, err
	}
	if c.Schema == 0 {
		return c, fmt.Errorf("%w: the file is empty", ErrNoDatabase)
	}
	if err := sound(ctx, p); err != nil {
		return c, err
	}
	// Tables and columns that the first schema has: this is told of every version.
	return c, p.QueryRowContext(ctx, `SELECT (SELECT max(started) FROM runs), (SELECT count(*) FROM incidents), (SELECT count(*) FROM incidents WHERE state <> 'resolved'),
		(SELECT count(*) FROM transitions), (SELECT count(*) FROM mails), (SELECT count(*) FROM bounces), (SELECT count(*) FROM outbox WHERE state = 'queued')`).
		Scan(stamp{&c.LastRun}, &c.Incidents, &c.Open, &c.Transitions, &c.Mails, &c.Bounces, &c.Queued)
}

// sound looks at every page and at every row that refers to another.
func sound(ctx context.Context, p *sql.DB) error {
	var said string
	if err := p.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, said)
	}
	return each(ctx, p, func(r *sql.Rows) error {
		var table string
		if err := r.Scan(&table); err != nil {
			return err
		}
		return fmt.Errorf("%w: a row of %s refers to one that is not there", ErrCorrupt, table)
	}, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`)
}

func absolute(a, b string) (string, string, error) {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return a, b, errors.Join(errA, errB)
}

// present says whether there is a file at path.
func present(path string) error {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("database %s: %w", path, ErrNoDatabase)
	case err != nil:
		return explainRead(path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("database %s: %w: this is no regular file", path, ErrNoDatabase)
	}
	return nil
}

// vacant says whether nothing is at path, not even a link that leads nowhere.
func vacant(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fmt.Errorf("%s: %w: name another file, this one is left as it is", path, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// syncFile brings a file or a folder to the disk. It must not be an open database: to close
// it would drop the locks of this process.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
