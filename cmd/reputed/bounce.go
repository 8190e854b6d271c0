package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reputed/internal/config"
	"reputed/internal/report"
)

func (a *app) bounceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bounce PATH...",
		Short: "Say what bounces and complaints mean",
		Long: `Reads mails that came back: files, folders, Maildirs, mbox files, or standard input
as "-". Says for each failed recipient who refused and why, and which rule decided.
With a configuration it says too whether the report is proved to be yours.
Nothing is stored and nothing in the mails is fetched.`,
		Example: `  reputed bounce mail.eml
  reputed bounce - < mail.eml
  reputed bounce ~/Maildir/.Bounces
  reputed bounce bounces.mbox --format tsv       one line a failed recipient
  |/usr/bin/reputed bounce --deliver             in an alias of your mail server`,
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
	return c
}

// bounces reads the mails one after the other and shows each at once.
func (a *app) bounces(ctx context.Context, cfg *config.Config, paths []string, form report.Format) error {
	rules, err := newRules(cfg)
	if err != nil {
		return err
	}
	targets, err := cfg.LocalTargets()
	if err != nil {
		return &exitError{exitConfig, err}
	}
	ours, err := newOurs(cfg, targets)
	if err != nil {
		return err
	}
	out := report.NewBounces(a.stdout, a.term(), form)
	out.Proving = len(cfg.Outbound) > 0
	trouble := func(err error) {
		out.Unreadable++
		fmt.Fprintf(a.stderr, "reputed: %v\n", err)
	}
	for _, path := range paths {
		err := eachMail(path, a.stdin, func(m rawMail) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, _ := readMail(rules, ours, m.data, time.Now(), m.cut)
			out.Add(report.Mail{File: m.name, Report: r})
			return nil
		}, trouble)
		if ctx.Err() != nil {
			_ = out.Finish()
			return fmt.Errorf("cut short: %w", ctx.Err())
		}
		if err != nil {
			trouble(err)
		}
	}
	if err := out.Finish(); err != nil {
		return err
	}
	if out.Unreadable > 0 {
		return &exitError{code: exitMinor}
	}
	return nil
}
