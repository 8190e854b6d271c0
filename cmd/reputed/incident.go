package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
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
		incidents, err := db.Incidents(c.Context(), store.IncidentFilter{Resolved: all, Limit: -1})
		if err != nil {
			return err
		}
		return report.WriteIncidents(a.stdout, a.term(), *form, incidents, time.Now())
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
		h, err := v.db.Incident(c.Context(), ids[0])
		if err != nil {
			return noIncident(ids[0], err)
		}
		e, err := v.explanation(c.Context(), h, time.Now())
		if err != nil {
			return err
		}
		return e.Incident.Write(a.stdout, a.term(), *form)
	}
	return c
}

// refusedShown is how many refused mails an incident shows: enough to quote.
const refusedShown = 5

// refusedMail are some of the mails that an incident costs: those that name a list which it is
// about come first, then the latest; each text once.
func refusedMail(i alerts.Incident, all []store.Bounce, cfg *config.Config) (out []report.Refusal) {
	about := map[string]bool{}
	for _, m := range i.Members {
		about[m.Finding.Key.Source] = true
	}
	slices.SortStableFunc(all, func(a, b store.Bounce) int {
		named := func(x store.Bounce) int {
			if list := x.Judgement.Blocklist; list != "" && about[askedAs(cfg, list)] {
				return 0
			}
			return 1
		}
		return cmp.Compare(named(a), named(b))
	})
	said := map[[3]string]bool{} // ten thousand refusals say the same
	for _, b := range all {
		words := [3]string{b.Domain, string(b.Action), b.Diagnostic.Text}
		if said[words] || len(out) == refusedShown {
			continue
		}
		said[words] = true
		out = append(out, refusalOf(b))
	}
	return out
}

// refusalOf is a stored bounce in the words of a report.
func refusalOf(b store.Bounce) report.Refusal {
	return report.Refusal{At: b.At, Target: b.Target, Receiver: b.Domain, Action: string(b.Action), Tries: b.Tries, Outcome: string(b.Outcome),
		List: b.Judgement.Blocklist, Text: b.Diagnostic.Text, Via: b.Via()}
}

// eventAnswer is what an answer is called among the events of an incident.
const eventAnswer = "answer"

// incidentReport puts what the store knows about an incident into the words of a report.
func incidentReport(view report.IncidentView, h store.History, now time.Time) report.Incident {
	r := report.Incident{IncidentView: view, Now: now}
	for _, e := range h.Events {
		x := report.Event{At: e.At, What: e.Kind, By: e.Who, Severity: e.Severity, Note: e.Note}
		if until, why, ok := e.Silenced(); ok {
			x.Until, x.Note = until, why
		}
		r.Events = append(r.Events, x)
	}
	for _, t := range h.Transitions {
		r.Events = append(r.Events, report.Event{At: t.At, What: eventAnswer, Note: t.Summary})
	}
	slices.SortStableFunc(r.Events, func(x, y report.Event) int { return x.At.Compare(y.At) })
	for _, u := range h.Decisions {
		r.Untold = append(r.Untold, report.Untold{What: string(u.Kind), Why: u.Why, First: u.First, Last: u.Last, Times: u.Times})
	}
	for _, s := range h.Deliveries {
		d := report.Delivery{Channel: s.Channel, What: string(s.Kind), Queued: s.Queued, Tries: s.Tries, Next: s.Next, State: "waiting", Error: s.Why}
		switch s.State {
		case store.Sent:
			d.State, d.Sent = "sent", s.Done
		case store.Refused:
			d.State = "refused"
		}
		r.Deliveries = append(r.Deliveries, d)
	}
	return r
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

// noIncident says what to do where the store's error does not.
func noIncident(id int64, err error) error {
	switch {
	case errors.Is(err, store.ErrNoIncident):
		return fmt.Errorf("there is no incident %d; \"reputed incident list --all\" shows all", id)
	case errors.Is(err, store.ErrIncidentOver):
		return fmt.Errorf("incident %d is resolved already; \"reputed incident show %d\" says when and by whom", id, id)
	case errors.Is(err, alerts.ErrAction):
		return errors.New(strings.TrimPrefix(err.Error(), alerts.ErrAction.Error()+": "))
	}
	return err
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
