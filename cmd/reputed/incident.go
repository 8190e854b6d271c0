package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
)

func (a *app) incidentCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "incident",
		Aliases: []string{"incidents"},
		Short:   "Show incidents, take them on, end them",
		Example: `  reputed incident list
  reputed incident show 12                      how we know, what it costs, what to do
  reputed incident ack 12 --note "on it"        no more reminders
  reputed incident silence 12 --for 8h --reason "moving the servers"
  reputed incident requested 12 --list spamcop --ref 4711
  reputed incident note 12 "the form on www was open"
  reputed incident resolve 12`,
	}
	group(c)
	c.AddCommand(a.incidentListCommand(), a.incidentShowCommand())
	c.AddCommand(a.incidentActions()...)
	return c
}

func (a *app) incidentListCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List incidents that are not resolved",
		Example: `  reputed incident list
  reputed incident list --all --format tsv      with those that are resolved`,
		Args: args(0, 0, ""),
	}
	form := formatFlag(c, report.Text, report.JSON, report.TSV)
	a.databaseFlag(c)
	c.Flags().BoolVar(&all, "all", false, "resolved ones too")
	c.RunE = func(c *cobra.Command, _ []string) error {
		db, _, err := a.readStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		incidents, err := db.Shortened(c.Context(), store.IncidentFilter{Resolved: all, Limit: -1}, view.MostMembers)
		if err != nil {
			return err
		}
		views := make([]report.IncidentView, 0, len(incidents))
		for _, i := range incidents {
			views = append(views, report.IncidentView{Incident: i.Incident, Open: i.Open})
		}
		return report.WriteIncidents(a.stdout, a.term(), *form, views, time.Now())
	}
	return c
}

func (a *app) incidentShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show one incident whole: evidence, cost, what to do, what was told",
		Example: `  reputed incident show 12
  reputed incident show 12 --format json`,
		Args: args(1, 1, "one incident by its number"),
	}
	form := formatFlag(c, report.Text, report.JSON)
	a.databaseFlag(c)
	c.RunE = func(c *cobra.Command, words []string) error {
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		v, done, err := a.readView(c.Context())
		if err != nil {
			return err
		}
		defer done()
		e, err := v.Explanation(c.Context(), ids[0], time.Now())
		if err != nil {
			return view.NoIncident(ids[0], err)
		}
		return e.Incident.Write(a.stdout, a.term(), *form)
	}
	return c
}

// incidentIDs reads "12" and "#12".
func incidentIDs(c *cobra.Command, words []string) ([]int64, error) {
	var ids []int64
	for _, w := range words {
		id, err := strconv.ParseInt(strings.TrimPrefix(w, "#"), 10, 64)
		if err != nil || id < 1 {
			return nil, usageError(c, fmt.Errorf("%q is no number of an incident; \"reputed incident list\" shows them", w))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// loginName is who sits at the keyboard, sudo or not.
func loginName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}
