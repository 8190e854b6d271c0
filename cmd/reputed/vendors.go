package main

import (
	"time"

	"github.com/spf13/cobra"

	"reputed/internal/report"
	"reputed/internal/view"
)

func (a *app) vendorsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "vendors",
		Short: "Say which filters stand before your receivers, and how much mail hangs on each",
		Long: `Most receivers let somebody else judge senders: a filter before their servers, or whoever
holds their mailboxes. What one of them thinks of you hits all receivers behind it.
The daemon learns who that is from the MX records of the 500 receivers that refuse
you or get most of your mail, once a day, and from the hosts in mail logs.

Shares need a mail log ([[maillog]]): without one, mail is not counted.`,
		Example: `  reputed vendors
  reputed vendors --format json`,
		Args: args(0, 0, "no arguments"),
	}
	form := formatFlag(c, report.Text, report.JSON)
	a.databaseFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		db, cfg, err := a.readStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		v, err := view.Vendors(c.Context(), db, cfg, time.Now())
		if err != nil {
			return err
		}
		return v.Write(a.stdout, a.term(), *form)
	}
	return c
}
