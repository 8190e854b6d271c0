package wiring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/store"
)

// backupForm is the time in the name of a backup, so that names sort by age.
const backupForm = "reputed-20060102T150405Z.db"

// backupNames is the name of every backup that the daemon makes; no other file is ever removed.
var backupNames = regexp.MustCompile(`^reputed-[0-9]{8}T[0-9]{6}Z\.db$`)

// BackupName is the name of a backup that is made at a time.
func BackupName(at time.Time) string { return at.UTC().Format(backupForm) }

// Backups are the paths of those in a folder that the daemon made, oldest first.
func Backups(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if e.Type().IsRegular() && backupNames.MatchString(e.Name()) {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(all)
	return all, nil
}

// NewestBackup is the path of the latest backup in the configured folder, and when it was made; "" if there is none.
func NewestBackup(c config.Backup) (path string, at time.Time) {
	if c.Dir == "" {
		return "", time.Time{}
	}
	all, err := Backups(c.Dir)
	if err != nil || len(all) == 0 {
		return "", time.Time{}
	}
	path = all[len(all)-1]
	at, err = time.Parse(backupForm, filepath.Base(path))
	if err != nil {
		return "", time.Time{}
	}
	return path, at
}

// WithBackup says of a damaged database which backup could take its place.
func WithBackup(cfg *config.Config, err error) error {
	if !errors.Is(err, store.ErrCorrupt) {
		return err
	}
	path, at := NewestBackup(cfg.Backup)
	if path == "" {
		return err
	}
	return fmt.Errorf("%w; the newest backup is of %s: with the daemon stopped, \"reputed restore %s\"", err, at.Local().Format("2006-01-02 15:04 MST"), checks.Line(path, 0))
}
