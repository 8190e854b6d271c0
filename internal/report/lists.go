package report

import (
	"fmt"
	"io"
	"net/netip"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// List is one blocklist of the catalogue or the configuration, and whether it is asked.
type List struct {
	Zone  blocklists.Zone
	Asked bool
}

// listJSON is everything known about a list. Field names are a promise: docs/json.md.
type listJSON struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Operator     string       `json:"operator"`
	Zone         string       `json:"zone"`
	Asked        bool         `json:"asked"`
	Default      bool         `json:"default"`
	BuiltIn      bool         `json:"built_in"`
	Families     []string     `json:"families"`
	Tags         []string     `json:"tags"`
	Severity     string       `json:"severity"`
	Reach        string       `json:"reach"`
	Decode       string       `json:"decode"`
	Codes        []codeJSON   `json:"codes"`
	Refusals     []codeJSON   `json:"refusals"`
	Controls     controlsJSON `json:"controls"`
	Removal      removalJSON  `json:"removal"`
	Registration string       `json:"registration"`
	Limits       string       `json:"limits"`
	Terms        string       `json:"terms"`
	Advice       string       `json:"advice"`
	Website      string       `json:"website"`
	Confidence   string       `json:"confidence"`
	Sources      []string     `json:"sources"`
	Checked      string       `json:"checked"`
}

type codeJSON struct {
	Match    string `json:"match"`
	Meaning  string `json:"meaning"`
	Class    string `json:"class"`
	Severity string `json:"severity"`
}

type controlsJSON struct {
	Listed []string `json:"listed"`
	Clean  []string `json:"clean"`
	Note   string   `json:"note"`
}

type removalJSON struct {
	Method     string `json:"method"`
	LookupURL  string `json:"lookup_url"`
	URL        string `json:"url"`
	FixFirst   string `json:"fix_first"`
	AutoExpiry string `json:"auto_expiry"`
	Typical    string `json:"typical"`
	PayNever   bool   `json:"pay_never"`
	WhoMayAsk  string `json:"who_may_ask"`
}

func listOf(l List) listJSON {
	z, line := l.Zone, func(s string) string { return checks.Line(s, 0) }
	codes := func(in []blocklists.Code) []codeJSON {
		out := []codeJSON{}
		for _, c := range in {
			out = append(out, codeJSON{line(c.Match), line(c.Meaning), string(c.Class), string(c.Severity)})
		}
		return out
	}
	out := listJSON{
		ID: z.ID, Name: line(z.Title), Operator: line(z.Operator), Zone: z.Zone, Asked: l.Asked, Default: z.Default, BuiltIn: z.BuiltIn,
		Families: families(z), Tags: lines(z.Tags), Severity: string(z.Severity), Reach: line(z.Reach), Decode: string(z.Decode),
		Codes: codes(z.Codes), Refusals: codes(z.Refusals),
		Controls: controlsJSON{listedControls(z), cleanControls(z), line(z.Controls.Note)},
		Removal: removalJSON{line(z.Removal.Method), line(z.Removal.LookupURL), line(z.Removal.URL), line(z.Removal.FixFirst), line(z.Removal.AutoExpiry),
			line(z.Removal.Typical), z.Removal.PayNever, line(z.Removal.WhoMayAsk)},
		Registration: line(z.Registration), Limits: line(z.Limits), Terms: line(z.Terms), Advice: line(z.Advice), Website: line(z.Website),
		Confidence: line(z.Confidence), Sources: lines(z.Sources), Checked: line(z.Checked),
	}
	return out
}

func families(z blocklists.Zone) []string {
	out := []string{}
	for _, f := range z.Families {
		out = append(out, string(f))
	}
	return out
}

func listedControls(z blocklists.Zone) []string {
	return controls(z.Controls.Listed4, z.Controls.Listed6, z.Controls.ListedName)
}

func cleanControls(z blocklists.Zone) []string {
	return controls(z.Controls.Clean4, z.Controls.Clean6, z.Controls.CleanName)
}

func controls(four, six netip.Addr, name string) []string {
	out := []string{}
	for _, s := range []string{address(four), address(six), checks.Line(name, 0)} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// WriteLists renders the lists, in the order given.
func WriteLists(w io.Writer, t Term, f Format, all []List) error {
	switch f {
	case JSON:
		out := []listJSON{}
		for _, l := range all {
			out = append(out, listOf(l))
		}
		return writeJSON(w, struct {
			Schema int        `json:"schema"`
			Lists  []listJSON `json:"lists"`
		}{1, out})
	case TSV:
		rows := newTSV(w, t.TTY, "id zone asked families severity operator name")
		for _, l := range all {
			rows.row(l.Zone.ID, l.Zone.Zone, yes(l.Asked), strings.Join(families(l.Zone), ","), string(l.Zone.Severity), l.Zone.Operator, l.Zone.Title)
		}
		return rows.close()
	}
	p := &page{Term: t}
	var rows [][]cell
	asked := 0
	for _, l := range all {
		word, s := severityWord(checks.Severity(l.Zone.Severity))
		mark := cell{"-", faint}
		if l.Asked {
			mark = cell{"yes", good}
			asked++
		}
		rows = append(rows, []cell{{text: clean(l.Zone.ID)}, mark, {word, s}, {text: strings.Join(families(l.Zone), " ")}, {text: clean(l.Zone.Zone)}, {text: clean(l.Zone.Title)}})
	}
	p.grid(0, []column{{title: "ID"}, {title: "ASKED"}, {title: "SEVERITY"}, {title: "SERVES"}, {title: "ZONE", flex: true}, {title: "NAME", flex: true}}, rows)
	p.blank()
	p.para(0, "", plain, fmt.Sprintf("%s, %s asked. reputed lists show ID tells all that is known about one, reputed lists test asks their controls.", plural(len(all), "list", "lists"), number(asked)), plain)
	return p.writeTo(w)
}

// WriteList renders everything known about one list.
func WriteList(w io.Writer, t Term, f Format, l List) error {
	if f == JSON {
		return writeJSON(w, struct {
			Schema int      `json:"schema"`
			List   listJSON `json:"list"`
		}{1, listOf(l)})
	}
	p, z := &page{Term: t}, l.Zone
	p.line(p.paint(strong, clean(z.Title)), "  ", p.paint(faint, clean(z.ID)))
	row := func(label, s string) {
		if s != "" {
			p.para(2, fmt.Sprintf("%-13s", label), faint, checks.Line(s, 0), plain)
		}
	}
	row("zone", z.Zone)
	row("operator", z.Operator)
	row("website", z.Website)
	asked := "no; [blocklists] enable asks it"
	if l.Asked {
		asked = "yes"
	}
	row("asked", asked)
	row("serves", strings.Join(families(z), ", "))
	row("severity", strings.TrimSuffix(string(z.Severity)+": "+z.Reach, ": "))
	row("advice", z.Advice)
	p.codes("Return codes", z, z.Codes)
	p.codes("Refusals, which are never listings", z, z.Refusals)
	p.heading("Controls")
	row("listed", strings.Join(listedControls(z), ", "))
	row("not listed", strings.Join(cleanControls(z), ", "))
	row("note", z.Controls.Note)
	if len(listedControls(z)) == 0 {
		row("", "none: clean only when its own name servers say so")
	}
	p.heading("Getting off it")
	r := z.Removal
	row("how", r.Method)
	row("first", r.FixFirst)
	row("who may ask", r.WhoMayAsk)
	row("look up", r.LookupURL)
	row("ask at", r.URL)
	row("ends itself", r.AutoExpiry)
	row("takes", r.Typical)
	if r.PayNever {
		p.para(2, fmt.Sprintf("%-13s", "never"), warn, "do not pay for removal", plain)
	}
	p.heading("Terms")
	row("registration", z.Registration)
	row("limits", z.Limits)
	row("terms", z.Terms)
	p.heading("How well this is known")
	row("confidence", z.Confidence)
	row("as of", z.Checked)
	for i, s := range z.Sources {
		row(map[bool]string{true: "sources"}[i == 0], s)
	}
	return p.writeTo(w)
}

// codes is a table of codes.
func (p *page) codes(title string, z blocklists.Zone, codes []blocklists.Code) {
	if len(codes) == 0 {
		return
	}
	p.heading(title)
	for _, c := range codes {
		word, s := string(c.Class), plain
		if c.Class == blocklists.Listed {
			severity := c.Severity
			if severity == "" {
				severity = z.Severity
			}
			word, s = severityWord(checks.Severity(severity))
		} else if c.Class == "" {
			word = ""
		}
		label := fmt.Sprintf("%-22s", clean(c.Match))
		if word != "" {
			label += fmt.Sprintf("%-14s", word)
		}
		p.para(2, label, s, clean(c.Meaning), plain)
	}
}
