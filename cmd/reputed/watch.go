package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"reputed/internal/report"
	"reputed/internal/store"
)

const (
	// watchEvery is how often it is looked whether anything has changed.
	watchEvery = time.Second
	// watchAtLeast is after how long the picture is made anew although nothing has: ages grow.
	watchAtLeast = 10 * time.Second
)

// watchStatus shows the status until it is interrupted, on a screen of its own.
func (a *app) watchStatus(c *cobra.Command) error {
	if !a.term().TTY {
		return usageError(c, errors.New("--watch needs a terminal; in a script, run \"reputed status\" again"))
	}
	var seen changes
	defer seen.close()
	w := screen{out: a.stdout, size: func() report.Term { return report.Detect(a.stdout, os.Getenv) },
		draw: func(ctx context.Context, t report.Term, out io.Writer) error {
			r, err := a.status(ctx, time.Now())
			if err != nil {
				return err
			}
			return r.Write(out, t, report.Text)
		},
		changed: func(ctx context.Context) bool { return seen.any(ctx, a) },
	}
	return w.run(c.Context())
}

// changes says whether the database has changed, wherever it is: it may appear, go and come back.
type changes struct {
	db    *store.DB
	watch *store.Watch
}

func (s *changes) any(ctx context.Context, a *app) bool {
	if s.watch != nil {
		if changed, err := s.watch.Changed(ctx); err == nil {
			return changed
		}
		s.close()
	}
	cfg, _, err := a.configAsItIs()
	if err != nil {
		return false
	}
	if s.db, err = store.OpenReadOnly(ctx, cfg.Database.Path); err != nil {
		s.db = nil
		return false
	}
	if s.watch, err = s.db.Watch(ctx); err != nil {
		s.close()
		return false
	}
	return true
}

func (s *changes) close() {
	if s.watch != nil {
		_ = s.watch.Close()
	}
	if s.db != nil {
		_ = s.db.Close()
	}
	*s = changes{}
}

// screen shows one text again and again in place. What it asks of a terminal: the alternate
// screen, and places in lines (xterm's control sequences, which all of today know).
type screen struct {
	out     io.Writer
	size    func() report.Term
	draw    func(ctx context.Context, t report.Term, out io.Writer) error
	changed func(ctx context.Context) bool
}

const (
	// A screen of its own, no cursor, and no line that is broken by the terminal.
	screenBegin = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	screenEnd   = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// run shows it until ctx ends, and leaves the terminal as it was, whatever happens.
func (s screen) run(ctx context.Context) (err error) {
	if _, err := io.WriteString(s.out, screenBegin); err != nil {
		return err
	}
	defer func() {
		if _, e := io.WriteString(s.out, screenEnd); err == nil {
			err = e
		}
	}()
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	var drawn time.Time
	var before report.Term
	for {
		t := s.size()
		if s.changed(ctx) || t != before || time.Since(drawn) >= watchAtLeast {
			drawn, before = time.Now(), t
			if err := s.show(ctx, t); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// show makes the picture and writes it at once, over the one before: nothing is wiped first, so
// that nothing flickers.
func (s screen) show(ctx context.Context, t report.Term) error {
	var text bytes.Buffer
	if err := s.draw(ctx, t, &text); err != nil {
		return err
	}
	if ctx.Err() != nil { // what was read while it ended is no picture
		return nil
	}
	_, err := io.WriteString(s.out, report.Screen(t, text.String(), time.Now()))
	return err
}
