package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// WriteList renders everything known about one list.
func WriteList(w io.Writer, t Term, f Format, l List) error {
	if f == JSON {
		return writeJSON(w, listShowJSON{1, listOf(l)})
	}
	p := &page{Term: t}
	p.list(l)
	return p.writeTo(w)
}

// FactGroup are facts under a title, ready to be shown.
type FactGroup struct {
	Title string // empty: what comes first
	Facts []Fact
}

// Fact is one thing known, under a label.
type Fact struct {
	Label string
	Text  string
	Link  string // Text, if it is a link that may be shown
}

// ListFacts are all that is known about one list, in the words of `lists show`.
func ListFacts(l List) []FactGroup {
	var groups []FactGroup
	p := &page{groups: &groups}
	p.list(l)
	return groups
}

// take keeps facts for a renderer outside.
func (p *page) take(title string, all ...fact) {
	if p.groups == nil || len(all) == 0 {
		return
	}
	g := FactGroup{Title: title}
	for _, f := range all {
		g.Facts = append(g.Facts, Fact{clean(f.label), checks.Line(f.text, 0), checks.Link(f.text)})
	}
	*p.groups = append(*p.groups, g)
}

// list is everything known about one list.
func (p *page) list(l List) {
	z := l.Zone
	p.line(p.paint(strong, clean(z.Title)), "  ", p.paint(faint, clean(z.ID)))
	p.facts("",
		fact{"zone", z.PrintableName()},
		fact{"part of", z.Parent},
		fact{"also called", strings.Join(z.Also, ", ")},
		fact{"operator", z.Operator},
		fact{"website", z.Website},
		fact{"asked", howAsked(l)},
		fact{"key", keyOf(z)},
		fact{"tags", strings.Join(z.Tags, ", ")},
		fact{"serves", strings.Join(families(z), ", ")},
		fact{"names", map[blocklists.NameForm]string{
			blocklists.FullName: "asked for as they are: an entry covers what is below it", blocklists.Organisational: "asked for the domain that is registered",
			blocklists.BothNames: "asked for as they are, and for the domain that is registered",
		}[names(z)]},
		fact{"severity", strings.TrimSuffix(string(z.Severity)+": "+z.Reach, ": ")},
		fact{"advice", z.Advice},
	)
	switch z.Decode {
	case blocklists.Bits:
		p.codes("Return codes, as bits that the last octet is a sum of", z, z.Codes)
	case blocklists.Any:
		const whole = "127.0.0.2-127.0.0.254"
		codes := slices.Clip(z.Codes)
		if !slices.ContainsFunc(codes, func(c blocklists.Code) bool { return c.Match == whole }) {
			codes = append(codes, blocklists.Code{Match: whole, Class: blocklists.Listed, Meaning: "listed, if no line above says more; the code gives no reason"})
		}
		p.codes("Return codes", z, codes)
	default:
		p.codes("Return codes", z, z.Codes)
	}
	p.codes("Refusals, which are never listings", z, z.Refusals)
	controls := []fact{
		{"listed", strings.Join(listedControls(z), ", ")},
		{"must answer", address(z.Controls.ListedCode)},
		{"not listed", strings.Join(cleanControls(z), ", ")},
		{"note", z.Controls.Note},
	}
	if len(listedControls(z)) == 0 {
		controls = append(controls, fact{"so", "without an entry that must be there, it is believed that something is not listed only when its own name servers say so"})
	}
	p.facts("Controls", controls...)
	p.removal(z.Removal)
	p.facts("Terms",
		fact{"registration", z.Registration},
		fact{"resolver", map[string]string{
			"allowed": "public resolvers get answers", "refused": "public resolvers are refused: ask through one of your own",
			"inconsistent": "public resolvers get an answer now and none then: ask through one of your own",
		}[z.PublicResolver]},
		fact{"limits", z.Limits},
		fact{"counted as", limitsOf(z)},
		fact{"terms", z.Terms},
	)
	p.known(z.Confidence, z.Checked, z.Seen, writtenIn(z.File, z.BuiltIn), z.Sources)
}

// writtenIn is the catalogue file that says what is shown.
func writtenIn(file string, builtIn bool) string {
	if file != "" && builtIn {
		return "the built-in catalogue, " + file
	}
	return file
}

// unaskedJSON is what is known about a list that no question reaches.
type unaskedJSON struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Operator   string      `json:"operator"`
	Zone       string      `json:"zone"` // empty: it is not public
	Asked      bool        `json:"asked"`
	Why        string      `json:"why"`
	Severity   string      `json:"severity"`
	Reach      string      `json:"reach"`
	Removal    removalJSON `json:"removal"`
	Advice     string      `json:"advice"`
	Website    string      `json:"website"`
	Confidence string      `json:"confidence"`
	Sources    []string    `json:"sources"`
	Checked    string      `json:"checked"`
	File       string      `json:"file"`
}

// WriteUnasked renders everything known about a list that no question reaches.
func WriteUnasked(w io.Writer, t Term, f Format, u blocklists.Unasked) error {
	if f == JSON {
		line := func(s string) string { return checks.Line(s, 0) }
		return writeJSON(w, struct {
			Schema int         `json:"schema"`
			List   unaskedJSON `json:"list"`
		}{1, unaskedJSON{
			ID: u.ID, Name: line(u.Title), Operator: line(u.Operator), Zone: line(u.Zone), Why: line(u.Why), Severity: string(u.Severity), Reach: line(u.Reach),
			Removal: removalOf(u.Removal), Advice: line(u.Advice), Website: line(u.Website), Confidence: line(u.Confidence), Sources: lines(u.Sources),
			Checked: line(u.Checked), File: line(u.File),
		}})
	}
	p := &page{Term: t}
	p.line(p.paint(strong, clean(u.Title)), "  ", p.paint(faint, clean(u.ID)))
	p.facts("",
		fact{"zone", u.Zone},
		fact{"operator", u.Operator},
		fact{"website", u.Website},
		fact{"asked", "never: " + u.Why},
		fact{"severity", strings.TrimSuffix(string(u.Severity)+": "+u.Reach, ": ")},
		fact{"advice", u.Advice},
	)
	p.removal(u.Removal)
	p.known(u.Confidence, u.Checked, "", writtenIn(u.File, u.BuiltIn), u.Sources)
	return p.writeTo(w)
}

// fact is one thing known, under a label.
type fact struct{ label, text string }

// facts writes those that are known under a title; nothing if none is.
func (p *page) facts(title string, all ...fact) {
	all = slices.DeleteFunc(all, func(f fact) bool { return f.text == "" })
	if len(all) == 0 {
		return
	}
	p.take(title, all...)
	if title != "" {
		p.heading(title)
	}
	for _, f := range all {
		p.para(2, fmt.Sprintf("%-13s", f.label), faint, checks.Line(f.text, 0), plain)
	}
}

func (p *page) removal(r blocklists.Removal) {
	ask := "ask at"
	if r.Method == "automatic" { // there is nobody to ask, whatever page there is
		ask = "more at"
	}
	p.facts("Getting off it",
		fact{"how", r.Method},
		fact{"first", r.FixFirst},
		fact{"who may ask", r.WhoMayAsk},
		fact{"look up", r.LookupURL},
		fact{ask, r.URL},
		fact{"ends itself", r.AutoExpiry},
		fact{"takes", r.Typical},
	)
	if r.PayNever {
		p.take("", fact{"never", "do not pay for removal"})
		p.para(2, fmt.Sprintf("%-13s", "never"), warn, "do not pay for removal", plain)
	}
}

func (p *page) known(confidence, checked, seen, file string, sources []string) {
	all := []fact{{"confidence", confidence}, {"as of", checked}, {"seen alive", seen}, {"written in", file}}
	for i, s := range sources {
		all = append(all, fact{map[bool]string{true: "sources"}[i == 0], s})
	}
	p.facts("How well this is known", all...)
}

// howAsked says whether the list is asked, and what asks it if not.
func howAsked(l List) string {
	z := l.Zone
	switch {
	case l.Asked:
		return "yes"
	case l.Dead != "":
		return "never: " + l.Dead
	case z.Default:
		return "no; the configuration leaves it out"
	case z.ByIDOnly():
		return fmt.Sprintf("no; enable = [%q] in [blocklists] asks it, and no tag does", z.ID)
	}
	return fmt.Sprintf("no; enable = [%q] in [blocklists] asks it, and so does a tag", z.ID)
}

// keyOf says under which name the configuration keeps the key.
func keyOf(z blocklists.Zone) string {
	switch {
	case z.KeyName == "":
		return ""
	case z.KeyOptional:
		return z.KeyName + " in [blocklists.keys]; it is asked without one too"
	}
	return z.KeyName + " in [blocklists.keys]; it is not asked without one"
}

// names is by which names the list is asked; empty for one that serves none.
func names(z blocklists.Zone) blocklists.NameForm {
	if !z.Serves(blocklists.Name) {
		return ""
	}
	return cmp.Or(z.Names, blocklists.BothNames)
}

// limitsOf is the limits as numbers.
func limitsOf(z blocklists.Zone) string {
	var parts []string
	if z.Rate > 0 {
		parts = append(parts, fmt.Sprintf("%g a second", z.Rate))
	}
	if z.PerDay > 0 {
		parts = append(parts, number(z.PerDay)+" a day")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + ", for all lists of the operator together"
}

// codes is a table of codes.
func (p *page) codes(title string, z blocklists.Zone, codes []blocklists.Code) {
	if len(codes) == 0 {
		return
	}
	p.heading(title)
	var shown []fact
	defer func() { p.take(title, shown...) }()
	for _, c := range codes {
		word, s := string(c.Class), plain
		if c.Class == blocklists.Listed {
			severity := c.Severity
			if severity == "" {
				severity = z.Severity
			}
			word, s = severityWord(checks.Severity(severity))
		}
		if c.Class == blocklists.Informational {
			word = "no listing" // beside "info", which is one that nobody refuses by
		}
		meaning := c.Meaning
		if c.Class == blocklists.Refused {
			word, meaning = "", strings.TrimSpace(meaning+". "+c.Fix)
		}
		label := fmt.Sprintf("%-22s", clean(c.Match))
		if word != "" {
			label += fmt.Sprintf("%-14s", word)
		}
		p.para(2, label, s, clean(meaning), plain)
		shown = append(shown, fact{strings.TrimSpace(c.Match + "  " + word), cmp.Or(meaning, "-")})
	}
}
