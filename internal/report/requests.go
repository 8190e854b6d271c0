package report

import (
	"io"
	"strconv"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// requests is what was asked of whom about this incident, and what came of it.
func (i Incident) requests(p *page) {
	if len(i.Asked) == 0 {
		return
	}
	p.heading("What was requested")
	for n := len(i.Asked); n > 0; n-- { // they come with the latest first
		a := i.Asked[n-1]
		s := plain
		switch {
		case !a.Cleared.IsZero():
			s = good
		case a.Overdue(i.Now):
			s = warn
		}
		text := checks.Line(a.List, 80) + ": " + a.String()
		if a.Overdue(i.Now) {
			text += ", overdue " + p.since(a.Due(), i.Now)
		}
		if a.Note != "" {
			text += "; " + checks.Line(a.Note, 200)
		}
		p.para(2, p.stamp(a.At)+"  ", faint, text, s)
	}
}

// WriteRequests renders all removals that were ever asked for, in the order given.
func WriteRequests(w io.Writer, t Term, f Format, all []alerts.Asked, now time.Time) error {
	switch f {
	case JSON:
		out := []requestJSON{}
		for _, a := range all {
			out = append(out, requestOf(a, now))
		}
		return writeJSON(w, struct {
			Schema   int           `json:"schema"`
			Requests []requestJSON `json:"requests"`
		}{1, out})
	case TSV:
		rows := newTSV(w, t.TTY, "incident list target by ref at promised_seconds cleared note")
		for _, a := range all {
			rows.row(strconv.FormatInt(a.Incident, 10), a.List, a.Key.Target, a.By, a.Ref, rfc3339(a.At), strconv.FormatInt(int64(a.Promised/time.Second), 10), rfc3339(a.Cleared), a.Note)
		}
		return rows.close()
	}
	p := &page{Term: t}
	if len(all) == 0 {
		p.line("Nothing was requested yet.")
		return p.writeTo(w)
	}
	var rows [][]cell
	for _, a := range all {
		s := plain
		if a.Overdue(now) {
			s = warn
		}
		rows = append(rows, []cell{{text: strconv.FormatInt(a.Incident, 10)}, {text: p.stamp(a.At)}, {text: checks.Line(a.List, 60)}, {a.String(), s}})
	}
	p.grid(0, []column{{title: "INCIDENT", right: true}, {title: "WHEN"}, {title: "LIST"}, {title: "WHAT CAME OF IT", flex: true}}, rows)
	return p.writeTo(w)
}

// requestJSON is one removal that was asked for.
type requestJSON struct {
	Incident int64   `json:"incident"`
	List     string  `json:"list"`
	Target   string  `json:"target"`
	By       string  `json:"by"`
	Ref      string  `json:"ref"`
	Note     string  `json:"note"`
	At       *string `json:"at"`
	Promised int64   `json:"promised_seconds"`
	CoolDown int64   `json:"cool_down_seconds"`
	Overdue  bool    `json:"overdue"`
	Cleared  *string `json:"cleared"`
}

func requestOf(a alerts.Asked, now time.Time) requestJSON {
	return requestJSON{a.Incident, checks.Line(a.List, 0), checks.Line(a.Key.Target, 0), checks.Line(a.By, 0), checks.Line(a.Ref, 0), checks.Line(a.Note, 0), utc(a.At),
		int64(a.Promised / time.Second), int64(a.CoolDown / time.Second), a.Overdue(now), utc(a.Cleared)}
}
