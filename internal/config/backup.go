package config

import (
	"path/filepath"

	"reputed/internal/monitor"
)

// MaxBackups is how many scheduled backups are kept at most.
const MaxBackups = 1000

// Backup says which copies of the database the daemon makes by itself.
type Backup struct {
	Dir      string `toml:"dir"`      // folder for them, made if it is missing; empty: none are made
	Schedule string `toml:"schedule"` // when, in Schedule.TimeZone; default "17 3 * * *"
	Keep     int    `toml:"keep"`     // how many; older ones are removed; default 14, 1 to MaxBackups
	// BeforeUpgrade says whether the database is copied before its schema changes, into Dir or beside it; default true.
	BeforeUpgrade bool `toml:"before_upgrade"`

	Times monitor.Schedule `toml:"-"` // Schedule, read
}

// CopyTo are the folders that a copy of the database at path is put into before its schema changes, the best one first.
func (b Backup) CopyTo(path string) []string {
	switch {
	case !b.BeforeUpgrade:
		return nil
	case b.Dir == "":
		return []string{filepath.Dir(path)}
	}
	return []string{b.Dir, filepath.Dir(path)}
}

func (v *validator) backup() {
	c := &v.cfg.Backup
	if c.Dir != "" {
		c.Dir = v.path(c.Dir)
	}
	c.Times, _ = v.times("backup.schedule", c.Schedule, `"@daily"`)
	v.number("backup.keep", c.Keep, 1, MaxBackups)
}
