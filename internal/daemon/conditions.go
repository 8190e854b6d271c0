package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"reputed/checks"
	"reputed/internal/config"
)

// The parts of the daemon that it takes note of itself when something is wrong, for status and the page.
const (
	partConfig = "config" // could not be reloaded
	partBackup = "backup" // could not be made
)

// note writes down what is wrong with a part, or with nil that it is well.
func (d *Daemon) note(ctx context.Context, part string, wrong error) {
	what := ""
	if wrong != nil {
		what = checks.Line(wrong.Error(), 500)
	}
	if err := d.db.SetCondition(ctx, part, what, time.Now()); err != nil && ctx.Err() == nil {
		d.log.LogAttrs(ctx, slog.LevelWarn, "condition not stored", slog.String("part", part), slog.Any("err", err))
	}
}

// NotReloaded takes note that a new configuration is wrong, and the one before stays in force: until
// a good one comes, everybody who looks is to know.
func (d *Daemon) NotReloaded(ctx context.Context, err error) {
	what := "not reloaded, the daemon goes on with the one before"
	var all *config.Error
	if errors.As(err, &all) && len(all.Mistakes) > 0 {
		err = errors.New(all.Mistakes[0].String())
		if n := len(all.Mistakes); n > 1 {
			what += fmt.Sprintf(" (%d mistakes, reputed config check says all)", n)
		}
	}
	d.note(ctx, partConfig, fmt.Errorf("%s: %w", what, err))
}

// backupFindings says whether the database is backed up, where that is wanted.
func (d *Daemon) backupFindings(ctx context.Context, now time.Time) ([]checks.Finding, error) {
	all, err := d.db.Conditions(ctx)
	if err != nil {
		return nil, err
	}
	f := monitorFinding(checkBackup, "backup", now)
	f.Summary = "the database is backed up again"
	if d.cfg.Backup.Dir == "" {
		f.Summary = "no backups are configured any more"
	}
	for _, c := range all {
		if c.Part == partBackup {
			f.Code, f.Status, f.Severity = checks.CodeBackup, checks.Problem, checks.Minor
			f.Summary = fmt.Sprintf("the database has not been backed up since %s", c.Since.UTC().Format("2006-01-02 15:04 MST"))
			f.Evidence = []checks.Evidence{{Question: "write a backup to " + d.cfg.Backup.Dir, Answer: c.What, At: now}}
		}
	}
	return []checks.Finding{f}, nil
}
