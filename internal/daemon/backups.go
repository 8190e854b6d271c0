package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"reputed/internal/config"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// The copies of the database that the daemon makes by itself, into the folder of [backup].

// backupTimeout ends a backup that a disk holds up: the -wal file grows as long as it lasts.
const backupTimeout = time.Hour

// backUp makes the backup that is due, and takes note of how that went.
func (d *Daemon) backUp(ctx context.Context, _ time.Time) error {
	err := d.backUpNow(ctx)
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) { // being told to stop is no failure
		d.note(context.WithoutCancel(ctx), partBackup, err)
	}
	return err
}

// backUpNow makes a backup, and removes those that are too many.
func (d *Daemon) backUpNow(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := d.cfg.Backup
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	began := time.Now()
	removeHalves(c.Dir, began)
	to := filepath.Join(c.Dir, wiring.BackupName(began))
	done, err := store.Backup(ctx, d.db.Path(), to)
	if errors.Is(err, fs.ErrExist) {
		return nil // one of this very second
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "database backed up", slog.String("file", to), slog.Int64("bytes", done.Bytes),
		slog.Duration("took", time.Since(began).Round(time.Millisecond)))
	return pruneBackups(c)
}

// removeHalves removes copies that never got their name, because a process was killed while it made them.
func removeHalves(dir string, now time.Time) {
	halves, _ := filepath.Glob(filepath.Join(dir, ".reputed-*.copy"))
	for _, half := range halves {
		if info, err := os.Lstat(half); err == nil && now.Sub(info.ModTime()) > 2*backupTimeout {
			_ = os.Remove(half)
		}
	}
}

// pruneBackups removes all backups of the daemon but the newest.
func pruneBackups(c config.Backup) error {
	all, err := wiring.Backups(c.Dir)
	if err != nil {
		return fmt.Errorf("remove old backups: %w", err)
	}
	var errs []error
	for len(all) > c.Keep {
		errs = append(errs, os.Remove(all[0]))
		all = all[1:]
	}
	return errors.Join(errs...)
}
