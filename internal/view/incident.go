package view

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

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
			if list := x.Judgement.Blocklist; list != "" && about[wiring.AskedAs(cfg, list)] {
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

// NoIncident says what to do where the store's error does not.
func NoIncident(id int64, err error) error {
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
