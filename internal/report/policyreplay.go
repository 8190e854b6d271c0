package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// PolicyReplay is what a policy would have told of the past, beside what was told.
type PolicyReplay struct {
	From, To time.Time
	Policy   alerts.Policy
	Changes  []alerts.Change // of [alerts.Replay]
	Told     map[string]int  // notices that were really queued in that time, by kind
}

// class is how loudly a change was told; "thread" of news, which nobody is called for.
func (r PolicyReplay) class(c alerts.Change) alerts.Class {
	if c.News != nil {
		return "thread"
	}
	return r.Policy.Class(&c.Incident)
}

// counts are the told changes by kind, and how many of them are pages.
func (r PolicyReplay) counts() (byKind map[string]int, pages int) {
	byKind = map[string]int{}
	for _, c := range r.Changes {
		if !c.Tell {
			continue
		}
		byKind[string(c.Kind)]++
		if c.Kind != alerts.Ended && r.class(c) == alerts.Page {
			pages++
		}
	}
	return byKind, pages
}

// Write renders a replay.
func (r PolicyReplay) Write(w io.Writer, t Term, f Format) error {
	switch f {
	case JSON:
		return writeJSON(w, policyReplayOf(r))
	case TSV:
		rows := newTSV(w, t.TTY, "at kind severity class told channels title why")
		for _, c := range r.Changes {
			if c.Kind == alerts.Quiet && c.Why == alerts.NothingNew {
				continue
			}
			rows.row(rfc3339(c.At), string(c.Kind), string(c.Incident.Severity), string(r.class(c)), yes(c.Tell), strings.Join(c.Channels, ","), c.Incident.Title, c.Why)
		}
		return rows.close()
	}
	p := &page{Term: t}
	byKind, pages := r.counts()
	p.para(0, "", strong, fmt.Sprintf("From %s to %s this configuration would have told %s, %s.", p.clock(r.From, r.To), p.clock(r.To, r.To),
		plural(sum(byKind), "time", "times"), plural(pages, "page among them", "pages among them")), strong)
	p.para(0, "", plain, "Decided anew over what was observed. Nothing was sent.", faint)
	p.blank()
	kinds := slices.Sorted(maps.Keys(merged(byKind, r.Told)))
	var rows [][]cell
	for _, k := range kinds {
		rows = append(rows, []cell{{text: clean(k)}, {text: fmt.Sprint(byKind[k])}, {text: fmt.Sprint(r.Told[k])}})
	}
	if len(rows) > 0 {
		p.grid(2, []column{{title: "KIND"}, {title: "WOULD BE", right: true}, {title: "WAS TOLD", right: true}}, rows)
	}
	if sum(byKind) > 0 {
		p.heading("What would have been told")
	}
	for _, c := range r.Changes {
		if !c.Tell {
			continue
		}
		what, title := string(c.Kind), c.Incident.Title
		style := plain
		if c.News != nil {
			what, title = "in the thread of its message", c.News.String()
		} else if c.Kind != alerts.Ended {
			what += ", " + string(c.Incident.Severity)
			if r.class(c) == alerts.Page {
				what += " (page)"
				style = strong
			}
		}
		by := strings.Join(c.Channels, ", ")
		if len(c.First) > 0 {
			by += " (new to " + strings.Join(c.First, ", ") + ")"
		}
		s := fmt.Sprintf("%s, by %s: %s", what, checks.Line(by, 200), clean(title))
		if !c.NotBefore.IsZero() {
			s += "; held until " + p.clock(c.NotBefore, r.To)
		}
		p.para(2, p.stamp(c.At)+"  ", faint, s, style)
	}
	if why := r.untold(); len(why) > 0 {
		p.heading("What not, and why")
		for _, u := range why {
			p.para(2, fmt.Sprintf("%4d x ", u.n), plain, clean(u.why), plain)
		}
	}
	return p.writeTo(w)
}

// untoldReason is why something was not told, and how often.
type untoldReason struct {
	why string
	n   int
}

// untold are the reasons why changes were told to nobody, the most frequent first.
func (r PolicyReplay) untold() []untoldReason {
	n := map[string]int{}
	for _, c := range r.Changes {
		if !c.Tell && c.Why != alerts.NothingNew {
			n[string(c.Kind)+": "+c.Why]++
		}
	}
	var all []untoldReason
	for _, why := range slices.Sorted(maps.Keys(n)) {
		all = append(all, untoldReason{why, n[why]})
	}
	slices.SortStableFunc(all, func(a, b untoldReason) int { return -cmp.Compare(a.n, b.n) })
	return all
}

func sum(n map[string]int) int {
	total := 0
	for _, x := range n {
		total += x
	}
	return total
}

func merged(a, b map[string]int) map[string]int {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// policyReplayJSON is `replay --format json`. Field names are a promise: docs/json.md.
type policyReplayJSON struct {
	Schema int                `json:"schema"`
	From   *string            `json:"from"`
	To     *string            `json:"to"`
	Pages  int                `json:"pages"`
	Would  map[string]int     `json:"would_tell"`
	Told   map[string]int     `json:"was_told"`
	All    []policyChangeJSON `json:"decisions"`
}

type policyChangeJSON struct {
	At       *string         `json:"at"`
	Kind     string          `json:"kind"`
	Severity checks.Severity `json:"severity"`
	Class    string          `json:"class"`
	Told     bool            `json:"told"`
	Channels []string        `json:"channels"`
	Held     *string         `json:"held_until"`
	Title    string          `json:"title"`
	Why      string          `json:"why"`
}

func policyReplayOf(r PolicyReplay) policyReplayJSON {
	byKind, pages := r.counts()
	out := policyReplayJSON{Schema: 1, From: utc(r.From), To: utc(r.To), Pages: pages, Would: byKind, Told: r.Told, All: []policyChangeJSON{}}
	for _, c := range r.Changes {
		if c.Kind == alerts.Quiet && c.Why == alerts.NothingNew {
			continue
		}
		out.All = append(out.All, policyChangeJSON{utc(c.At), string(c.Kind), c.Incident.Severity, string(r.class(c)), c.Tell,
			append([]string{}, c.Channels...), utc(c.NotBefore), checks.Line(c.Incident.Title, 0), checks.Line(c.Why, 0)})
	}
	return out
}
