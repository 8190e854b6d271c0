package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

const (
	// busyTimeout is how long a statement waits for the write lock of another
	// process. Transactions take milliseconds, but SQLite wakes waiters by chance and not
	// in order, so on a slow disk one of many may wait for long.
	busyTimeout = 30 * time.Second
	// opening is the patience of migrations, which write as much as there is.
	opening = 24 * time.Hour
	// openPause is how long opening waits before it tries again.
	openPause = 10 * time.Millisecond
	// readers is how many connections read at once: a page, a status and a few
	// commands inside the daemon.
	readers = 4
	// quickCheckBytes is up to what size the file is looked through when it is
	// opened: about a tenth of a second.
	quickCheckBytes = 32 << 20
	// walBytes is what the -wal file is cut back to after a large transaction.
	walBytes = 16 << 20
)

// Options are what [Open] can be told besides the path.
type Options struct {
	// Log takes what is worth knowing and no error: a migration, an abandoned run, a
	// decision that was put right. Default: nothing is logged.
	Log *slog.Logger
	// Patience is how long a write waits for those of this process before it, and then for the disk to take it,
	// before it gives [ErrSlow]. Default: 30 s.
	Patience time.Duration
	// CopyTo are folders that a copy of an existing database is put into before its schema changes, the first of them
	// that has room; they are made if they are missing. None: no copy is made.
	CopyTo []string
	// free is how much room a folder has; nil: what the system says.
	free func(dir string) (bytes int64, known bool)
}

// DB is one open database. The zero DB is not usable.
type DB struct {
	path  string
	log   *slog.Logger
	write *sql.DB // one connection, transactions are immediate; nil when opened for reading only
	read  *sql.DB
	// turn is who writes; see [turn].
	turn     turn
	patience time.Duration
	key      []byte // for the hashes of recipients; nil when opened for reading only
	// members are what the last commit read of open incidents. They belong to the one
	// writer: only what runs under the write lock touches them.
	members findings
	// token is that of the lease this process holds; empty until it has one.
	token atomic.Pointer[string]
	// lock is what goes with the lease; nil until there is one, and where there are no locks.
	lock atomic.Pointer[fileLock]
}

// Open opens the database at path for writing, and makes the folder (mode 0750),
// the file (mode 0600) and the schema where they are missing.
// An older schema is brought up to that of this binary, after a copy was made
// (Options.CopyTo); an error of that names the copy.
//
// Errors: [ErrPermission], [ErrCorrupt], [ErrNotOurs], [ErrSchema] if the
// database was written by a newer version, [ErrBusy], [ErrFull]; each says what to do.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() { // SQLite would say that the disk fails
		return nil, fmt.Errorf("database %s: this is a folder: name the file in it, such as %s", path, filepath.Join(path, "reputed.db"))
	}
	if err := create(path); err != nil {
		return nil, explain(path, "create", err)
	}
	for start := time.Now(); ; {
		db := &DB{path: path, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), members: findings{}, turn: make(turn, 1), patience: opening}
		err := db.prepare(ctx, o)
		if err == nil {
			db.patience = cmp.Or(o.Patience, patience)
			return db, nil
		}
		err = errors.Join(explain(path, "open", err), db.Close())
		// While another process turns a new file to WAL, SQLite says "busy" without waiting
		// as it is told to, because waiting for each other would never end.
		if code(err) != codeBusy || time.Since(start) > busyTimeout {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(openPause):
		}
	}
}

// prepare opens the two pools, the schema between them.
func (db *DB) prepare(ctx context.Context, o Options) error {
	if err := inspect(ctx, db.path); err != nil {
		return err
	}
	var err error
	if db.write, err = pool(dsn(db.path, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		fmt.Sprintf("_pragma=journal_size_limit(%d)", walBytes)), 1); err != nil {
		return err
	}
	if err := db.migrate(ctx, o); err != nil {
		return err
	}
	if db.read, err = pool(dsn(db.path, "mode=ro", "_query_only=1"), readers); err != nil {
		return err
	}
	db.key, err = db.recipientKey(ctx)
	return err
}

// inspect looks at the file before anything is written to it: opening for
// writing alone turns it to WAL, and a file of another program or of a newer
// version is left as it is.
func inspect(ctx context.Context, path string) (err error) {
	p, err := pool(dsn(path, "mode=ro", "_query_only=1"), 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := quickCheck(ctx, p, path); err != nil {
		return err
	}
	version, err := schemaVersion(ctx, p)
	if err != nil {
		return err
	}
	newest, err := newestSchema()
	if err != nil {
		return err
	}
	if version > newest {
		return newerSchema(version, newest)
	}
	return nil
}

// OpenReadOnly opens the database at path for reading, without write
// permission for it or its folder, and on a read-only copy too. What would
// write gives [ErrReadOnly].
//
// Errors: [ErrNoDatabase] if there is none, [ErrSchema] if it is newer or older
// than this binary, [ErrPermission], [ErrCorrupt], [ErrNotOurs].
func OpenReadOnly(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("database %s: %w: it is made when \"reputed run\" starts for the first time; is the path the one of the daemon?", path, ErrNoDatabase)
	case err != nil:
		return nil, explainRead(path, err)
	case info.IsDir():
		return nil, fmt.Errorf("database %s: this is a folder: name the file in it, such as %s", path, filepath.Join(path, "reputed.db"))
	}
	db := &DB{path: path, log: slog.New(slog.DiscardHandler)}
	err = db.openReaders(ctx, "mode=ro")
	if c := code(err); (c == codeCantOpen || c == codeReadOnly) && !exists(path+"-wal") {
		// A database in WAL mode needs its -shm file, which cannot be made here. As long as
		// no -wal lies beside, nobody has the file open and all of it is in the
		// one file, so it can be read without locks. With a -wal it could not: what
		// is in there would be missed.
		err = db.openReaders(ctx, "mode=ro", "immutable=1")
	}
	if err != nil {
		return nil, explainRead(path, err)
	}
	return db, nil
}

func (db *DB) openReaders(ctx context.Context, params ...string) error {
	var err error
	if db.read, err = pool(dsn(db.path, append(params, "_query_only=1")...), readers); err != nil {
		return err
	}
	if err = db.readable(ctx); err != nil {
		return errors.Join(err, db.read.Close())
	}
	return nil
}

// Close closes the database. The last process to do so folds the -wal file into it. A commit that the disk has not taken for
// a second is left to it.
func (db *DB) Close() error {
	if db.write != nil && db.turn.take(context.Background(), closePatience) == nil {
		defer db.turn.give()
	}
	var errs []error
	for _, p := range []*sql.DB{db.read, db.write} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	db.lock.Swap(nil).release()
	return errors.Join(errs...)
}

// Path is the absolute path of the file.
func (db *DB) Path() string { return db.path }

// create makes the folder and an empty file that only its owner may read. The
// -wal and -shm files get the mode of the file from SQLite.
//
// The file is made beside its place and linked to it when it is closed: whoever
// closes a file drops all locks that its process holds on it (fcntl(2)), and
// another Open in this process may have some as soon as the name is there.
func create(path string) (err error) {
	if exists(path) {
		return nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".reputed-*.new") // mode 0600
	if err != nil {
		return err
	}
	beside := f.Name()
	defer func() { err = errors.Join(err, os.Remove(beside)) }()
	if err := f.Close(); err != nil {
		return err
	}
	err = os.Link(beside, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	// A file system without links.
	f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return f.Close()
}

// dsn names the database to the driver. What belongs to a connection stands in
// it, so that every connection of a pool has it; and it begins with "file:",
// because SQLite drops the parameters of a plain path without a word.
func dsn(path string, params ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/x
	}
	params = append(params,
		fmt.Sprintf("_busy_timeout=%d", busyTimeout.Milliseconds()),
		"_foreign_keys=1",
		"_pragma=trusted_schema(0)",
		"_defensive=1",
		"_dqs=0",      // a mistyped column is an error, not a text
		"_error_rc=1", // the message belongs to the code
	)
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(params, "&")
}

func pool(dsn string, conns int) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	p := sql.OpenDB(c)
	p.SetMaxOpenConns(conns)
	p.SetMaxIdleConns(conns)
	return p, nil
}

// quickCheck looks through a file that is small enough for damage.
func quickCheck(ctx context.Context, p *sql.DB, path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() > quickCheckBytes {
		return err
	}
	var said string
	if err := p.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return &hinted{fmt.Errorf("%w: %s", ErrCorrupt, said), damagedHint}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
