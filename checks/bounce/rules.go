package bounce

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/bounce/rules"
)

// Class is how telling a rule is. A rule of a higher class beats every rule of
// a lower one, whatever their length; within a class the longer match wins.
type Class string

const (
	ClassCode     Class = "code"     // a provider's own tag: S3140, TSS04
	ClassPhrase   Class = "phrase"   // a vendor's own words
	ClassList     Class = "list"     // the zone, page or name of a blocklist
	ClassTemplate Class = "template" // a sentence of an MTA whose variable part names the list
	ClassGeneric  Class = "generic"  // words that many servers use
	ClassBroad    Class = "broad"    // words that say little: "access denied", "try again later"
)

// rank orders classes; the most telling is the highest.
func (c Class) rank() int {
	return len(classes) - slices.Index(classes, c)
}

// certainty is how sure a rule of the class is.
func (c Class) certainty() Certainty {
	switch c {
	case ClassCode, ClassPhrase, ClassList:
		return Certain
	case ClassTemplate, ClassGeneric:
		return Likely
	}
	return Guess
}

var classes = []Class{ClassCode, ClassPhrase, ClassList, ClassTemplate, ClassGeneric, ClassBroad}

// Rule says what a refusal means. It matches if one phrase of Any or one tag
// of Tags is in the reply, all of All are, none of None is, and what Regexp,
// Codes and Hosts ask for is true as well. A rule needs Any, All or Tags; one
// that has Codes may do without if it has Hosts too.
type Rule struct {
	ID       string   `toml:"id"`
	Category Category `toml:"category"`
	Class    Class    `toml:"class"`  // default: phrase, or code if there are Tags
	Vendor   string   `toml:"vendor"` // default: the file's
	Remedy   string   `toml:"remedy"` // runbook; default: the file's

	Any    []string `toml:"any"`     // phrases, matched without regard to case and width of white space; at least 4 bytes each
	All    []string `toml:"all"`     // phrases, likewise
	None   []string `toml:"none"`    // phrases, likewise
	Tags   []string `toml:"tags"`    // a provider's codes, matched exactly and as whole words
	Regexp string   `toml:"regexp"`  // tried only where the phrases match; on the folded, lower-case reply
	Codes  []string `toml:"codes"`   // SMTP codes ("550", "5" for the class) or enhanced codes ("5.7.1", "5.7.606-649")
	Hosts  []string `toml:"hosts"`   // the receiver's name must end in one of these
	AtHome bool     `toml:"at_home"` // it must end in one of the file's hosts

	Personal  bool     `toml:"personal"`  // of a policy: one recipient's or customer's own choice, not about the sender's reputation
	Temporary string   `toml:"temporary"` // "yes" or "no" where the reply code does not tell the truth
	List      string   `toml:"list"`      // blocklist named: its catalogue id, or the zone where the catalogue knows it as a part of another list or not at all
	Address   []string `toml:"address"`   // where our address stands, as "messages from {ip}"; needed only where it is not plain
	Domain    []string `toml:"domain"`    // where our domain stands, as "domain [{domain}]"

	Examples []string `toml:"examples"` // replies that this rule must win; 192.0.2.0/24 and 2001:db8::/32 in them are addresses of ours
	Not      []string `toml:"not"`      // look-alikes that it must not match
}

// ruleFile is one file of rules.
type ruleFile struct {
	Vendor string            `toml:"vendor"` // who speaks in this file's rules
	Remedy string            `toml:"remedy"`
	Hosts  []string          `toml:"hosts"` // names of the vendor's receivers end in these
	Not    []string          `toml:"not"`   // look-alikes for the rules that name none of their own
	Rules  []Rule            `toml:"rule"`
	Zones  map[string]string `toml:"zones"` // zone of a blocklist to its catalogue id
	Homes  map[string]string `toml:"homes"` // where names of receivers end, to the vendor whose they are
}

// ErrRules says that rule files cannot be used; the text says which rule of
// which file, and why. Trying again does not help.
var ErrRules = errors.New("bad rules")

// Rules is a set of rules ready for matching. It is never changed after
// [LoadRules], and safe for concurrent use.
type Rules struct {
	rules   []compiled
	byID    map[string]int
	matcher matcher
	lists   blocklists.Names
	zones   map[string]string // what the files of rules add to lists
	homes   map[string]string // where names of receivers end, to the vendor
	bare    []int             // rules without phrases
}

// compiled is a rule with its phrases as numbers of the matcher.
type compiled struct {
	Rule
	at                  string // file and line
	layer, rank         int
	any, all, none, tag []int
	re                  *regexp.Regexp
	codes               []codeRange
	home                []string
}

// BuiltinRules returns the rules that come with the program, parsed and proved
// by their own examples once.
func BuiltinRules() (*Rules, error) { return builtin() }

var builtin = sync.OnceValues(func() (*Rules, error) {
	c, err := blocklists.BuiltinCatalog()
	if err != nil {
		return nil, err
	}
	return LoadRules(c.Names(), rules.Files)
})

// WithLists are the same rules for a reader who knows other lists: what a refusal names is
// looked up among these.
func (r *Rules) WithLists(lists blocklists.Names) *Rules {
	with := *r
	with.lists = lists.With(r.zones)
	return &with
}

// LoadRules reads every *.toml at the top of each file system, in order of name. A
// later file system is a layer above the earlier ones: its rules replace those
// of the same id and win over all others. Each layer's examples must match and
// its look-alikes must not, or the whole is refused with [ErrRules]. Lists are those that a
// refusal may name.
func LoadRules(lists blocklists.Names, layers ...fs.FS) (*Rules, error) {
	r := &Rules{homes: map[string]string{}, byID: map[string]int{}, lists: lists, zones: map[string]string{}}
	r.matcher.init()
	for layer, fsys := range layers {
		names, err := fs.Glob(fsys, "*.toml")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				return nil, err
			}
			if err := r.addFile(name, data, layer); err != nil {
				return nil, err
			}
		}
		r.finish()
		r.lists = r.lists.With(r.zones)
		if err := r.prove(layer); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// decodeRules reads one file strictly.
func decodeRules(name string, data []byte) (ruleFile, error) {
	var f ruleFile
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	if err == nil {
		return f, nil
	}
	var strict *toml.StrictMissingError
	var broken *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		row, _ := strict.Errors[0].Position()
		return f, fmt.Errorf("%s line %d: unknown key %q: %w", name, row, strings.Join(strict.Errors[0].Key(), "."), ErrRules)
	case errors.As(err, &broken):
		row, _ := broken.Position()
		return f, fmt.Errorf("%s line %d: %s: %w", name, row, checks.Line(broken.Error(), 200), ErrRules)
	}
	return f, fmt.Errorf("%s: %s: %w", name, checks.Line(err.Error(), 200), ErrRules)
}

// addFile reads one file and compiles its rules.
func (r *Rules) addFile(name string, data []byte, layer int) error {
	f, err := decodeRules(name, data)
	if err != nil {
		return err
	}
	for zone, id := range f.Zones {
		r.zones[strings.ToLower(strings.TrimSuffix(zone, "."))] = id
	}
	for suffix, vendor := range f.Homes {
		suffix = strings.ToLower(strings.Trim(suffix, "."))
		if !strings.Contains(suffix, ".") || vendor == "" {
			return fmt.Errorf("%s: homes: give the end of a host name and a vendor, not %q: %w", name, checks.Line(suffix, 60), ErrRules)
		}
		r.homes[suffix] = checks.Line(vendor, 60)
	}
	for _, h := range f.Hosts {
		if f.Vendor != "" {
			r.homes[strings.ToLower(h)] = f.Vendor
		}
	}
	lines := ruleLines(data)
	for n, rule := range f.Rules {
		at := name
		if n < len(lines) {
			at = fmt.Sprintf("%s line %d", name, lines[n])
		}
		rule.Vendor, rule.Remedy = cmp.Or(rule.Vendor, f.Vendor), cmp.Or(rule.Remedy, f.Remedy)
		if len(rule.Not) == 0 {
			rule.Not = f.Not
		}
		c, err := r.compile(rule, f.Hosts)
		if err != nil {
			return fmt.Errorf("%s: rule %q: %w: %w", at, checks.Line(rule.ID, 60), err, ErrRules)
		}
		c.layer, c.at = layer, at
		if i, known := r.byID[rule.ID]; known {
			if r.rules[i].layer == layer {
				return fmt.Errorf("%s: rule %q: there are two of that id: %w", at, rule.ID, ErrRules)
			}
			r.rules[i] = c
			continue
		}
		r.byID[rule.ID] = len(r.rules)
		r.rules = append(r.rules, c)
	}
	return nil
}

// ruleLines are the lines on which rules begin, so that an error can say where to look.
func ruleLines(data []byte) (at []int) {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if bytes.HasPrefix(bytes.ReplaceAll(bytes.TrimLeft(line, " \t"), []byte(" "), nil), []byte("[[rule]]")) {
			at = append(at, n)
		}
	}
	return at
}

// known says whether a rule may give the category.
func (c Category) known() bool {
	switch c {
	case Blocklist, IPReputation, DomainReputation, RateLimited, SpamContent, AuthFailure, RDNS, Policy, RelayDenied, RecipientFault, Network, System, Other:
		return true
	}
	return false
}
