package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
)

func (a *app) historyCommand() *cobra.Command {
	var list, check string
	c := &cobra.Command{
		Use:   "history [TARGET]",
		Short: "Say when something was listed, how long, and how often again",
		Long: `Shows when each question became a problem and when an answer showed that it was over,
how long that took, and how often it came back within 30 days. No answer is no end.
What began before --since and lasted until then is shown with its whole length.`,
		Example: `  reputed history                                all that changed in the last 30 days
  reputed history 192.0.2.10                     one target, on all lists
  reputed history 192.0.2.10 --list spamcop --since 365d
  reputed history --list spamcop --since 0       one list, since the beginning
  reputed history --since 90d --format csv       for a spreadsheet`,
		Args:              args(0, 1, "one address or domain"),
		ValidArgsFunction: a.completeTargets(1),
	}
	since, form := sinceFlag(c), formatFlag(c, report.Text, report.JSON, report.CSV)
	a.databaseFlag(c)
	c.Flags().StringVar(&list, "list", "", "of this list only, by `ID`, or of who refused")
	c.Flags().StringVar(&check, "check", "", "of this `CHECK` only: dnsbl, bounce, ...")
	_ = c.RegisterFlagCompletionFunc("list", a.completeLists)
	c.RunE = func(c *cobra.Command, words []string) error {
		now := time.Now()
		from, err := back(c, *since, now)
		if err != nil {
			return err
		}
		f := store.TransitionFilter{Check: check}
		if len(words) > 0 {
			if f.Target, err = targetID(c, words[0]); err != nil {
				return err
			}
		}
		db, cfg, err := a.readStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		f.Source = listID(cfg, list)
		all, more, err := db.History(c.Context(), f)
		if err != nil {
			return err
		}
		h := report.NewHistory(view.TurnsOf(all), from, now)
		h.Target, h.Source, h.More = f.Target, f.Source, more
		if list == "" && (check == "" || check == identity.CheckName) {
			d := store.DriftFilter{Since: from}
			if f.Target != "" {
				d.Targets = []string{f.Target}
			}
			changes, err := db.Drift(c.Context(), d)
			if err != nil {
				return err
			}
			h.Published = view.IdentityChanges(changes)
		}
		return h.Write(a.stdout, a.term(), *form)
	}
	return c
}

// targetID is the id of what a person names: an address, a domain, or an id as findings have it.
func targetID(c *cobra.Command, word string) (string, error) {
	var ts checks.Targets
	if err := ts.Add(word, "", nil); err == nil && ts.Len() == 1 {
		for t := range ts.All() {
			return t.ID(), nil
		}
	}
	if t, err := checks.ParseID(word); err == nil {
		return t.ID(), nil
	}
	return "", usageError(c, fmt.Errorf("%q is not one address or domain", checks.Line(word, 80)))
}

// listID is the id of the list that a person means by its id or its zone; what is none, such
// as the name of who refused, stays.
func listID(cfg *config.Config, name string) string {
	if z, ok := findList(cfg, name); ok {
		return z.ID
	}
	return name
}
