package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/reputation"
	"reputed/internal/report"
)

func (a *app) recordCommand() *cobra.Command {
	var by, note, at string
	c := &cobra.Command{
		Use:   "record SOURCE TARGET VALUE",
		Short: "Write down what a page without an interface says of an address",
		Long: `Cisco Talos, Proofpoint and others show their ratings on pages that only people may read.
What you read there goes into the same history as what is measured, and the daemon
makes the same incident of it within a minute.

Without a value it shows the page for this target, and which values there are.`,
		Example: `  reputed record talos 192.0.2.10                      where to look, and what the words mean
  reputed record talos 192.0.2.10 poor --note "spam level high"
  reputed record proofpoint 192.0.2.10 blocked --at 2026-11-20T09:40`,
		Args: args(2, 3, "a source, a target and what it says, as in \"talos 192.0.2.10 poor\""),
		ValidArgsFunction: func(_ *cobra.Command, words []string, _ string) (all []string, _ cobra.ShellCompDirective) {
			switch len(words) {
			case 0:
				for _, p := range reputation.Pages() {
					all = append(all, p.ID)
				}
			case 2:
				if p, ok := reputation.FindPage(words[0]); ok {
					for _, w := range p.All() {
						all = append(all, w.Word)
					}
				}
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
	}
	byFlag(c, &by)
	c.Flags().StringVar(&note, "note", "", "`TEXT` that everybody sees with it")
	c.Flags().StringVar(&at, "at", "", "`WHEN` it was read: 2026-11-20T09:40, or with a zone as RFC 3339 has it (default: now)")
	c.RunE = func(c *cobra.Command, words []string) error {
		page, ok := reputation.FindPage(words[0])
		if !ok {
			var ids []string
			for _, p := range reputation.Pages() {
				ids = append(ids, p.ID)
			}
			return usageError(c, fmt.Errorf("there is no page %q; known are %s", words[0], strings.Join(ids, ", ")))
		}
		t, err := checks.ParseID(words[1])
		if err != nil || t.Kind != checks.KindAddress && t.Kind != checks.KindDomain {
			return usageError(c, fmt.Errorf("%q is no address and no domain", words[1]))
		}
		if len(words) == 2 {
			return a.showPage(page, t)
		}
		now := time.Now()
		when := now
		if at != "" {
			if when, err = readTime(at); err != nil || when.After(now.Add(time.Minute)) {
				return usageError(c, errors.New("--at: want a time that has passed, such as 2026-11-20T09:40"))
			}
		}
		r, err := page.Reading(t, words[2], cmp.Or(by, loginName()), note, when)
		if err != nil {
			return usageError(c, err)
		}
		return a.record(c.Context(), r, page, now)
	}
	return c
}

// readTime reads a time as people write it, in their own zone.
func readTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Parse(time.RFC3339, s)
}

// showPage says where to look and what the words mean.
func (a *app) showPage(page reputation.Page, t checks.Target) error {
	term := a.term()
	fmt.Fprintf(a.stdout, "%s: %s\n%s\n", page.Title, cmp.Or(page.PageFor(t), page.Page), term.Paragraph(page.Advice))
	for _, w := range page.All() {
		fmt.Fprintf(a.stdout, "  %-12s %s\n", w.Word, w.Meaning)
	}
	fmt.Fprintf(a.stdout, "\nreputed record %s %s VALUE\n", page.ID, t)
	return nil
}

func (a *app) record(ctx context.Context, r reputation.Reading, page reputation.Page, now time.Time) error {
	db, _, err := a.writeStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	histories, err := db.SaveReadings(ctx, now, []reputation.Reading{r})
	if err != nil {
		return err
	}
	history := histories[0]
	if last := history[len(history)-1]; !last.At.Equal(r.At.Truncate(time.Microsecond)) {
		return fmt.Errorf("not recorded: what is known of %s at %s is of %s, which is later", r.Target, page.Title, last.At.Format(time.RFC3339))
	}
	f := page.Judge(r.Target, history, now)
	_, err = fmt.Fprint(a.stdout, a.term().Paragraph("recorded: "+f.Summary))
	return err
}

func (a *app) reputationCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "reputation [TARGET]...",
		Short: "Show what those who rate senders say, now and before",
		Long: `Shows what scores, providers' programmes and pages say of the addresses and domains that are
watched: the last reading, since when it is so, and what it was. What refusals tell of
a rating that only people can look up is shown too.`,
		Example: `  reputed reputation
  reputed reputation 192.0.2.10
  reputed reputation --format json`,
		Args: args(0, -1, "targets"),
	}
	form := formatFlag(c, report.Text, report.JSON, report.TSV)
	a.databaseFlag(c)
	c.RunE = func(c *cobra.Command, words []string) error {
		var wanted []checks.Target
		for _, w := range words {
			t, err := checks.ParseID(w)
			if err != nil {
				return usageError(c, fmt.Errorf("%q is no address and no domain", w))
			}
			wanted = append(wanted, t)
		}
		v, done, err := a.readView(c.Context())
		if err != nil {
			return err
		}
		defer done()
		ratings, err := v.ratings(c.Context(), wanted, time.Now())
		if err != nil {
			return err
		}
		return ratings.Write(a.stdout, a.term(), *form)
	}
	return c
}

// ratedSources are all sources that a history may be of, by id.
func ratedSources(scores []blocklists.Score) map[string]reputation.Source {
	all := map[string]reputation.Source{}
	for _, s := range scores {
		all[s.ID] = reputation.ScoreSource(s)
	}
	for _, s := range append(reputation.SNDSSources(), reputation.PostmasterSources()...) {
		all[s.ID] = s
	}
	for _, p := range reputation.Pages() {
		all[p.ID] = p.Source
	}
	return all
}

// maxBefore is how many earlier values are shown.
const maxBefore = 3

// ratings are the histories as people read them, with what refusals tell.
func (v *view) ratings(ctx context.Context, wanted []checks.Target, now time.Time) (report.Ratings, error) {
	out := report.Ratings{Now: now}
	sources := ratedSources(append(slices.Clone(v.cfg.Blocklists.Catalog.Scores), v.cfg.Reputation.Scores...))
	refusals, err := v.db.VendorRefusals(ctx, now.Add(-v.cfg.Bounces.Window.Duration))
	if err != nil {
		return out, err
	}
	targets := map[string]bool{"": len(wanted) == 0}
	for _, t := range wanted {
		targets[t.ID()] = true
	}
	histories := map[checks.Key][]reputation.Span{}
	for id, yes := range targets {
		if !yes {
			continue
		}
		spans, err := v.db.Readings(ctx, id, time.Time{})
		if err != nil {
			return out, err
		}
		for _, s := range spans {
			key := checks.Key{Target: s.Target.ID(), Source: s.Source}
			histories[key] = append(histories[key], s)
		}
	}
	for _, p := range reputation.Pages() {
		for _, r := range refusals {
			if t, err := checks.ParseID(r.Target); err == nil && (targets[""] || targets[r.Target]) {
				if believed, ok := p.Believe(t, refusals); ok {
					key := checks.Key{Target: r.Target, Source: p.ID}
					if h := histories[key]; len(h) == 0 || h[len(h)-1].At.Before(believed.At) {
						histories[key] = append(h, reputation.Span{Reading: believed, First: believed.At, Count: 1})
					}
				}
			}
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(histories), checks.Key.Compare) {
		out.Rows = append(out.Rows, rating(sources[key.Source], histories[key], now))
	}
	return out, nil
}

// rating is one history as people read it.
func rating(source reputation.Source, history []reputation.Span, now time.Time) report.Rating {
	last := history[len(history)-1]
	f := source.Judge(last.Target, history, now)
	r := report.Rating{
		Target: last.Target.String(), Source: last.Source, Name: cmp.Or(source.Title, last.Source), Value: last.Value, Level: string(last.Level), How: string(last.How),
		By: last.By, Note: last.Note, Since: last.First, At: last.At, Readings: last.Count, Page: source.PageFor(last.Target), Advice: source.Advice, Problem: f.Status == checks.Problem,
	}
	for _, s := range slices.Backward(history[:len(history)-1]) {
		if len(r.Before) == maxBefore {
			break
		}
		if s.Value != last.Value || len(r.Before) > 0 {
			r.Before = append(r.Before, report.RatingBefore{Value: s.Value, Level: string(s.Level), Until: s.At})
		}
	}
	return r
}
