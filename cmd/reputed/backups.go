package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/store"
)

// The copies of the database that the daemon makes by itself, into the folder of [backup].

// backupTimeout ends a backup that a disk holds up: the -wal file grows as long as it lasts.
const backupTimeout = time.Hour

// backupForm is the time in the name of a backup, so that names sort by age.
const backupForm = "20060102T150405Z"

// backupName is the name of every backup that the daemon makes; no other file is ever removed.
var backupName = regexp.MustCompile(`^reputed-[0-9]{8}T[0-9]{6}Z\.db$`)

// backUp makes the backup that is due, and takes note of how that went.
func (d *daemon) backUp(ctx context.Context, _ time.Time) error {
	err := d.backUpNow(ctx)
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) { // being told to stop is no failure
		d.note(context.WithoutCancel(ctx), partBackup, err)
	}
	return err
}

// backUpNow makes a backup, and removes those that are too many.
func (d *daemon) backUpNow(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := d.cfg.Backup
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	began := time.Now()
	removeHalves(c.Dir, began)
	to := filepath.Join(c.Dir, "reputed-"+began.UTC().Format(backupForm)+".db")
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
	all, err := backups(c.Dir)
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

// backups are the paths of those in a folder that the daemon made, oldest first.
func backups(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if e.Type().IsRegular() && backupName.MatchString(e.Name()) {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(all)
	return all, nil
}

// newestBackup is the path of the latest backup in the configured folder, and when it was made; "" if there is none.
func newestBackup(c config.Backup) (path string, at time.Time) {
	if c.Dir == "" {
		return "", time.Time{}
	}
	all, err := backups(c.Dir)
	if err != nil || len(all) == 0 {
		return "", time.Time{}
	}
	path = all[len(all)-1]
	at, err = time.Parse("reputed-"+backupForm+".db", filepath.Base(path))
	if err != nil {
		return "", time.Time{}
	}
	return path, at
}

// withBackup says of a damaged database which backup could take its place.
func withBackup(cfg *config.Config, err error) error {
	if !errors.Is(err, store.ErrCorrupt) {
		return err
	}
	path, at := newestBackup(cfg.Backup)
	if path == "" {
		return err
	}
	return fmt.Errorf("%w; the newest backup is of %s: with the daemon stopped, \"reputed restore %s\"", err, at.Local().Format("2006-01-02 15:04 MST"), checks.Line(path, 0))
}
