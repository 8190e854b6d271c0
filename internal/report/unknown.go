package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// Unknown is the report of `reputed bounce unknown`: refusals that no rule knows.
type Unknown struct {
	Wordings []bounce.Wording // to be shown, most refusals first
	Settled  int              // wordings that are left out, as their codes say enough
	More     int              // wordings that are left out for their number
	Refusals int              // that were looked at
	Known    int              // of these, those that a rule knows
	Since    time.Time        // zero: all that there are
}

type unknownJSON struct {
	Schema   int           `json:"schema"`
	Wordings []wordingJSON `json:"wordings"`
	Settled  int           `json:"settled"`
	More     int           `json:"more"`
	Refusals int           `json:"refusals"`
	Known    int           `json:"known"`
	Since    *string       `json:"since"`
}

type wordingJSON struct {
	Text      string   `json:"text"`
	Count     int      `json:"count"`
	Refused   int      `json:"refused"`
	Receivers []string `json:"receivers"`
	First     *string  `json:"first"`
	Last      *string  `json:"last"`
	Category  string   `json:"category"`
	Vendor    string   `json:"vendor"`
	Remote    string   `json:"remote"`
	Sample    string   `json:"sample"`
	Draft     string   `json:"draft"`
}

func (u Unknown) json() unknownJSON {
	out := unknownJSON{Schema: 1, Wordings: []wordingJSON{}, Settled: u.Settled, More: u.More, Refusals: u.Refusals, Known: u.Known, Since: utc(u.Since)}
	for _, w := range u.Wordings {
		j := wordingJSON{
			Text: checks.Line(w.Shape, 0), Count: w.Count, Refused: w.Refused, Receivers: []string{}, First: utc(w.First), Last: utc(w.Last),
			Category: string(w.Sample.Judgement.Category), Vendor: checks.Line(w.Sample.Judgement.Vendor, 0), Remote: checks.Line(w.Sample.RemoteHost, 0),
			Sample: checks.Line(bounce.MaskText(w.Sample.Diagnostic.Text), 0), Draft: w.Draft(),
		}
		for _, r := range w.Receivers {
			j.Receivers = append(j.Receivers, checks.Line(r, 0))
		}
		out.Wordings = append(out.Wordings, j)
	}
	return out
}

// WriteUnknown writes the report. Text is a rule file as it stands, all that is not
// a rule being a comment, so that it can be written to a file and edited there.
func WriteUnknown(w io.Writer, t Term, f Format, u Unknown) error {
	if f == JSON {
		return writeJSON(w, u.json())
	}
	p := &page{Term: t}
	comment := func(s string) {
		for _, line := range wrap(s, p.room(2)) {
			p.line(p.paint(faint, "# "+line))
		}
	}
	if len(u.Wordings) == 0 {
		comment("No refusal is unknown. " + u.rest())
		return p.writeTo(w)
	}
	comment("Refusals that no rule knows, as rules to be edited: choose the category, and put in place of " + bounce.Placeholder +
		" a refusal that looks alike and means something else. Then try them with \"reputed bounce replay FILE\", and move the file to [bounces] rules_dir.")
	comment("Categories: blocklist ip-reputation domain-reputation rate-limited spam-content auth-failure rdns policy relay-denied recipient network system other")
	for _, x := range u.Wordings {
		p.blank()
		n := plural(x.Count, "refusal", "refusals")
		if x.Refused < x.Count {
			n = fmt.Sprintf("%s and %s", plural(x.Refused, "refusal", "refusals"), plural(x.Count-x.Refused, "deferral", "deferrals"))
		}
		when := p.day(x.First)
		if last := p.day(x.Last); last != when {
			when += " to " + last
		}
		comment(fmt.Sprintf("%s, %s, by %s", n, when, some(cleanAll(x.Receivers), 3)))
		comment("   " + checks.Line(bounce.MaskText(x.Sample.Diagnostic.Text), maxText))
		for line := range strings.Lines(x.Draft()) {
			p.line(strings.TrimSuffix(line, "\n"))
		}
	}
	p.blank()
	comment(u.rest())
	return p.writeTo(w)
}

// rest is what was looked at and is not shown.
func (u Unknown) rest() string {
	since := ""
	if !u.Since.IsZero() {
		since = " since " + u.Since.UTC().Format("2 Jan 2006")
	}
	s := fmt.Sprintf("Of %s%s, rules know %s", plural(u.Refusals, "refusal", "refusals"), since, number(u.Known))
	if u.Settled > 0 {
		s += fmt.Sprintf("; %s whose codes say enough: --all", plural(u.Settled, "wording", "wordings"))
	}
	if u.More > 0 {
		s += fmt.Sprintf("; %s: --limit", plural(u.More, "more wording", "more wordings"))
	}
	return s + "."
}

func cleanAll(all []string) []string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = checks.Line(all[i], 100)
	}
	return out
}

// day is a day as people write it.
func (t Term) day(at time.Time) string { return t.local(at).Format("2 Jan 2006") }
