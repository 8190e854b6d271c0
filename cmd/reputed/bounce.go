package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks/bounce"
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
  reputed bounce bounces.mbox --format tsv       one line a failed recipient`,
		Args: args(1, -1, "files or folders of mail, or - for standard input"),
	}
	form := formatFlag(c, report.Text, report.JSON, report.TSV)
	c.RunE = func(c *cobra.Command, paths []string) error {
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
	rules, err := bounce.BuiltinRules()
	if err != nil {
		return err
	}
	rules = rules.WithLists(cfg.Blocklists.Catalog.Names())
	targets, err := localTargets(cfg)
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
