package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// Identity is what addresses and domains publish of themselves, as a checklist.
type Identity struct {
	Targets      []IdentityTarget
	Requirements []IdentityRequirement // by provider
	Changes      []IdentityChange      // latest first
	Days         int                   // how far back Changes go; 0: nobody remembers
	Questions    int                   // to the DNS
	Unanswered   int
	All          bool // what is as it should be is shown one by one
	Now          time.Time
}

// IdentityTarget is one address or domain.
type IdentityTarget struct {
	Target checks.Target
	Note   string // such as that it sends no mail; may be empty
	Items  []IdentityItem
}

// IdentityItem is one thing that was looked at. State is good, advice, bad, unknown or not-checked.
type IdentityItem struct {
	Rule, Title, Part string
	State             string
	Severity          checks.Severity
	Code              checks.Code
	Text, Value       string
	Do, Record        string
	More              []string
	Evidence          []checks.Evidence
}

// IdentityRequirement is one requirement of a receiver. Verdict is met, not-met or not-known.
type IdentityRequirement struct {
	Provider, Name, Covers string
	Bulk, Since            string
	Source, Checked        string
	ID, Who, Text          string
	Verdict, Why           string
}

// IdentityChange is a change of what is published.
type IdentityChange struct {
	Target      string // Target.ID
	What        string
	Before, Now string    // empty: nothing
	Since       time.Time // when it was last seen as before
	At          time.Time // when it was first seen as it is now
}

// Level applies the convention: PTR and SPF are what cannot be told without.
func (r Identity) Level() Level {
	var t Tally
	for _, target := range r.Targets {
		for _, i := range target.Items {
			switch i.State {
			case "not-checked":
				continue
			case "bad":
				t.Worst = checks.Worse(t.Worst, i.Severity)
			case "unknown":
				t.Unknown++
				t.CriticalUnknown = t.CriticalUnknown || i.Rule == "ptr" || i.Rule == "spf"
			}
			t.Asked++
		}
	}
	return t.Level()
}

// Write renders the checklist.
func (r Identity) Write(w io.Writer, t Term, f Format) error {
	if f == JSON {
		return writeJSON(w, r.json())
	}
	p := &page{Term: t}
	if reason := r.silence(); reason != "" {
		p.para(0, "", plain, "No question had an answer: "+clean(reason)+". See whether the resolver runs and this host reaches it, or name another under [dns] servers.", unknown)
		p.blank()
		r = r.without(reason)
	}
	r.targets(p)
	r.requirements(p)
	r.changes(p)
	p.blank()
	p.para(0, "", plain, r.sentence(), r.Level().style())
	return p.writeTo(w)
}

// mark is the sign of a state, and its colour.
func mark(i IdentityItem) (string, style) {
	switch i.State {
	case "good":
		return "✓", good
	case "advice":
		return "·", plain
	case "bad":
		_, s := severityWord(i.Severity)
		return "✗", s
	case "unknown":
		return "?", unknown
	}
	return "-", faint
}

// titleWidth is as wide as the longest title of a rule.
const titleWidth = 13

// targets writes those with something to say first, as they come, and then those that are as they should be.
func (r Identity) targets(p *page) {
	var fine []IdentityTarget
	first := true
	for _, t := range r.Targets {
		if !r.All && t.Target.Kind == checks.KindAddress && len(r.Targets) > 1 && !slices.ContainsFunc(t.Items, func(i IdentityItem) bool { return i.State != "good" && i.State != "not-checked" }) {
			fine = append(fine, t)
			continue
		}
		if !first {
			p.blank()
		}
		first = false
		r.target(p, t)
	}
	if len(fine) == 0 {
		return
	}
	if !first {
		p.blank()
	}
	p.line(p.paint(strong, "As they should be"))
	for n, t := range fine {
		if n == maxFine {
			p.para(2, p.paint(good, "✓")+" ", plain, plural(len(fine)-n, "more address", "more addresses")+" (--all shows them)", plain)
			break
		}
		name := ""
		for _, i := range t.Items {
			if i.Rule == "ptr" {
				name = clean(i.Value)
			}
		}
		p.para(2, "✓ ", good, t.Target.String()+"  "+name, plain)
	}
}

// maxFine is how many addresses are shown that are as they should be.
const maxFine = 20

func (r Identity) target(p *page, t IdentityTarget) {
	head := p.paint(strong, clean(t.Target.String()))
	if t.Target.Pool != "" {
		head += p.paint(faint, "  pool "+clean(t.Target.Pool))
	}
	if t.Note != "" {
		head += p.paint(faint, "  "+clean(t.Note))
	}
	p.line(head)
	told := map[string]bool{} // fixes
	for _, i := range t.Items {
		p.item(i, told)
	}
}

// item is one line with its mark, and below it what to do. A fix that several share is told once.
func (p *page) item(i IdentityItem, told map[string]bool) {
	sign, s := mark(i)
	text := clean(i.Text)
	if i.State == "bad" {
		word, _ := severityWord(i.Severity)
		text = word + ": " + text
	}
	textStyle := plain
	switch i.State {
	case "bad", "unknown":
		textStyle = s
	case "not-checked":
		textStyle = faint
	}
	p.para(2, sign+" "+fmt.Sprintf("%-*s ", titleWidth, i.Title), s, text, textStyle)
	indent := 2 + 2 + titleWidth + 1
	for _, more := range i.More {
		p.para(indent, "", plain, clean(more), faint)
	}
	if i.Do == "" || told[i.Do+i.Record] {
		return
	}
	told[i.Do+i.Record] = true
	p.para(indent, "→ ", plain, clean(i.Do), plain)
	if i.Record != "" {
		p.line("    ", p.paint(strong, checks.Line(i.Record, 0))) // whole and on one line, for the clipboard
	}
}

// requirements are those of each provider, with the mark of a checklist.
func (r Identity) requirements(p *page) {
	if !slices.ContainsFunc(r.Targets, func(t IdentityTarget) bool { return t.Target.Kind == checks.KindDomain }) {
		return // nearly all of them are about domains
	}
	provider := ""
	for _, x := range r.Requirements {
		if x.Provider != provider {
			provider = x.Provider
			p.heading("What " + clean(x.Name) + " asks for (" + clean(x.Covers) + ")")
		}
		sign, s, text := "?", unknown, clean(x.Text)
		switch x.Verdict {
		case "met":
			sign, s = "✓", good
		case "not-met":
			sign, s = "✗", bad
			text += ": not met: " + clean(x.Why)
		default:
			text += ": not known: " + clean(x.Why)
		}
		who := "all "
		if x.Who == "bulk" {
			who = "bulk"
		}
		p.para(2, sign+" "+who+" ", s, text, plain)
	}
	if len(r.Requirements) > 0 {
		p.blank()
		seen := map[string]bool{}
		for _, x := range r.Requirements {
			if !seen[x.Provider] {
				seen[x.Provider] = true
				p.para(0, "", plain, fmt.Sprintf("%s, bulk: %s. Since %s; read %s:", clean(x.Name), clean(x.Bulk), clean(x.Since), clean(x.Checked)), faint)
				p.line("  ", p.paint(faint, checks.Link(x.Source)))
			}
		}
	}
}

// changes are what was published otherwise before.
func (r Identity) changes(p *page) {
	if r.Days == 0 {
		return
	}
	p.heading(fmt.Sprintf("Changed in the last %d days", r.Days))
	if len(r.Changes) == 0 {
		p.line("  nothing")
	}
	for _, c := range r.Changes {
		p.change(2, c, r.Now)
	}
}

// change is one change, with both values.
func (p *page) change(indent int, c IdentityChange, now time.Time) {
	p.para(indent, "", plain, clean(c.What)+" of "+clean(c.Target)+", "+p.between(c, now), plain)
	p.para(indent+2, "before: ", faint, orNothing(c.Before), plain)
	p.para(indent+2, "now:    ", faint, orNothing(c.Now), plain)
}

// String is one line: `SPF of example.org: "v=spf1 mx -all" became nothing`.
func (c IdentityChange) String() string {
	quote := func(s string) string {
		if s = checks.Line(s, 150); s == "" {
			return "nothing"
		}
		return `"` + s + `"`
	}
	return clean(c.What) + " of " + clean(c.Target) + ": " + quote(c.Before) + " became " + quote(c.Now)
}

// between says when it changed, as far as that is known: it was looked at before and after.
func (p *page) between(c IdentityChange, now time.Time) string {
	if c.Since.IsZero() {
		return "seen " + p.stamp(c.At)
	}
	return "between " + p.stamp(c.Since) + " and " + p.stamp(c.At)
}

// changes are what was published otherwise before the incident began, as far as is known: often the cause.
func (i Incident) changes(p *page) {
	var before []IdentityChange
	for _, c := range i.Changes {
		if c.Since.Before(i.Incident.Opened) { // it may have changed before, though it was seen later
			before = append(before, c)
		}
	}
	if len(before) == 0 {
		return
	}
	p.heading("What changed before")
	for _, c := range before {
		p.change(2, c, i.Now)
	}
}

func orNothing(s string) string {
	if s = clean(s); s == "" {
		return "nothing"
	}
	return s
}

// sentence is the end of the page: what it comes to.
func (r Identity) sentence() string {
	counts := map[string]int{}
	worst := checks.Severity("")
	for _, t := range r.Targets {
		for _, i := range t.Items {
			counts[i.State]++
			if i.State == "bad" {
				worst = checks.Worse(worst, i.Severity)
			}
		}
	}
	parts := []string{plural(counts["good"], "thing is as it should be", "things are as they should be")}
	if n := counts["bad"]; n > 0 {
		word, _ := severityWord(worst)
		parts = append(parts, plural(n, "is wrong", "are wrong")+" (the worst is "+word+")")
	}
	if n := counts["advice"]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d could be better", n))
	}
	if n := counts["unknown"]; n > 0 {
		parts = append(parts, plural(n, "is not known for want of an answer", "are not known for want of answers"))
	}
	if n := counts["not-checked"]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d not checked", n))
	}
	return strings.Join(parts, ", ") + "."
}
