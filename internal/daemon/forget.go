package daemon

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"reputed/internal/config"
	"reputed/internal/store"
)

const (
	// forgetEvery is how often is removed what is too old: little at a time.
	forgetEvery = 6 * time.Hour
	// forgetTimeout ends it where there is very much, as when less is to be kept from now on; it goes on next time.
	forgetTimeout = time.Hour
)

// forget removes what is older than it is to be kept, copies from before upgrades among it.
func (d *Daemon) forget(ctx context.Context, _ time.Time) error {
	began := time.Now()
	f, err := d.db.Forget(ctx, keep(d.cfg.Retention), began.UTC())
	if f != (store.Forgotten{}) {
		d.log.LogAttrs(ctx, slog.LevelInfo, "old rows removed", slog.Int("mails", f.Mails), slog.Int("refusals", f.Refusals), slog.Int("traffic", f.Traffic),
			slog.Int("runs", f.Runs), slog.Int("notices", f.Notices), slog.Int("answers", f.Answers), slog.Duration("took", time.Since(began).Round(time.Millisecond)))
	}
	return errors.Join(err, store.PruneCopies(d.db.Path(), []string{d.cfg.Backup.Dir, filepath.Dir(d.db.Path())}, began))
}

// keep is for how long the configuration says to keep things.
func keep(c config.Retention) store.Keep {
	return store.Keep{Refusals: c.Refusals.Duration, Traffic: c.Traffic.Duration, Receivers: c.Receivers.Duration, Runs: c.Runs.Duration, Notices: c.Notices.Duration}
}
