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
	Dead  string // why nobody should ask it any more; empty: it lives
}

// listJSON is everything known about a list. Field names are a promise: docs/json.md.
type listJSON struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Operator     string       `json:"operator"`
	Zone         string       `json:"zone"` // with <key> where a key stands
	Key          string       `json:"key"`  // name of the key that it is asked with
	KeyOptional  bool         `json:"key_optional"`
	Parent       string       `json:"parent"` // list that holds its entries
	Also         []string     `json:"also"`   // other names that a refusal may call it
	Asked        bool         `json:"asked"`
	Dead         string       `json:"dead"` // why nobody should ask it any more
	Default      bool         `json:"default"`
	BuiltIn      bool         `json:"built_in"`
	File         string       `json:"file"` // the catalogue file it was read from
	Families     []string     `json:"families"`
	Names        string       `json:"names"` // which names it is asked for: full, organisational, both; empty if it serves none
	Tags         []string     `json:"tags"`
	Severity     string       `json:"severity"`
	Reach        string       `json:"reach"`
	Decode       string       `json:"decode"`
	Codes        []codeJSON   `json:"codes"`
	Refusals     []codeJSON   `json:"refusals"`
	Controls     controlsJSON `json:"controls"`
	Removal      removalJSON  `json:"removal"`
	Registration string       `json:"registration"`
	Public       string       `json:"public_resolver"` // what public resolvers get
	Limits       string       `json:"limits"`
	Rate         float64      `json:"rate"`    // questions a second, all lists of the operator together; 0: none published
	PerDay       int          `json:"per_day"` // questions a day; 0: none published
	Terms        string       `json:"terms"`
	Advice       string       `json:"advice"`
	Website      string       `json:"website"`
	Confidence   string       `json:"confidence"`
	Sources      []string     `json:"sources"`
	Checked      string       `json:"checked"`
	Seen         string       `json:"seen"` // when a public source last saw it answer
}

type codeJSON struct {
	Match    string `json:"match"`
	Meaning  string `json:"meaning"`
	Class    string `json:"class"`
	Severity string `json:"severity"`
	Fix      string `json:"fix"` // of a refusal: what to do about it
}

type controlsJSON struct {
	Listed []string `json:"listed"`
	Clean  []string `json:"clean"`
	Code   string   `json:"code"` // that a listed control must give
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
			out = append(out, codeJSON{line(c.Match), line(c.Meaning), string(c.Class), string(c.Severity), line(c.Fix)})
		}
		return out
	}
	out := listJSON{
		ID: z.ID, Name: line(z.Title), Operator: line(z.Operator), Zone: z.PrintableName(), Asked: l.Asked, Dead: line(l.Dead), Default: z.Default, BuiltIn: z.BuiltIn,
		Key: z.KeyName, KeyOptional: z.KeyOptional, Parent: z.Parent, Also: lines(z.Also), File: line(z.File), Rate: z.Rate, PerDay: z.PerDay,
		Public: z.PublicResolver, Seen: line(z.Seen),
		Families: families(z), Names: string(names(z)), Tags: lines(z.Tags), Severity: string(z.Severity), Reach: line(z.Reach), Decode: string(z.Decode),
		Codes: codes(z.Codes), Refusals: codes(z.Refusals),
		Controls:     controlsJSON{listedControls(z), cleanControls(z), address(z.Controls.ListedCode), line(z.Controls.Note)},
		Removal:      removalOf(z.Removal),
		Registration: line(z.Registration), Limits: line(z.Limits), Terms: line(z.Terms), Advice: line(z.Advice), Website: line(z.Website),
		Confidence: line(z.Confidence), Sources: lines(z.Sources), Checked: line(z.Checked),
	}
	return out
}

func removalOf(r blocklists.Removal) removalJSON {
	line := func(s string) string { return checks.Line(s, 0) }
	return removalJSON{line(r.Method), line(r.LookupURL), line(r.URL), line(r.FixFirst), line(r.AutoExpiry), line(r.Typical), r.PayNever, line(r.WhoMayAsk)}
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
			rows.row(l.Zone.ID, l.Zone.PrintableName(), yes(l.Asked), strings.Join(families(l.Zone), ","), string(l.Zone.Severity), l.Zone.Operator, l.Zone.Title)
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
		rows = append(rows, []cell{{text: clean(l.Zone.ID)}, mark, {word, s}, {text: strings.Join(families(l.Zone), " ")}, {text: clean(l.Zone.PrintableName())}, {text: clean(l.Zone.Title)}})
	}
	columns := []column{{title: "ID"}, {title: "ASKED"}, {title: "SEVERITY"}, {title: "SERVES"}, {title: "ZONE", flex: true}, {title: "NAME", flex: true}}
	if p.tooNarrow(columns, rows) { // a zone that is cut is of no use, and the name says what the id says
		columns = columns[:len(columns)-1]
		for i := range rows {
			rows[i] = rows[i][:len(columns)]
		}
	}
	p.grid(0, columns, rows)
	p.blank()
	p.para(0, "", plain, fmt.Sprintf("%s, %s asked. reputed lists show ID tells all that is known about one, reputed lists test asks their controls.", plural(len(all), "list", "lists"), number(asked)), plain)
	return p.writeTo(w)
}
