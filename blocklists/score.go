package blocklists

import (
	"errors"
	"fmt"
	"net/netip"
)

// ScoreKind is what a [Score] tells.
type ScoreKind string

const (
	ScoreNumber ScoreKind = "score" // how good or bad a sender is, for nearly everybody
	ScoreAllow  ScoreKind = "allow" // an allow list: an entry is praise, and none is normal
	ScoreInfo   ScoreKind = "info"  // facts, such as the owner of a network
)

// TXT is how a [Score] is read whose answer is a text rather than a code.
const TXT Decode = "txt"

// Score is a zone whose answers are not listings but a score, praise, or facts. Its answer for a
// good sender looks like that of a blocklist for a bad one, so scores have a table of their own
// and are never asked as lists.
type Score struct {
	ID       string // shares its name space with Zone.ID
	Title    string
	Operator string
	Zone     string // without the key; it may be that of a list too
	KeyName  string // as in Zone
	Key      Key    // set by [Score.WithKey]
	Kind     ScoreKind
	Families []Family
	Decode   Decode // Exact, Any or TXT
	Codes    []Code // of class informational or good; listed where the operator itself calls it bad
	Refusals []Code
	// Octet says which octet of the answer, 1 to 4, is a number on a scale from Worst to Best; 0:
	// there is no number, and the class of a code says how good it is.
	Octet       int
	Worst, Best int
	// Below is the number under which people are told, Drop the fall within two weeks about which
	// they are; 0: none. Severity is that of what they are told; empty: informational for praise
	// that is lost, else minor.
	Below, Drop  int
	Severity     Severity
	Clean4       netip.Addr // an entry that must not exist; an answer for it means that we are refused
	Registration string
	Limits       string
	PerDay       int    // as in Zone
	Advice       string // how to read it, and when it matters
	Website      string
	Default      bool // worth asking without being told to
	Confidence   string
	Sources      []string
	Checked      string
	BuiltIn      bool   // from the embedded catalogue
	File         string // the catalogue file that it was read from
}

// ScoreSpec is a score as it is written in a file: a [[score]] of the catalogue, or a
// [[reputation.score]] of the configuration. [ScoreSpec.UserScore] makes a Score of the latter.
type ScoreSpec struct {
	ID           string     `toml:"id"`
	Title        string     `toml:"title"`
	Operator     string     `toml:"operator"`
	ZoneName     string     `toml:"zone"`
	Key          string     `toml:"key"`
	Kind         ScoreKind  `toml:"kind"`
	Families     []Family   `toml:"families"`
	Decode       Decode     `toml:"decode"`
	Codes        []CodeSpec `toml:"codes"`
	Refusals     []CodeSpec `toml:"refusals"`
	Octet        int        `toml:"octet"`
	Worst        int        `toml:"worst"`
	Best         int        `toml:"best"`
	Below        int        `toml:"below"`
	Drop         int        `toml:"drop"`
	Severity     Severity   `toml:"severity"`
	Clean4       string     `toml:"clean4"`
	Registration string     `toml:"registration"`
	Limits       string     `toml:"limits"`
	PerDay       int        `toml:"per_day"`
	Advice       string     `toml:"advice"`
	Website      string     `toml:"website"`
	Default      bool       `toml:"default"` // left out: false
	Confidence   string     `toml:"confidence"`
	Sources      []string   `toml:"sources"`
	Checked      string     `toml:"checked"`
}

// score returns the score, validated.
func (s ScoreSpec) score(checked, name string) (Score, error) {
	if s.Checked == "" {
		s.Checked = checked
	}
	// The zone, key and addresses are written and read as those of a list.
	z, err := Spec{ID: s.ID, ZoneName: s.ZoneName, Key: s.Key, Controls: ControlsSpec{Clean4: s.Clean4}}.zone()
	sc := Score{
		ID: s.ID, Title: s.Title, Operator: s.Operator, Zone: z.Zone, KeyName: z.KeyName, Kind: s.Kind, Families: s.Families, Decode: s.Decode,
		Octet: s.Octet, Worst: s.Worst, Best: s.Best, Below: s.Below, Drop: s.Drop, Severity: s.Severity,
		Codes: codes(s.Codes, Informational), Refusals: codes(s.Refusals, Refused), Clean4: z.Controls.Clean4,
		Registration: s.Registration, Limits: s.Limits, PerDay: s.PerDay, Advice: s.Advice, Website: s.Website, Default: s.Default,
		Confidence: s.Confidence, Sources: s.Sources, Checked: s.Checked, File: name,
	}
	return sc, errors.Join(err, sc.Validate())
}

// Validate says what is wrong with the score, all of it, joined.
func (s Score) Validate() error {
	p := &problems{kind: "score", id: s.ID}
	aboutIt{s.ID, s.Title, s.Website, s.Confidence, s.Checked, s.Sources}.validate(p)
	oneOf(p, "kind", s.Kind, ScoreNumber, ScoreAllow, ScoreInfo)
	oneOf(p, "registration", s.Registration, "", "none", "recommended", "required")
	if s.PerDay < 0 {
		p.add("per_day", "want questions a day, or 0 if no limit is known")
	}
	if s.Decode == TXT {
		if len(s.Codes) > 0 || len(s.Refusals) > 0 {
			p.add("codes", "a text has no codes")
		}
	} else if len(s.Codes) == 0 && s.Decode == Any { // else it is told below
		p.add("codes", "missing; without them an answer cannot be told from a listing")
	}
	s.validateScale(p)
	// What the name, the codes and the refusals must be is the same as for a list.
	z := Zone{ID: s.ID, Zone: s.Zone, KeyName: s.KeyName, Families: s.Families, Decode: s.Decode, Codes: s.Codes, Refusals: s.Refusals,
		Controls: Controls{Clean4: s.Clean4}}
	if z.Decode == TXT {
		z.Decode = Any
	}
	z.validateFamilies(p)
	z.validateNames(p)
	z.validateCodes(p)
	z.validateControls(p)
	for i, c := range s.Codes {
		if c.Class == Policy {
			p.add(fmt.Sprintf("codes[%d].class", i), "%q: a score is no policy", c.Class)
		}
	}
	for _, x := range [][2]string{{"operator", s.Operator}, {"limits", s.Limits}, {"advice", s.Advice}} {
		oneLine(p, x[0], x[1])
	}
	return errors.Join(p.errs...)
}

// validateScale checks the scale, and that Below and Drop are on it.
func (s Score) validateScale(p *problems) {
	oneOf(p, "severity", s.Severity, "", SeverityCritical, SeverityMajor, SeverityMinor, SeverityInformational)
	low, high := min(s.Worst, s.Best), max(s.Worst, s.Best)
	switch {
	case s.Octet == 0:
		if s.Worst != 0 || s.Best != 0 || s.Below != 0 || s.Drop != 0 {
			p.add("octet", "missing; a scale, below and drop are about a number, so say which octet of the answer it is, 1 to 4")
		}
	case s.Octet < 1 || s.Octet > 4 || s.Decode == TXT:
		p.add("octet", "want which octet of the answer is the number, 1 to 4")
	case low < 0 || high > 255 || low == high:
		p.add("best", "want a scale of two different numbers within 0 to 255: worst and best")
	case s.Below != 0 && (s.Below < low || s.Below > high):
		p.add("below", "want a number of the scale, %d to %d, or leave it out", low, high)
	case s.Drop < 0 || s.Drop > high-low:
		p.add("drop", "want how far it falls before it is told, at most %d", high-low)
	}
}
