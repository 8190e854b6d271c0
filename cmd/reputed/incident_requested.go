package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/report"
	"reputed/internal/view"
	"reputed/internal/wiring"
)

func (a *app) requestedCommand() *cobra.Command {
	var by, note, list, ref string
	var again, all bool
	c := &cobra.Command{
		Use:   "requested ID --list LIST",
		Short: "Write down that removal was requested",
		Long: `Write down that removal was requested of a list or a receiver: who, when and the reference.
From then on the list is asked every 15 minutes until it has removed the entry, for 14 days;
when the time that it takes is over and nothing has changed, you are told. Asking again
sooner than the list likes is refused here, unless it has been done: say --again.

What was requested is kept for ever; --list-all shows all of it.`,
		Example: `  reputed incident requested 12 --list spamhaus-zen --ref SBL123456
  reputed incident requested 12 --list microsoft --by kim --note "form filled in"
  reputed incident requested --list-all`,
		Args: args(0, 1, "an incident by its number"),
	}
	byFlag(c, &by)
	form := formatFlag(c, report.Text, report.JSON, report.TSV)
	c.Flags().StringVar(&list, "list", "", "`LIST` asked: its id, or who refuses the mail; must be there")
	c.Flags().StringVar(&ref, "ref", "", "`NUMBER` of the ticket or case")
	c.Flags().StringVar(&note, "note", "", "`TEXT` that everybody sees with the incident")
	c.Flags().BoolVar(&again, "again", false, "it was requested again, sooner than the list likes")
	c.Flags().BoolVar(&all, "list-all", false, "show all that was ever requested")
	c.RunE = func(c *cobra.Command, words []string) error {
		if all {
			return a.listRequests(c, words, *form)
		}
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		switch {
		case len(ids) == 0:
			return usageError(c, errors.New("say which incident, by its number"))
		case list == "":
			return usageError(c, errors.New("say with --list of whom removal was requested"))
		}
		return a.requested(c, ids[0], alerts.Action{Kind: alerts.Requested, By: by, Note: note, Request: alerts.Request{List: list, Ref: ref}}, again)
	}
	return c
}

func (a *app) listRequests(c *cobra.Command, words []string, f report.Format) error {
	if len(words) > 0 {
		return usageError(c, errors.New("--list-all goes without an incident; \"reputed incident show\" has those of one"))
	}
	db, _, err := a.readStore(c.Context())
	if err != nil {
		return err
	}
	defer db.Close()
	requests, err := db.Requests(c.Context(), 0)
	if err != nil {
		return err
	}
	return report.WriteRequests(a.stdout, a.term(), f, requests, time.Now())
}

// requested writes a request down, with the times that the runbook gives it.
func (a *app) requested(c *cobra.Command, id int64, what alerts.Action, again bool) error {
	db, cfg, err := a.writeStoreAsItIs(c.Context())
	if err != nil {
		return err
	}
	defer db.Close()
	h, err := db.Incident(c.Context(), id)
	if err != nil {
		return view.NoIncident(id, err)
	}
	before, err := db.Requests(c.Context(), id)
	if err != nil {
		return err
	}
	book, err := remedy.Load()
	if err != nil {
		return err
	}
	rem := view.Complete(&what.Request, h.Incident, book, wiring.Lookup(wiring.Named(cfg)))
	now := time.Now()
	if last, soon := alerts.TooSoon(before, what.Request.List, what.Request.CoolDown, now); soon {
		said := view.AskedAlready(last)
		if !again {
			return fmt.Errorf("%s; nothing is written down. It has been done? Say --again", said)
		}
		fmt.Fprint(a.stderr, a.term().Paragraph("warning: "+said+"."))
	}
	if what.Request.Key == (checks.Key{}) {
		fmt.Fprint(a.stderr, a.term().Paragraph(fmt.Sprintf("warning: nothing of incident %d that is open is about %s, so it is written down and not watched; \"reputed incident show %d\" names the lists.",
			id, checks.Line(what.Request.List, 80), id)))
	}
	if err := a.actOn(c, db, cfg, []int64{id}, what); err != nil {
		return err
	}
	if what.Request.Promised > 0 {
		fmt.Fprint(a.stdout, a.term().Paragraph(fmt.Sprintf("It should be done by %s; you are told if it is not.", now.Add(what.Request.Promised).Local().Format("2 Jan 15:04"))))
	}
	if rem.Again != "" {
		fmt.Fprint(a.stdout, a.term().Paragraph("Asking again: "+rem.Again))
	}
	return nil
}
