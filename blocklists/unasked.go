package blocklists

import (
	"errors"
	"time"
)

// Unasked is a list that exists, and that refusals may name, but that cannot be asked about an
// address or a domain: it is asked with hashes, or only its subscribers know its zone.
type Unasked struct {
	ID         string // shares its name space with Zone.ID
	Title      string
	Operator   string
	Zone       string // empty: it is not public
	Why        string // one sentence: why it is not asked
	Severity   Severity
	Reach      string
	Removal    Removal
	Advice     string
	Website    string
	Confidence string
	Sources    []string
	Checked    string
	BuiltIn    bool   // from the embedded catalogue
	File       string // the catalogue file that it was read from
}

// About returns what is known of it in the form of a list, for its name and how to get off it. It
// serves no family, so that it cannot be asked.
func (u Unasked) About() Zone {
	return Zone{
		ID: u.ID, Title: u.Title, Operator: u.Operator, Zone: u.Zone, Severity: u.Severity, Reach: u.Reach, Removal: u.Removal, Advice: u.Advice,
		Website: u.Website, Confidence: u.Confidence, Sources: u.Sources, Checked: u.Checked, BuiltIn: u.BuiltIn, File: u.File,
	}
}

type unaskedSpec struct {
	ID         string      `toml:"id"`
	Title      string      `toml:"title"`
	Operator   string      `toml:"operator"`
	Zone       string      `toml:"zone"`
	Why        string      `toml:"why"`
	Severity   Severity    `toml:"severity"`
	Reach      string      `toml:"reach"`
	Removal    RemovalSpec `toml:"removal"`
	Advice     string      `toml:"advice"`
	Website    string      `toml:"website"`
	Confidence string      `toml:"confidence"`
	Sources    []string    `toml:"sources"`
	Checked    string      `toml:"checked"`
}

// unasked returns the list, validated.
func (s unaskedSpec) unasked(checked, name string) (Unasked, error) {
	if s.Checked == "" {
		s.Checked = checked
	}
	u := Unasked{
		ID: s.ID, Title: s.Title, Operator: s.Operator, Zone: s.Zone, Why: s.Why, Severity: s.Severity, Reach: s.Reach,
		Removal: Removal(s.Removal), Advice: s.Advice, Website: s.Website, Confidence: s.Confidence, Sources: s.Sources, Checked: s.Checked, File: name,
	}
	return u, u.Validate()
}

// Validate returns everything that is wrong with the list, joined.
func (u Unasked) Validate() error {
	p := &problems{kind: "unasked", id: u.ID}
	known := aboutIt{u.ID, u.Title, u.Website, u.Confidence, u.Checked, u.Sources}
	known.validate(p)
	if u.Zone != "" && !domainName(u.Zone) {
		p.add("zone", "want a domain name in lower case, or nothing if it is not public")
	}
	if u.Why == "" {
		p.add("why", "missing; say in a sentence why it is not asked")
	}
	oneOf(p, "severity", u.Severity, SeverityCritical, SeverityMajor, SeverityMinor, SeverityInformational)
	oneOf(p, "removal.method", u.Removal.Method, removalMethods()...)
	checkURL(p, "removal.lookup_url", u.Removal.LookupURL, "https")
	checkURL(p, "removal.url", u.Removal.URL, "https")
	for _, x := range [][2]string{
		{"operator", u.Operator}, {"why", u.Why}, {"reach", u.Reach}, {"advice", u.Advice}, {"removal.fix_first", u.Removal.FixFirst},
		{"removal.auto_expiry", u.Removal.AutoExpiry}, {"removal.typical", u.Removal.Typical}, {"removal.who_may_ask", u.Removal.WhoMayAsk},
	} {
		oneLine(p, x[0], x[1])
	}
	return errors.Join(p.errs...)
}

// aboutIt is what all tables of the catalogue except [[dead]] say in the same way.
type aboutIt struct {
	id, title, website, confidence, checked string
	sources                                 []string
}

func (a aboutIt) validate(p *problems) {
	if !word(a.id) {
		p.add("id", "want lower-case letters, digits and hyphens, at most 63, like \"my-list\"")
	}
	if a.title == "" {
		p.add("title", "missing; a name for people")
	}
	checkURL(p, "website", a.website, "https", "http")
	oneOf(p, "confidence", a.confidence, "", "high", "medium", "low")
	if _, err := time.Parse(time.DateOnly, a.checked); a.checked != "" && err != nil {
		p.add("checked", "%q: want a date, like 2026-01-31", a.checked)
	}
	oneLine(p, "title", a.title)
	for _, s := range a.sources {
		oneLine(p, "sources", s)
	}
}
