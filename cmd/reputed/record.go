package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
		ratings, err := v.RatingsOf(c.Context(), wanted, time.Now())
		if err != nil {
			return err
		}
		return ratings.Write(a.stdout, a.term(), *form)
	}
	return c
}
