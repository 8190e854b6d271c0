package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reputed/internal/report"
	"reputed/internal/view"
)

func (a *app) statusCommand() *cobra.Command {
	var watch, alive bool
	var at string
	c := &cobra.Command{
		Use:   "status [ID]",
		Short: "Say how things stand, and whether the monitor itself is all right",
		Long: `Reads the database of the daemon: incidents by what they cost, what the monitor
cannot do, and what is quiet on purpose. It works when the daemon is dead, and
then says so first; on a copy; and with a configuration that is broken. With the
number of an incident it shows that one whole, as "reputed incident show" does.

--at tells a moment in the past from what is stored: changes, events and rounds.
What is not known any more, it says.

--alive asks only whether the daemon works, as the health check of a container
does: exit code 0 if so, 2 if not, whatever is listed.

Exit code: 2 something critical or major, 1 something minor or policy, 3 could
not tell, else 0; 78 if the configuration is broken and nothing can be shown.`,
		Example: `  reputed status
  reputed status 12                       one incident whole
  reputed status --watch                  refreshed when something changes
  reputed status --at "2026-11-24 22:15"  as it was then; also 22:15, 3h, 2d
  reputed status --database copy.db       of a copy
  reputed status --format plugin          one line for Icinga, Nagios or Checkmk`,
		Args:              args(0, 1, "one incident by its number"),
		ValidArgsFunction: a.completeIncidents(1),
	}
	form := formatFlag(c, report.Text, report.JSON, report.Plugin)
	a.databaseFlag(c)
	c.Flags().BoolVar(&alive, "alive", false, "say only whether the daemon works")
	c.Flags().BoolVar(&watch, "watch", false, "stay, and refresh when something changes; Ctrl-C ends it")
	c.Flags().StringVar(&at, "at", "", "`TIME` in the past: 2026-11-24T22:15, 22:15, or so long ago: 3h, 2d")
	c.RunE = func(c *cobra.Command, words []string) error {
		now := time.Now()
		switch {
		case alive && (len(words) > 0 || watch || at != "" || *form != report.Text):
			return usageError(c, errors.New("--alive stands alone: leave the rest out"))
		case alive:
			return a.alive(c.Context(), now)
		case len(words) > 0 && (watch || at != ""):
			return usageError(c, errors.New("an incident is shown as it is now, once: leave --watch and --at out"))
		case watch && (at != "" || *form != report.Text):
			return usageError(c, errors.New("--watch shows the text of now: leave --at and --format out"))
		case at != "" && *form == report.Plugin:
			return usageError(c, errors.New("the plugin line is about now: leave --at out"))
		case len(words) > 0 && *form == report.Plugin:
			return usageError(c, errors.New("an incident is no plugin line: choose text or json"))
		case len(words) > 0:
			return a.showIncident(c, words, *form)
		case watch:
			return a.watchStatus(c)
		}
		var r report.Report
		if at == "" {
			var err error
			if r, err = a.status(c.Context(), now); err != nil {
				return err
			}
		} else {
			then, err := pastTime(at, now)
			if err != nil {
				return usageError(c, err)
			}
			if r, err = a.statusAt(c.Context(), then, now); err != nil {
				return err
			}
		}
		if err := r.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		return exitWith(r.Level())
	}
	return c
}

// showIncident is "incident show".
func (a *app) showIncident(c *cobra.Command, words []string, form report.Format) error {
	show := a.incidentShowCommand()
	show.SetContext(c.Context())
	if err := show.Flags().Set("format", string(form)); err != nil {
		return err
	}
	return show.RunE(show, words)
}

// exitWith ends the program with the code of a report that was printed already.
func exitWith(l report.Level) error {
	if l == report.LevelOK {
		return nil
	}
	return &exitError{code: int(l)}
}

// status is how things stand now. What cannot be read is "could not tell", in every form. The error ends the
// program: the configuration is broken, and nothing can be shown.
func (a *app) status(ctx context.Context, now time.Time) (report.Report, error) {
	return a.statusOf(ctx, now, func(v *view.View) (report.Input, error) { return v.Input(ctx, now) })
}

// statusAt is how things stood at a time in the past.
func (a *app) statusAt(ctx context.Context, then, now time.Time) (report.Report, error) {
	return a.statusOf(ctx, then, func(v *view.View) (report.Input, error) { return v.InputAt(ctx, then, now) })
}

func (a *app) statusOf(ctx context.Context, at time.Time, read func(*view.View) (report.Input, error)) (report.Report, error) {
	v, broken, done, err := a.openView(ctx)
	var exit *exitError
	if errors.As(err, &exit) {
		return report.Report{}, err
	}
	var in report.Input
	if err == nil {
		in, err = read(v)
		done()
	}
	if err != nil {
		in = report.Input{Trouble: err.Error()}
	}
	in.Config = broken
	return report.Build(in, at), nil
}

// readView is a view of the database that the configuration names. The caller calls done.
func (a *app) readView(ctx context.Context) (v *view.View, done func(), err error) {
	v, broken, done, err := a.openView(ctx)
	if err == nil && broken != "" {
		fmt.Fprintf(a.stderr, "reputed: %s\n", broken)
	}
	return v, done, err
}

// openView is readView for a command that shows by itself what is wrong with the configuration.
func (a *app) openView(ctx context.Context) (v *view.View, broken string, done func(), err error) {
	db, cfg, broken, err := a.openStored(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	if v, err = view.New(db, cfg); err != nil {
		return nil, "", nil, errors.Join(err, db.Close())
	}
	return v, broken, func() { _ = db.Close() }, nil
}
