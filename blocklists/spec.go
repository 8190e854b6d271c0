package blocklists

import (
	"cmp"
	"errors"
	"net/netip"
	"strings"
)

// Spec is a list as it is written in a file: a [[list]] of a catalogue, or a [[blocklists.list]]
// of the configuration. Both have the same keys, and whoever decodes it must refuse unknown ones.
// [Spec.Zone] and [Spec.UserZone] make a Zone of it.
type Spec struct {
	ID           string       `toml:"id"`
	Title        string       `toml:"title"`
	Operator     string       `toml:"operator"`
	ZoneName     string       `toml:"zone"` // "{key}." in front: a subscriber's key stands there
	Key          string       `toml:"key"`  // name of the key in the configuration; left out: the id
	KeyOptional  bool         `toml:"key_optional"`
	Also         []string     `toml:"also"`
	Parent       string       `toml:"parent"`
	Families     []Family     `toml:"families"`
	Names        NameForm     `toml:"names"` // full, organisational, both; left out: both
	Decode       Decode       `toml:"decode"`
	Codes        []CodeSpec   `toml:"codes"`
	Refusals     []CodeSpec   `toml:"refusals"`
	Controls     ControlsSpec `toml:"controls"`
	Severity     Severity     `toml:"severity"`
	Reach        string       `toml:"reach"`
	Removal      RemovalSpec  `toml:"removal"`
	Registration string       `toml:"registration"`
	Public       string       `toml:"public_resolver"`
	Limits       string       `toml:"limits"`
	Rate         float64      `toml:"rate"`
	PerDay       int          `toml:"per_day"`
	Terms        string       `toml:"terms"`
	Advice       string       `toml:"advice"`
	Website      string       `toml:"website"`
	Default      *bool        `toml:"default"` // left out: true
	Tags         []string     `toml:"tags"`
	Confidence   string       `toml:"confidence"`
	Sources      []string     `toml:"sources"`
	Checked      string       `toml:"checked"`
	Seen         string       `toml:"seen"`
}

// CodeSpec is a [Code] as it is written.
type CodeSpec struct {
	Match    string   `toml:"match"`
	Meaning  string   `toml:"meaning"`
	Class    Class    `toml:"class"` // left out: listed; "neutral" is what some operators call informational
	Severity Severity `toml:"severity"`
	Fix      string   `toml:"fix"`
}

// ControlsSpec is [Controls] as they are written.
type ControlsSpec struct {
	Listed4    string `toml:"listed4"`
	Clean4     string `toml:"clean4"`
	Listed6    string `toml:"listed6"`
	Clean6     string `toml:"clean6"`
	ListedName string `toml:"listed_name"`
	CleanName  string `toml:"clean_name"`
	ListedCode string `toml:"listed_code"`
	Note       string `toml:"note"`
}

// RemovalSpec is [Removal] as it is written.
type RemovalSpec struct {
	Method     string `toml:"method"`
	LookupURL  string `toml:"lookup_url"`
	URL        string `toml:"url"`
	FixFirst   string `toml:"fix_first"`
	AutoExpiry string `toml:"auto_expiry"`
	Typical    string `toml:"typical"`
	PayNever   bool   `toml:"pay_never"`
	WhoMayAsk  string `toml:"who_may_ask"`
}

// Zone returns the list, with names in lower case and without final dot but nothing added, and
// validated. The error joins everything that is wrong, each with its field.
func (s Spec) Zone() (Zone, error) {
	z, err := s.zone()
	if err = errors.Join(err, z.Validate()); err != nil {
		return Zone{}, err
	}
	return z, nil
}

// UserZone returns a list that the configuration defines, with the defaults of [UserZone] filled
// in. With default = false it is known, but asked only if it is enabled by id or tag.
func (s Spec) UserZone() (Zone, error) {
	z, err := s.zone()
	user, errUser := UserZone(z)
	if err = errors.Join(err, errUser); err != nil {
		return Zone{}, err
	}
	user.Default = z.Default
	return user, nil
}

// UserZone fills in what a user-defined list leaves out, and validates it. Only ID and Zone are
// needed. By default the list serves IPv4, any code of 127.0.0.2 to 127.0.0.254 is a listing of
// minor severity, it is asked, and it has the control points of RFC 5782 section 5 for what it
// serves. If Controls.Note says why a list has no control points, it gets none.
func UserZone(z Zone) (Zone, error) {
	z.ID, z.Zone = strings.TrimSpace(z.ID), normalName(z.Zone)
	if z.Title == "" {
		z.Title = z.ID // not the zone: that of a subscriber may hold a key
	}
	if z.Operator == "" {
		z.Operator = z.ID
	}
	if len(z.Families) == 0 {
		z.Families = []Family{IPv4}
	}
	if z.Decode == "" {
		z.Decode = Any
	}
	if z.Severity == "" {
		z.Severity = SeverityMinor
	}
	if z.Reach == "" {
		z.Reach = "A list of your own configuration."
	}
	if z.Controls == (Controls{}) {
		z.Controls = RFC5782Controls(z.Families...)
	}
	z.Default, z.BuiltIn = true, false
	if err := z.Validate(); err != nil {
		return Zone{}, err
	}
	return z, nil
}

// keyLabel is where the key goes in a zone as it is written.
const keyLabel = "{key}."

// zone converts field by field; the error is about addresses and keys that cannot be read.
func (s Spec) zone() (Zone, error) {
	p := &problems{kind: "list", id: s.ID}
	addr := func(field, text string) netip.Addr {
		a, err := netip.ParseAddr(text)
		if text != "" && (err != nil || a.Zone() != "") {
			p.add("controls."+field, "%q is no address; want one like 127.0.0.2 or ::ffff:127.0.0.2", text)
			return netip.Addr{}
		}
		return a
	}
	z := Zone{
		ID: s.ID, Title: s.Title, Operator: s.Operator, Zone: normalName(s.ZoneName),
		Families: s.Families, Names: s.Names, Decode: s.Decode,
		Codes: codes(s.Codes, Listed), Refusals: codes(s.Refusals, Refused),
		Controls: Controls{
			Listed4: addr("listed4", s.Controls.Listed4), Clean4: addr("clean4", s.Controls.Clean4),
			Listed6: addr("listed6", s.Controls.Listed6), Clean6: addr("clean6", s.Controls.Clean6),
			ListedName: s.Controls.ListedName, CleanName: s.Controls.CleanName,
			ListedCode: addr("listed_code", s.Controls.ListedCode), Note: s.Controls.Note,
		},
		Severity: s.Severity, Reach: s.Reach, Removal: Removal(s.Removal),
		Registration: s.Registration, PublicResolver: s.Public, Limits: s.Limits, Rate: s.Rate, PerDay: s.PerDay, Terms: s.Terms, Advice: s.Advice, Website: s.Website,
		Default: s.Default == nil || *s.Default, Tags: s.Tags,
		Confidence: s.Confidence, Sources: s.Sources, Checked: s.Checked, Seen: s.Seen,
	}
	z.Parent, z.KeyOptional = s.Parent, s.KeyOptional
	if zone, keyed := strings.CutPrefix(z.Zone, keyLabel); keyed {
		z.Zone, z.KeyName = zone, cmp.Or(s.Key, s.ID)
	} else if s.Key != "" || s.KeyOptional {
		p.add("key", "the zone has no place for it: write %q in front of it", keyLabel)
	}
	for _, a := range s.Also {
		z.Also = append(z.Also, normalName(a))
	}
	return z, errors.Join(p.errs...)
}

func codes(specs []CodeSpec, class Class) []Code {
	var out []Code
	for _, s := range specs {
		c := Code{Match: s.Match, Meaning: s.Meaning, Class: s.Class, Severity: s.Severity, Fix: s.Fix}
		switch c.Class {
		case "":
			c.Class = class
		case "neutral":
			c.Class, c.Neutral = Informational, true
		}
		out = append(out, c)
	}
	return out
}
