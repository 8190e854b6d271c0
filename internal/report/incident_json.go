package report

import (
	"reputed/checks"
)

type refusedJSON struct {
	At       *string `json:"at"`
	Target   string  `json:"target"`
	Receiver string  `json:"receiver"`
	Action   string  `json:"action"`
	Tries    int     `json:"tries"`
	Outcome  string  `json:"outcome"`
	List     string  `json:"list"`
	Text     string  `json:"text"`
	Via      string  `json:"via"`
}

type eventJSON struct {
	At       *string         `json:"at"`
	What     string          `json:"what"`
	By       string          `json:"by"`
	Severity checks.Severity `json:"severity"`
	Note     string          `json:"note"`
}

type untoldJSON struct {
	What  string  `json:"what"`
	Why   string  `json:"why"`
	First *string `json:"first"`
	Last  *string `json:"last"`
	Times int     `json:"times"`
}

type deliveryJSON struct {
	Channel string  `json:"channel"`
	What    string  `json:"what"`
	State   string  `json:"state"`
	Queued  *string `json:"queued"`
	Sent    *string `json:"sent"`
	Tries   int     `json:"tries"`
	Next    *string `json:"next_try"`
	Error   string  `json:"error"`
}

// incidentShowJSON is `incident show --format json`. Field names are a promise: docs/json.md.
type incidentShowJSON struct {
	Schema     int                  `json:"schema"`
	Incident   incidentJSON         `json:"incident"`
	Refusals   []refusedJSON        `json:"refused_mail"`
	Timeline   []eventJSON          `json:"timeline"`
	NotTold    []untoldJSON         `json:"not_told"`
	Deliveries []deliveryJSON       `json:"deliveries"`
	Requests   []requestJSON        `json:"requests"`
	Suspects   suspectsJSON         `json:"suspects"`
	Changes    []identityChangeJSON `json:"changes"`
}

func refusalsOf(all []Refusal) []refusedJSON {
	out := []refusedJSON{}
	for _, r := range all {
		out = append(out, refusedJSON{utc(r.At), checks.Line(r.Target, 0), checks.Line(r.Receiver, 0), r.Action, r.Tries, r.Outcome, checks.Line(r.List, 0), checks.Line(r.Text, 0), checks.Line(r.Via, 0)})
	}
	return out
}

func incidentShowOf(i Incident) incidentShowJSON {
	out := incidentShowJSON{Schema: 1, Incident: incidentOf(i.IncidentView, i.Now), Refusals: refusalsOf(i.Refusals), Timeline: []eventJSON{}, NotTold: []untoldJSON{}, Deliveries: []deliveryJSON{}, Requests: []requestJSON{}, Suspects: suspectsOf(i.Suspicion, i.Withheld), Changes: changesOf(i.Changes)}
	for _, e := range i.Events {
		out.Timeline = append(out.Timeline, eventJSON{utc(e.At), checks.Line(e.What, 0), checks.Line(e.By, 0), e.Severity, checks.Line(e.said(rfc3339), 0)})
	}
	for _, a := range i.Asked {
		out.Requests = append(out.Requests, requestOf(a, i.Now))
	}
	for _, u := range i.Untold {
		out.NotTold = append(out.NotTold, untoldJSON{checks.Line(u.What, 0), checks.Line(u.Why, 0), utc(u.First), utc(u.Last), u.Times})
	}
	for _, d := range i.Deliveries {
		out.Deliveries = append(out.Deliveries, deliveryJSON{checks.Line(d.Channel, 0), checks.Line(d.What, 0), d.State, utc(d.Queued), utc(d.Sent), d.Tries, utc(d.Next), checks.Line(d.Error, 0)})
	}
	return out
}
