package identity

import (
	"bytes"
	_ "embed" // requirements.toml
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"reputed/checks"
)

//go:embed requirements.toml
var requirementsText []byte

// Provider is a large receiver that says what it asks of senders.
type Provider struct {
	ID           string        `toml:"id"`
	Name         string        `toml:"name"`
	Covers       string        `toml:"covers"`
	Bulk         string        `toml:"bulk"`    // who counts as a bulk sender
	Since        string        `toml:"since"`   // 2024-02-01
	Source       string        `toml:"source"`  // page
	Checked      string        `toml:"checked"` // when it was read
	Requirements []Requirement `toml:"requirement"`
}

// Requirement is one thing that a provider asks for; the file says what its fields mean.
type Requirement struct {
	ID     string `toml:"id"`
	Who    string `toml:"who"` // "all" or "bulk"
	Text   string `toml:"text"`
	Needs  []Rule `toml:"needs"`
	Any    []Rule `toml:"any"`
	Rating string `toml:"rating"`
	Unseen string `toml:"unseen"`
}

var providers = sync.OnceValues(func() ([]Provider, error) { return readProviders(requirementsText) })

// Providers are the receivers whose requirements are known. An error is a mistake in the data, and the tests
// of this package do not let it out.
func Providers() ([]Provider, error) { return providers() }

func readProviders(text []byte) ([]Provider, error) {
	var file struct {
		Providers []Provider `toml:"provider"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, fmt.Errorf("requirements.toml: %w", err)
	}
	for _, p := range file.Providers {
		if p.ID == "" || p.Name == "" || checks.Link(p.Source) == "" || p.Checked == "" || len(p.Requirements) == 0 {
			return nil, fmt.Errorf("requirements.toml: provider %q: id, name, source, checked and requirements are needed", p.ID)
		}
		for _, r := range p.Requirements {
			for _, rule := range slices.Concat(r.Needs, r.Any) {
				if !slices.Contains(Rules(), rule) {
					return nil, fmt.Errorf("requirements.toml: %s %s: there is no rule %q", p.ID, r.ID, rule)
				}
			}
			switch {
			case r.ID == "" || r.Text == "" || r.Who != "all" && r.Who != "bulk":
				return nil, fmt.Errorf("requirements.toml: %s %q: id, text and who are needed", p.ID, r.ID)
			case len(r.Needs)+len(r.Any) == 0 && r.Unseen == "":
				return nil, fmt.Errorf("requirements.toml: %s %s: nothing says how it is known", p.ID, r.ID)
			}
		}
	}
	return file.Providers, nil
}

// Verdict is whether a requirement is met. What cannot be seen is not known, and never met.
type Verdict string

// The verdicts.
const (
	VerdictMet      Verdict = "met"
	VerdictNotMet   Verdict = "not-met"
	VerdictNotKnown Verdict = "not-known"
)

// Requires is how one requirement stands.
type Requires struct {
	Provider    Provider
	Requirement Requirement
	Verdict     Verdict
	Why         string // of all but met
}

// Require says which requirements the items show to be met. Rated gives the level of a rating ("good",
// "poor", "bad") and what it says; "" if there is none. It is a pure function.
func Require(all []Provider, items []Item, rated func(id string) (level, value string)) []Requires {
	var out []Requires
	for _, p := range all {
		for _, r := range p.Requirements {
			x := Requires{Provider: p, Requirement: r}
			x.Verdict, x.Why = r.judge(items, rated)
			out = append(out, x)
		}
	}
	return out
}

func (r Requirement) judge(items []Item, rated func(string) (string, string)) (Verdict, string) {
	if r.Rating != "" && rated != nil {
		switch level, value := rated(r.Rating); level {
		case "good", "poor": // poor is a warning before the limit is reached
			return VerdictMet, ""
		case "bad":
			return VerdictNotMet, value
		}
	}
	verdict, why := VerdictNotKnown, r.Unseen
	switch {
	case len(r.Any) > 0:
		verdict, why = anyOf(r.Any, items)
	case len(r.Needs) > 0:
		verdict, why = allOf(r.Needs, items)
	}
	if verdict == VerdictMet && r.Unseen != "" {
		return VerdictNotKnown, r.Unseen
	}
	return verdict, why
}

// allOf says whether every item of these rules is as it should be.
func allOf(rules []Rule, items []Item) (Verdict, string) {
	verdict, why := VerdictMet, ""
	for _, rule := range rules {
		seen := false
		for _, i := range items {
			if i.Rule != rule {
				continue
			}
			seen = true
			switch v := i.verdict(); {
			case v == VerdictNotMet:
				return v, i.short()
			case v == VerdictNotKnown && verdict == VerdictMet:
				verdict, why = v, i.short()
			}
		}
		if !seen && verdict == VerdictMet {
			verdict, why = VerdictNotKnown, "nothing was looked at that says it"
			switch rule {
			case RulePTR, RuleConfirmed:
				why = "no address was looked at"
			case RuleAuthorised:
				why = "no address is known that sends as the domain"
			case RuleSPF, RuleDKIM, RuleDMARC, RuleAlignment:
				why = "no sending domain was looked at"
			}
		}
	}
	return verdict, why
}

// anyOf says whether for every domain one of these rules is as it should be.
func anyOf(rules []Rule, items []Item) (Verdict, string) {
	type domain struct {
		met, open bool
		bad       string
	}
	domains := map[string]*domain{}
	var order []string
	refused := map[string]string{} // by domain, an address that its SPF does not let pass
	for _, i := range items {
		if i.Rule == RuleAuthorised && i.State == Bad {
			refused[i.Part] = i.short()
		}
	}
	for _, i := range items {
		if !slices.Contains(rules, i.Rule) {
			continue
		}
		id := i.Target.ID()
		d := domains[id]
		if d == nil {
			d = &domain{}
			domains[id] = d
			order = append(order, id)
		}
		switch v := i.verdict(); {
		case v == VerdictMet && i.Rule == RuleSPF && refused[id] != "":
			d.bad = refused[id]
		case v == VerdictMet && i.Rule == RuleDKIM: // there is a key; whether mails are signed is not seen
			d.open = true
		case v == VerdictMet:
			d.met = true
		case v == VerdictNotKnown:
			d.open = true
		default:
			d.bad = i.short()
		}
	}
	if len(order) == 0 {
		return VerdictNotKnown, "no sending domain was looked at"
	}
	verdict, why := VerdictMet, ""
	for _, id := range order {
		switch d := domains[id]; {
		case d.met:
		case d.open:
			verdict, why = VerdictNotKnown, id+": whether its mails are signed is not seen here"
		default:
			return VerdictNotMet, d.bad
		}
	}
	return verdict, why
}

// verdict is what an item says of a requirement that needs it. What is only weak meets it: no
// provider refuses a key of 1024 bits.
func (i Item) verdict() Verdict {
	switch {
	case i.State == Good || i.State == Advice:
		return VerdictMet
	case i.State != Bad:
		return VerdictNotKnown
	case i.Rule == RuleDKIM && i.Severity == checks.Minor, i.Rule == RuleConfirmed && i.Severity == checks.Minor && len(i.Evidence) > 1, i.Code == checks.CodeSPFOpen,
		i.Code == checks.CodeDMARC && i.weaker():
		return VerdictMet
	}
	return VerdictNotMet
}

// short is the item in a few words, for the end of a line: the reasons stand with the item itself.
func (i Item) short() string {
	text, _, _ := strings.Cut(strings.TrimPrefix(i.Text, "not known: "), ";")
	return i.Target.String() + ": " + text
}

// weaker says whether a DMARC record is sound, and only weaker than configuration wants.
func (i Item) weaker() bool {
	p, err := ParseDMARC(i.Value)
	return err == nil && !p.Assumed
}
