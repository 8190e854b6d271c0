package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Restored is what [Restore] did.
type Restored struct {
	Contents
	// Replaced is where the database that was there lies now; empty: there was none.
	Replaced string
}

// Restore puts a copy of the database file from in place of the one at path, while
// no daemon runs on it; from is left as it is. It is looked through first, and what was at
// path is kept beside it under a name with the time. Owner and mode are those of the
// file that is replaced, or the owner of its folder: whoever restores is often root, and
// the daemon is not.
//
// A copy of an older schema is migrated by the next [Open].
//
// Errors: [ErrLeased] while a daemon runs; [ErrNoDatabase], [ErrNotOurs], [ErrCorrupt]
// and [ErrSchema], if it is newer than this binary, about from; [ErrFull], [ErrPermission].
// After an error the database at path is as it was.
func Restore(ctx context.Context, from, path string, now time.Time) (done Restored, err error) {
	from, path, err = absolute(from, path)
	if err != nil {
		return done, err
	}
	if err := distinct(from, path); err != nil {
		return done, err
	}
	if done.Contents, err = Inspect(ctx, from); err != nil {
		if h, ok := errors.AsType[*hinted](err); ok && errors.Is(err, ErrCorrupt) { // not the database, of which that is said otherwise
			err = fmt.Errorf("%s is no whole backup, so nothing was changed; name another: %w", from, h.error)
		}
		return done, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return done, explain(path, "create", err)
	}
	lock, err := idle(ctx, path, now)
	if err != nil {
		return done, err
	}
	defer lock.release()
	d, _, err := draftCopy(ctx, from, path)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, d.discard()) }()
	if err := inheritOwner(d.path, path); err != nil {
		return done, explain(path, "give the copy its owner", err)
	}
	if err := d.bring(filepath.Dir(path)); err != nil {
		return done, explain(path, "write the copy", err)
	}
	if exists(path) {
		if done.Replaced, err = setAside(path, now); err != nil {
			return done, explain(path, "keep the database that is there", err)
		}
	}
	// From here on the old database lies beside whole, with its -wal file. A -wal file that stayed would be
	// taken for one of the copy.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return done, explain(path, "replace", err)
		}
	}
	if err := os.Rename(d.path, path); err != nil {
		return done, explain(path, "replace", err)
	}
	return done, explain(path, "replace", syncFile(filepath.Dir(path)))
}

// idle gives the lock of the database at path, if no daemon runs on it; nil where files cannot be locked.
func idle(ctx context.Context, path string, now time.Time) (*fileLock, error) {
	// A daemon on another machine, or where files cannot be locked, is told by its lease. What
	// cannot be read has none: damage is why people restore.
	held := leaseAt(ctx, path)
	if held.Alive(now) {
		return nil, &LeaseError{Lease: held}
	}
	lock, err := lockFile(path)
	if errors.Is(err, errLocked) {
		return nil, &LeaseError{Lease: held, Locked: true}
	}
	return lock, nil
}

// leaseAt is who holds a database of any schema, as far as that can be read.
func leaseAt(ctx context.Context, path string) LeaseInfo {
	if !exists(path) {
		return LeaseInfo{}
	}
	p, err := pool(dsn(path, "mode=ro", "_query_only=1"), 1)
	if err != nil {
		return LeaseInfo{}
	}
	defer p.Close()
	held, _, where, err := lease(ctx, p)
	if err != nil {
		return LeaseInfo{}
	}
	unheld, _ := locked(path)
	held.Gone = gone(held, where, unheld)
	return held
}

// distinct says whether two names are of two files.
func distinct(from, path string) error {
	a, errA := os.Stat(from)
	b, errB := os.Stat(path)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return fmt.Errorf("%s is the database itself: name the backup", from)
	}
	return nil
}

// setAside gives the database at path a second name, with its -wal file, so that it can be opened there.
func setAside(path string, now time.Time) (string, error) {
	named := path + ".replaced-" + now.UTC().Format("20060102T150405Z")
	aside := named
	for n := 2; vacant(aside) != nil; n++ { // one each second is enough, but people try again
		if aside = fmt.Sprintf("%s-%d", named, n); n > 9 {
			return "", vacant(aside)
		}
	}
	for _, suffix := range []string{"-wal", ""} {
		if info, err := os.Stat(path + suffix); err != nil || suffix != "" && info.Size() == 0 {
			continue
		}
		if err := os.Link(path+suffix, aside+suffix); err == nil {
			continue
		}
		// A file system without links: there is a moment without a database at path.
		if err := os.Rename(path+suffix, aside+suffix); err != nil {
			return "", err
		}
	}
	return aside, syncFile(filepath.Dir(path))
}

// inheritOwner gives the file at beside the owner and the mode of the one at path, or the owner of its folder.
func inheritOwner(beside, path string) error {
	f, err := os.OpenFile(beside, os.O_RDWR|noFollow, 0) // no connection has it open
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode().IsRegular() { // and no link to a file that is somebody else's
		err = f.Chmod(info.Mode().Perm())
	} else {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err == nil {
		err = chown(f, info)
	}
	return errors.Join(err, f.Close())
}
