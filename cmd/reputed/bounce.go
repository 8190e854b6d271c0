package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/report"
	"reputed/internal/wiring"
)

func (a *app) bounceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bounce PATH...",
		Short: "Say what bounces and complaints mean",
		Long: `Reads mails that came back: files, folders, Maildirs, mbox files, gzip, logs of mail
servers, or standard input as "-". Says for each failed recipient who refused and
why, and which rule decided. A file called "unknown" or "replay" is ./unknown.
With a configuration it says too whether the report is proved to be yours.
Nothing is stored and nothing in the mails is fetched.`,
		Example: `  reputed bounce mail.eml
  reputed bounce - < mail.eml
  reputed bounce ~/Maildir/.Bounces
  reputed bounce bounces.mbox --format tsv       one line a failed recipient
  reputed bounce unknown                         stored refusals that no rule knows
  |/usr/bin/reputed bounce --deliver             in an alias of your mail server`,
		Annotations: map[string]string{takesArguments: "yes"},
	}
	form := formatFlag(c, report.Text, report.JSON, report.TSV)
	deliver := c.Flags().Bool(flagDeliver, false, "take the mail on standard input into the queue of the daemon; exit 0, or 75 to be tried again")
	queue := c.Flags().String("queue", "", "`DIR` of the queue for --deliver, so that no configuration is read (default queue of [bounces])")
	c.Args = func(c *cobra.Command, words []string) error {
		if *deliver {
			return args(0, 0, "")(c, words)
		}
		return args(1, -1, "files or folders of mail, or - for standard input")(c, words)
	}
	c.RunE = func(c *cobra.Command, paths []string) error {
		if *deliver {
			return a.deliver(*queue)
		}
		cfg, err := a.optionalConfig()
		if err != nil {
			return err
		}
		return a.bounces(c.Context(), cfg, paths, *form)
	}
	c.AddCommand(a.bounceUnknownCommand(), a.bounceReplayCommand())
	return c
}

// bounces reads the mails on all cores, and shows each as soon as those before it are shown.
func (a *app) bounces(ctx context.Context, cfg *config.Config, paths []string, form report.Format) error {
	rules, err := wiring.Rules(cfg)
	if err != nil {
		return err
	}
	targets, err := cfg.LocalTargets()
	if err != nil {
		return &exitError{exitConfig, err}
	}
	ours, err := wiring.Ours(cfg, targets)
	if err != nil {
		return err
	}
	term := a.term()
	out := report.NewBounces(a.stdout, term, form)
	out.Proving = len(cfg.Outbound) > 0
	errTerm := report.Detect(a.stderr, os.Getenv)
	errTerm.TTY = errTerm.TTY && !term.TTY // the mails themselves show how far it is
	progress := report.NewReading(a.stderr, errTerm, time.Now())
	var read atomic.Int64
	failed := false

	type result struct {
		found
		report bounce.Report
	}
	workers := min(runtime.GOMAXPROCS(0), mostReaders)
	err = ordered(workers, 2*workers,
		func(emit func(found) error) error {
			f := finder{stdin: a.stdin, rules: rules, one: emit, bytes: func(n int) { read.Add(int64(n)) }}
			for _, path := range paths {
				if err := f.find(path); err != nil {
					return err
				}
			}
			return nil
		},
		func(x found) result {
			r := result{found: x}
			switch {
			case x.event != nil:
				r.report.Bounces = []bounce.Bounce{x.event.Bounce}
			case x.note != "":
			case x.data != nil || x.err == nil:
				if x.received.IsZero() {
					x.received = time.Now()
				}
				r.report, _ = daemon.ReadMail(rules, ours, x.data, x.received, x.cut)
			}
			r.data = nil
			return r
		},
		func(r result) error {
			progress.Step(out.Mails+out.Events, read.Load(), time.Now())
			if r.note != "" {
				progress.Done()
				fmt.Fprintf(a.stderr, "reputed: %s\n", checks.Line(r.note, 0))
			}
			if r.err != nil {
				failed = true
				progress.Done()
				fmt.Fprintf(a.stderr, "reputed: %s\n", checks.Line(r.err.Error(), 0))
				if r.report.Kind == "" {
					out.Add(report.Mail{File: r.name, Unread: true, Report: bounce.Report{Kind: bounce.KindUnparsed, Trouble: r.err.Error()}})
				}
			}
			if r.report.Kind != "" || r.event != nil {
				out.Add(report.Mail{File: r.name, Log: r.event != nil, Report: r.report})
			}
			return ctx.Err()
		})
	progress.Done()
	if ctx.Err() != nil {
		_ = out.Finish()
		return fmt.Errorf("cut short: %w", ctx.Err())
	}
	if err := errors.Join(err, out.Finish()); err != nil {
		return err
	}
	if failed {
		return &exitError{code: exitMinor}
	}
	return nil
}

// mostReaders bounds how many mails of a MiB are in memory at once.
const mostReaders = 16
