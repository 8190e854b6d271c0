package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// Replayed is the report of `reputed bounce replay`: what other rules would have said.
type Replayed struct {
	Rules string // what was tried: a file or a folder
	Since time.Time
	*bounce.Replay
}

type replayJSON struct {
	Schema     int                  `json:"schema"`
	Rules      string               `json:"rules"`
	Since      *string              `json:"since"`
	Refusals   int                  `json:"refusals"`
	Changed    int                  `json:"changed"`
	Categories []categoryChangeJSON `json:"categories"`
	Changes    []shiftJSON          `json:"changes"`
}

type categoryChangeJSON struct {
	Category bounce.Category `json:"category"`
	Was      int             `json:"was"`
	Is       int             `json:"is"`
}

type shiftJSON struct {
	Before  verdictJSON `json:"before"`
	After   verdictJSON `json:"after"`
	Count   int         `json:"count"`
	Gained  int         `json:"reputation_gained"`
	Lost    int         `json:"reputation_lost"`
	Samples []string    `json:"samples"`
}

type verdictJSON struct {
	Category  bounce.Category `json:"category"`
	Vendor    string          `json:"vendor"`
	Blocklist string          `json:"blocklist"`
	Rule      string          `json:"rule"`
}

func verdictOf(v bounce.Verdict) verdictJSON {
	return verdictJSON{v.Category, checks.Line(v.Vendor, 0), checks.Line(v.Blocklist, 0), checks.Line(v.Rule, 0)}
}

// categories are those whose numbers change.
func (r Replayed) categories() []categoryChangeJSON {
	out := []categoryChangeJSON{}
	all := maps.Clone(r.Was)
	maps.Copy(all, r.Is)
	for _, c := range slices.Sorted(maps.Keys(all)) {
		if r.Was[c] != r.Is[c] {
			out = append(out, categoryChangeJSON{c, r.Was[c], r.Is[c]})
		}
	}
	return out
}

func (r Replayed) json() replayJSON {
	out := replayJSON{Schema: 1, Rules: checks.Line(r.Rules, 0), Since: utc(r.Since), Refusals: r.Refusals, Changed: r.Changed, Categories: r.categories(), Changes: []shiftJSON{}}
	for _, s := range r.Shifts() {
		j := shiftJSON{verdictOf(s.Before), verdictOf(s.After), s.Count, s.Gained, s.Lost, []string{}}
		for _, text := range s.Samples {
			j.Samples = append(j.Samples, checks.Line(text, 0))
		}
		out.Changes = append(out.Changes, j)
	}
	return out
}

// WriteReplayed writes the report.
func WriteReplayed(w io.Writer, t Term, f Format, r Replayed) error {
	if f == JSON {
		return writeJSON(w, r.json())
	}
	p := &page{Term: t}
	since := ""
	if !r.Since.IsZero() {
		since = " since " + p.day(r.Since)
	}
	p.para(0, "", plain, fmt.Sprintf("%s would judge %s of %s%s otherwise. Nothing was written.", checks.Line(r.Rules, 200), number(r.Changed),
		plural(r.Refusals, "stored refusal", "stored refusals"), since), strong)
	if r.Changed == 0 {
		return p.writeTo(w)
	}
	p.blank()
	for _, c := range r.categories() {
		p.line(fmt.Sprintf("  %-18s %8s -> %s", c.Category, number(c.Was), number(c.Is)))
	}
	for _, s := range r.Shifts() {
		p.blank()
		p.para(0, "", plain, fmt.Sprintf("%s: %s -> %s", plural(s.Count, "refusal", "refusals"), verdictWords(s.Before), verdictWords(s.After)), strong)
		if s.Gained > 0 {
			p.para(2, "", plain, fmt.Sprintf("%s would count as refused for reputation, and open or worsen incidents.", number(s.Gained)), warn)
		}
		if s.Lost > 0 {
			p.para(2, "", plain, fmt.Sprintf("%s would not count as refused for reputation any more.", number(s.Lost)), warn)
		}
		for _, text := range s.Samples {
			p.para(2, "", plain, clean(text), plain)
		}
	}
	return p.writeTo(w)
}

// verdictWords is "blocklist spamcop by Example (rule example-1)".
func verdictWords(v bounce.Verdict) string {
	s := string(v.Category)
	if v.Blocklist != "" {
		s += " " + clean(v.Blocklist)
	}
	if v.Vendor != "" {
		s += " by " + clean(v.Vendor)
	}
	if v.Rule == bounce.RuleNone {
		return s + " (no rule)"
	}
	return s + " (rule " + clean(v.Rule) + ")"
}
