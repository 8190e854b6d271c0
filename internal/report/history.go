package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
)

// CSV is `history --format csv`: RFC 4180 with a header line and LF line ends, one spell a line.
const CSV Format = "csv"

// History is the report of `reputed history`: when something was a problem, how long, and
// how often it came back.
type History struct {
	Target string // Target.ID; empty: all
	Source string // a list's id or who refused; empty: all
	Since  time.Time
	Now    time.Time
	Spells []Spell // in the order they began
	Turns  []Turn  // oldest first
	More   bool    // there are older changes than were read
	// Published are changes of what the targets publish of themselves, the latest first.
	Published []IdentityChange
}

// NewHistory is the history of all that was a problem at or after since; zero is no bound. What began
// before and lasted until then is in it with its whole length. It is a pure function.
func NewHistory(turns []Turn, since, now time.Time) History {
	h := History{Since: since, Now: now}
	for _, s := range Spells(turns) {
		if s.Ended.IsZero() || !s.Ended.Before(since) {
			h.Spells = append(h.Spells, s)
		}
	}
	for _, t := range turns {
		if !t.At.Before(since) {
			h.Turns = append(h.Turns, t)
		}
	}
	return h
}

// Write renders a history.
func (h History) Write(w io.Writer, t Term, f Format) error {
	switch f {
	case JSON:
		return writeJSON(w, historyOf(h))
	case CSV:
		return h.csv(w)
	}
	p := &page{Term: t}
	p.para(0, "", plain, h.Verdict(t)+".", strong)
	if h.More {
		p.para(0, "", plain, "There are more changes than are read at once: name a target or a list to see all of its.", unknown)
	}
	if len(h.Spells) > 0 {
		h.dwells(p)
		h.timeline(p)
	}
	h.untold(p)
	if len(h.Published) > 0 {
		p.heading("What changed of what is published, the latest first")
		for _, c := range h.Published {
			p.change(2, c, h.Now)
		}
	}
	return p.writeTo(w)
}

// Verdict is the first line, without a full stop.
func (h History) Verdict(t Term) string {
	of := ""
	if h.Target != "" {
		of = " of " + checks.Line(h.Target, 100)
	}
	if h.Source != "" {
		of += " on " + checks.Line(h.Source, 60)
	}
	since := ""
	if !h.Since.IsZero() {
		since = " since " + t.clock(h.Since, h.Now)
	}
	if len(h.Spells) == 0 {
		return "Nothing" + of + " was seen as a problem" + since + ", as far as is stored"
	}
	open, relapses := 0, 0
	var clear []time.Duration
	for _, s := range h.Spells {
		switch {
		case s.Ended.IsZero():
			open++
		case s.Opening:
			clear = append(clear, s.Lasted(h.Now))
		}
		if s.Relapse {
			relapses++
		}
	}
	parts := []string{plural(len(h.Spells), "problem", "problems") + of + since, number(open) + " now"}
	switch len(clear) {
	case 0:
	case 1:
		parts = append(parts, "the one that ended took "+span(clear[0]))
	default:
		parts = append(parts, "half of those that ended took "+span(median(clear))+" or less")
	}
	if relapses > 0 {
		parts = append(parts, plural(relapses, "relapse", "relapses")+" within 30 days")
	}
	return strings.Join(parts, ", ")
}

// dwells is one row a question.
func (h History) dwells(p *page) {
	p.heading("How long")
	columns := []column{{title: "TARGET", flex: true}, {title: "BY", flex: true}, {title: "NOW"}, {title: "TIMES", right: true},
		{title: "IN ALL", right: true}, {title: "TO CLEAR", right: true}, {title: "LONGEST", right: true}, {title: "RELAPSES", right: true}}
	var rows [][]cell
	dwells := Dwells(h.Spells, h.Since, h.Now)
	for _, d := range dwells[:min(len(dwells), mostRows)] {
		now, clear := cell{"clear", good}, "-"
		if !d.Open.IsZero() {
			now = cell{text: "-"}
			now.text, now.style = severityWord(d.Severity)
		}
		if d.Clear > 0 {
			clear = span(d.Clear)
		}
		rows = append(rows, []cell{{text: checks.Line(d.Key.Target, 100)}, {text: byWhom(d.Key)}, now, {text: number(d.Spells)},
			{text: span(d.Sum)}, {text: clear}, {text: span(d.Longest)}, {text: number(d.Relapses)}})
	}
	p.grid(2, columns, rows)
	p.rest(len(dwells))
}

// mostRows is how many rows of a table a person reads; csv and json have all.
const mostRows = 40

// rest says how many rows are not shown.
func (p *page) rest(n int) {
	if n > mostRows {
		p.para(2, "", plain, fmt.Sprintf("and %s more: name a target or a list, or take --format csv", number(n-mostRows)), faint)
	}
}

// timeline is one row a spell, the latest first: that is what is asked about.
func (h History) timeline(p *page) {
	p.heading("What happened, the latest first")
	columns := []column{{title: "BEGAN"}, {title: "LASTED", right: true}, {title: "SEVERITY"}, {title: "TARGET", flex: true}, {title: "BY", flex: true}, {title: "NOTE", flex: true}}
	var rows [][]cell
	for i := len(h.Spells) - 1; i >= max(0, len(h.Spells)-mostRows); i-- {
		s := h.Spells[i]
		lasted, note := span(s.Lasted(h.Now)), []string{}
		word, st := severityWord(s.Severity)
		if s.Ended.IsZero() {
			note = append(note, "not over")
		} else {
			st = faint
		}
		if !s.Opening {
			lasted, note = "> "+lasted, append(note, "began earlier")
		}
		if s.Relapse {
			note = append(note, "relapse")
		}
		if s.Changes > 0 {
			note = append(note, plural(s.Changes, "change", "changes"))
		}
		rows = append(rows, []cell{{text: p.clock(s.Began, h.Now)}, {text: lasted}, {word, st}, {text: checks.Line(s.Key.Target, 100)}, {text: byWhom(s.Key)}, {text: strings.Join(note, ", ")}})
	}
	p.grid(2, columns, rows)
	p.rest(len(h.Spells))
}

// untold is what was over before it was watched, the latest first: it is no problem that anybody saw, and the
// reason why nobody was told of it.
func (h History) untold(p *page) {
	first := true
	for _, t := range slices.Backward(h.Turns) {
		if t.Code != checks.CodeOverBefore {
			continue
		}
		if first {
			p.heading("What nobody was told of")
			first = false
		}
		p.para(2, "", plain, p.clock(t.At, h.Now)+"  "+checks.Line(t.Key.Target, 100)+": "+checks.Line(t.Summary, 0), plain)
	}
}

// byWhom is whose word a question was about: a list, a receiver, or a part of this monitor. A list
// stands for its own answer; refusals that name it are told apart from that.
func byWhom(k checks.Key) string {
	if k.Source == "" {
		return checks.Line(k.Check, 60)
	}
	switch k.Check {
	case "dnsbl":
		return checks.Line(k.Source, 60)
	case "bounce": // the word first, as narrow columns cut the end
		return "refusal: " + checks.Line(k.Source, 60)
	}
	return checks.Line(k.Check, 40) + ": " + checks.Line(k.Source, 60)
}

// csvHeader are the columns of `history --format csv`.
var csvHeader = []string{"target", "check", "source", "code", "severity", "began", "ended", "seconds", "relapse", "summary"}

func (h History) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return err
	}
	for _, s := range h.Spells {
		row := []string{s.Key.Target, s.Key.Check, s.Key.Source, string(s.Code), string(s.Severity), rfc3339(s.Began), rfc3339(s.Ended),
			strconv.FormatInt(int64(s.Lasted(h.Now)/time.Second), 10), yes(s.Relapse), s.Summary}
		for i := range row {
			row[i] = tsvCell(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
