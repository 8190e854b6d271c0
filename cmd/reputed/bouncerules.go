package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/bounce/rules"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// sinceFlag is how far back a command over the history looks.
func sinceFlag(c *cobra.Command) *string {
	return c.Flags().String("since", "30d", "look `BACK` so far, as 7d or 12h; 0: over all that is stored")
}

// back is the time that a --since means.
func back(c *cobra.Command, since string, now time.Time) (time.Time, error) {
	if since == "0" {
		return time.Time{}, nil
	}
	d, err := monitor.ParseDuration(since)
	if err != nil || d <= 0 {
		return time.Time{}, usageError(c, fmt.Errorf("--since %q: write 7d or 12h, or 0 for all", since))
	}
	return now.Add(-d), nil
}

func (a *app) bounceUnknownCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "unknown",
		Short: "Show refusals that no rule knows, with a rule for each to edit",
		Long: `Looks through the stored refusals for those that no rule of today knows, puts the
same wordings together, and writes a rule for each that only lacks your judgement.
The text is a rule file as it stands. Nothing is changed.`,
		Example: `  reputed bounce unknown
  reputed bounce unknown --since 7d > mine.toml   edit it, then
  reputed bounce replay mine.toml                 see what it would change`,
		Args: args(0, 0, ""),
	}
	since, form := sinceFlag(c), formatFlag(c, report.Text, report.JSON)
	limit := c.Flags().Int("limit", 20, "show at most `N` wordings; 0: all")
	all := c.Flags().Bool("all", false, "also those whose codes say enough: recipients, networks, systems")
	c.RunE = func(c *cobra.Command, _ []string) error {
		from, err := back(c, *since, time.Now())
		if err != nil {
			return err
		}
		db, cfg, err := a.readStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		set, err := wiring.Rules(cfg)
		if err != nil {
			return err
		}
		u, err := unknownRefusals(c.Context(), db, set, from, *all, *limit)
		if err != nil {
			return err
		}
		return report.WriteUnknown(a.stdout, a.term(), *form, u)
	}
	return c
}

// unknownRefusals gathers what no rule knows.
func unknownRefusals(ctx context.Context, db *store.DB, set *bounce.Rules, from time.Time, all bool, limit int) (report.Unknown, error) {
	u := report.Unknown{Since: from}
	var w bounce.Wordings
	err := db.EachDiagnostic(ctx, from, func(b bounce.Bounce) error {
		u.Refusals++
		b.Judgement = set.Classify(b.Diagnostic, b.RemoteHost)
		w.Add(b)
		return nil
	})
	u.Known, u.More = w.Known, 0
	for _, x := range w.All() {
		switch {
		case x.Settled && !all:
			u.Settled++
		case limit > 0 && len(u.Wordings) >= limit:
			u.More++
		default:
			u.Wordings = append(u.Wordings, x)
		}
	}
	return u, err
}

func (a *app) bounceReplayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "replay RULES",
		Short: "Say what other rules would have made of the stored refusals",
		Long: `Judges the stored refusals by the rules in force, and by the same with the given
file or folder of rules above them, and says what differs. A file or folder that is in
force already is compared with the rest without it. Nothing is changed.`,
		Example: `  reputed bounce replay mine.toml
  reputed bounce replay /etc/reputed/rules.d --since 7d --format json`,
		Args: args(1, 1, "one file or folder of rules"),
	}
	since, form := sinceFlag(c), formatFlag(c, report.Text, report.JSON)
	c.RunE = func(c *cobra.Command, words []string) error {
		from, err := back(c, *since, time.Now())
		if err != nil {
			return err
		}
		db, cfg, err := a.readStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		before, after, err := rulesToCompare(cfg, words[0])
		if err != nil {
			return err
		}
		r := bounce.NewReplay(before, after)
		if err := db.EachDiagnostic(c.Context(), from, func(b bounce.Bounce) error { r.Add(b); return nil }); err != nil {
			return err
		}
		return report.WriteReplayed(a.stdout, a.term(), *form, report.Replayed{Rules: words[0], Since: from, Replay: r})
	}
	return c
}

// rulesToCompare are the rules in force without those at path, and with them on top.
func rulesToCompare(cfg *config.Config, path string) (before, after *bounce.Rules, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	// A single file need not be called *.toml; in a folder only such count.
	tried, base := ruleFiles{os.DirFS(path), nil}, ""
	if !info.IsDir() {
		base = filepath.Base(path)
		tried = ruleFiles{os.DirFS(filepath.Dir(path)), []string{base}}
	} else if tried.names, err = fs.Glob(tried.FS, "*.toml"); err != nil || len(tried.names) == 0 {
		return nil, nil, fmt.Errorf("%s holds no rule files, which are called *.toml", checks.Line(path, 0))
	}
	layers := []fs.FS{rules.Files}
	if dir := cfg.Bounces.RulesDir; dir != "" && dir != path {
		own := ruleFiles{os.DirFS(dir), nil}
		if own.names, err = fs.Glob(own.FS, "*.toml"); err != nil {
			return nil, nil, err
		}
		own.names = slices.DeleteFunc(own.names, func(name string) bool { return filepath.Join(dir, name) == path })
		layers = append(layers, own)
	}
	lists := cfg.Blocklists.Catalog.Names()
	if before, err = bounce.LoadRules(lists, layers...); err != nil {
		return nil, nil, &exitError{exitConfig, fmt.Errorf("the rules in force: %w", err)}
	}
	if after, err = bounce.LoadRules(lists, append(layers, tried)...); err != nil {
		return nil, nil, err
	}
	return before, after, nil
}

// ruleFiles are some files of a folder, for [bounce.LoadRules].
type ruleFiles struct {
	fs.FS
	names []string
}

// Glob implements [fs.GlobFS].
func (f ruleFiles) Glob(string) ([]string, error) { return f.names, nil }
