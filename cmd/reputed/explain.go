package main

import (
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/internal/report"
)

func (a *app) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain ID",
		Short: "Say why people were told of an incident, or were not",
		Example: `  reputed explain 12                 every decision, and what comes next
  reputed explain 12 --format json`,
		Args: args(1, 1, "one incident by its number"),
	}
	form := formatFlag(c, report.Text, report.JSON)
	c.RunE = func(c *cobra.Command, words []string) error {
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		db, cfg, err := a.readStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		h, err := db.Incident(c.Context(), ids[0])
		if err != nil {
			return noIncident(ids[0], err)
		}
		views, err := incidentViews(cfg, []alerts.Incident{h.Incident})
		if err != nil {
			return err
		}
		now := time.Now()
		return report.Explanation{Incident: incidentReport(views[0], h, now), Outlook: newPolicy(cfg).Look(h.Incident, now)}.Write(a.stdout, a.term(), *form)
	}
	return c
}
