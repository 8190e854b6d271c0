package webhook

import (
	"encoding/json"
	"time"

	"reputed/alerts"
	"reputed/alerts/wording"
	"reputed/checks"
)

// document is what is posted. Its field names are a promise (docs/alerts.md).
type document struct {
	Schema    int               `json:"schema"`
	ID        string            `json:"id"`
	Thread    string            `json:"thread"`
	Kind      alerts.ChangeKind `json:"kind"`
	At        string            `json:"at"`
	Rehearsal bool              `json:"rehearsal"`
	Title     string            `json:"title"`
	Text      string            `json:"text"`
	Command   string            `json:"command"`
	Targets   int               `json:"targets"`
	Incident  json.RawMessage   `json:"incident"`         // null in a digest and a report
	Digest    *daily            `json:"digest,omitempty"` // in a digest alone
	Report    *reviewed         `json:"report,omitempty"` // in a report alone
}

// daily is what a daily digest is about, each incident in brief.
type daily struct {
	Since   string  `json:"since"`
	Until   string  `json:"until"`
	New     []brief `json:"new"`
	Changed []brief `json:"changed"`
	Ended   []brief `json:"ended"`
	Open    []brief `json:"open"`
}

type brief struct {
	ID       int64           `json:"id"`
	Title    string          `json:"title"`
	State    alerts.State    `json:"state"`
	Severity checks.Severity `json:"severity"`
	Opened   string          `json:"opened"`
	Resolved string          `json:"resolved,omitempty"`
	AckedBy  string          `json:"acked_by,omitempty"`
	Refusals int             `json:"refusals"`
	News     string          `json:"news,omitempty"` // of what changed
}

func dailyOf(d *alerts.Digest) *daily {
	if d == nil {
		return nil
	}
	briefs := func(all []alerts.Brief) []brief {
		out := []brief{}
		for _, b := range all {
			one := brief{
				ID: b.ID, Title: checks.Line(b.Title, 0), State: alerts.State(checks.Line(string(b.State), 40)), Severity: checks.Severity(checks.Line(string(b.Severity), 40)),
				Opened: stamp(b.Opened), AckedBy: checks.Line(b.AckedBy, 0), Refusals: b.Refusals, News: checks.Line(b.News, 0),
			}
			if !b.Resolved.IsZero() {
				one.Resolved = stamp(b.Resolved)
			}
			out = append(out, one)
		}
		return out
	}
	return &daily{stamp(d.Since), stamp(d.Until), briefs(d.New), briefs(d.Changed), briefs(d.Ended), briefs(d.Open)}
}

// reviewed is what a report says.
type reviewed struct {
	Since    string    `json:"since"`
	Until    string    `json:"until"`
	Title    string    `json:"title"`
	Sections []section `json:"sections"`
}

type section struct {
	Title string   `json:"title"`
	Lines []string `json:"lines"`
}

func reviewOf(v *alerts.Review) *reviewed {
	if v == nil {
		return nil
	}
	out := &reviewed{stamp(v.Since), stamp(v.Until), checks.Line(v.Title, 0), []section{}}
	for _, s := range v.Sections {
		one := section{checks.Line(s.Title, 0), []string{}}
		for _, l := range s.Lines {
			one.Lines = append(one.Lines, checks.Line(l, 0))
		}
		out.Sections = append(out.Sections, one)
	}
	return out
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// maxCommand is longer than any command of ours.
const maxCommand = 200

func documentOf(n alerts.Notification, incident json.RawMessage) document {
	says := wording.Of(n)
	_, targets := n.Incident.Brief(0)
	return document{
		Schema: 1, ID: checks.Line(n.ID, 200), Thread: n.Thread(), Kind: alerts.ChangeKind(checks.Line(string(n.Kind), 40)), At: stamp(n.At),
		Rehearsal: n.Rehearsal, Title: says.Title, Text: says.Text(0), Command: checks.Line(n.Command, maxCommand),
		Targets: max(n.Targets, targets), Incident: incident, Digest: dailyOf(n.Digest), Report: reviewOf(n.Review),
	}
}
