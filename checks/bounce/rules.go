package bounce

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
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
	zones   map[string]string
	homes   []home
	bare    []int // rules without phrases
}

// home is where a vendor's receivers live.
type home struct{ suffix, vendor string }

// compiled is a rule with its phrases as numbers of the matcher.
type compiled struct {
	Rule
	layer, rank         int
	any, all, none, tag []int
	re                  *regexp.Regexp
	codes               []codeRange
	home                []string
}

// BuiltinRules returns the rules that come with the program, parsed and proved
// by their own examples once.
func BuiltinRules() (*Rules, error) { return builtin() }

var builtin = sync.OnceValues(func() (*Rules, error) { return LoadRules(rules.Files) })

// catalogueZones gives every zone of the built-in list catalogue its id, so
// that a refusal that names any of them is about that list.
var catalogueZones = sync.OnceValues(func() (map[string]string, error) {
	lists, err := blocklists.Builtin()
	if err != nil {
		return nil, err
	}
	zones := make(map[string]string, len(lists))
	for _, z := range lists {
		for _, name := range append([]string{z.Zone}, z.Also...) {
			if name != "" && zones[name] == "" {
				zones[name] = z.ID
			}
		}
	}
	return zones, nil
})

// LoadRules reads every *.toml at the top of each file system, in order of name. A
// later file system is a layer above the earlier ones: its rules replace those
// of the same id and win over all others. Each layer's examples must match and
// its look-alikes must not, or the whole is refused with [ErrRules].
func LoadRules(layers ...fs.FS) (*Rules, error) {
	zones, err := catalogueZones()
	if err != nil {
		return nil, fmt.Errorf("list catalogue: %w", err)
	}
	r := &Rules{byID: map[string]int{}, zones: maps.Clone(zones)}
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
		if err := r.prove(layer); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// addFile reads one file strictly and compiles its rules.
func (r *Rules) addFile(name string, data []byte, layer int) error {
	var f ruleFile
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		var strict *toml.StrictMissingError
		var broken *toml.DecodeError
		switch {
		case errors.As(err, &strict) && len(strict.Errors) > 0:
			row, _ := strict.Errors[0].Position()
			return fmt.Errorf("%s line %d: unknown key %q: %w", name, row, strings.Join(strict.Errors[0].Key(), "."), ErrRules)
		case errors.As(err, &broken):
			row, _ := broken.Position()
			return fmt.Errorf("%s line %d: %s: %w", name, row, checks.Line(broken.Error(), 200), ErrRules)
		}
		return fmt.Errorf("%s: %s: %w", name, checks.Line(err.Error(), 200), ErrRules)
	}
	for zone, id := range f.Zones {
		r.zones[strings.ToLower(strings.TrimSuffix(zone, "."))] = id
	}
	for _, h := range f.Hosts {
		if f.Vendor != "" {
			r.homes = append(r.homes, home{strings.ToLower(h), f.Vendor})
		}
	}
	for _, rule := range f.Rules {
		if rule.Vendor == "" {
			rule.Vendor = f.Vendor
		}
		if rule.Remedy == "" {
			rule.Remedy = f.Remedy
		}
		if len(rule.Not) == 0 {
			rule.Not = f.Not
		}
		c, err := r.compile(rule, f.Hosts)
		if err != nil {
			return fmt.Errorf("%s: rule %q: %w: %w", name, checks.Line(rule.ID, 60), err, ErrRules)
		}
		c.layer = layer
		if i, known := r.byID[rule.ID]; known {
			if r.rules[i].layer == layer {
				return fmt.Errorf("%s: rule %q: there are two of that id: %w", name, rule.ID, ErrRules)
			}
			r.rules[i] = c
			continue
		}
		r.byID[rule.ID] = len(r.rules)
		r.rules = append(r.rules, c)
	}
	return nil
}

// compile checks a rule and gives its phrases numbers.
func (r *Rules) compile(rule Rule, hosts []string) (compiled, error) {
	c := compiled{Rule: rule}
	switch {
	case rule.ID == "" || rule.ID == RuleNone || len(rule.ID) > 60 || strings.ContainsFunc(rule.ID, func(b rune) bool { return !(b == '-' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z') }):
		return c, errors.New("id: give lower-case letters, digits and hyphens")
	case !rule.Category.known():
		return c, fmt.Errorf("category %q is not known", checks.Line(string(rule.Category), 40))
	case len(rule.Examples) == 0:
		return c, errors.New("examples: give at least one reply that it matches")
	case rule.Temporary != "" && rule.Temporary != "yes" && rule.Temporary != "no":
		return c, errors.New(`temporary is "yes" or "no"`)
	case len(rule.Any)+len(rule.All)+len(rule.Tags) == 0 && (len(rule.Codes) == 0 || len(rule.Hosts) == 0 && !rule.AtHome):
		return c, errors.New("give any, all or tags; or codes together with hosts")
	case rule.AtHome && len(hosts) == 0:
		return c, errors.New("at_home: the file has no hosts")
	}
	if c.Class == "" {
		c.Class = ClassPhrase
		if len(rule.Tags) > 0 {
			c.Class = ClassCode
		}
	}
	if !slices.Contains(classes, c.Class) {
		return c, fmt.Errorf("class %q is not known", checks.Line(string(c.Class), 40))
	}
	c.rank = c.Class.rank()
	for _, set := range []struct {
		from []string
		to   *[]int
		tag  bool
	}{{rule.Any, &c.any, false}, {rule.All, &c.all, false}, {rule.None, &c.none, false}, {rule.Tags, &c.tag, true}} {
		for _, p := range set.from {
			n, err := r.matcher.add(p, set.tag)
			if err != nil {
				return c, err
			}
			*set.to = append(*set.to, n)
		}
	}
	if rule.Regexp != "" {
		re, err := regexp.Compile(rule.Regexp)
		if err != nil {
			return c, fmt.Errorf("regexp: %s", checks.Line(err.Error(), 200))
		}
		c.re = re
	}
	for _, s := range rule.Codes {
		cr, ok := parseCodeRange(s)
		if !ok {
			return c, fmt.Errorf(`codes: %q is neither "550" nor "5.7.1" nor "5.7.606-649"`, checks.Line(s, 40))
		}
		c.codes = append(c.codes, cr)
	}
	for _, t := range rule.Address {
		if strings.Count(t, "{ip}") != 1 || strings.HasPrefix(t, "{") {
			return c, errors.New("address: write the words before {ip}")
		}
	}
	for _, t := range rule.Domain {
		if strings.Count(t, "{domain}") != 1 || strings.HasPrefix(t, "{") {
			return c, errors.New("domain: write the words before {domain}")
		}
	}
	c.home = rule.Hosts
	if rule.AtHome {
		c.home = append(slices.Clone(c.home), hosts...)
	}
	return c, nil
}

// finish makes the set ready for matching.
func (r *Rules) finish() {
	r.matcher.uses = make([][]int, len(r.matcher.phrases))
	r.bare = r.bare[:0]
	for i := range r.rules {
		c := &r.rules[i]
		if len(c.any)+len(c.all)+len(c.tag) == 0 {
			r.bare = append(r.bare, i)
			continue
		}
		// A rule comes up for trial when one of the phrases that it needs is seen.
		need := slices.Concat(c.any, c.tag)
		if len(need) == 0 {
			need = c.all[:1]
		}
		for _, p := range need {
			r.matcher.uses[p] = append(r.matcher.uses[p], i)
		}
	}
	r.matcher.build()
	slices.SortFunc(r.homes, func(a, b home) int { return len(b.suffix) - len(a.suffix) })
}

// ours is the part of the documentation addresses (RFC 5737, RFC 3849) that stands for our own in examples.
var oursInExamples = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}

// prove runs the examples and look-alikes of one layer, and says all that is wrong with them.
func (r *Rules) prove(layer int) error {
	var wrong []error
	for i := range r.rules {
		c := &r.rules[i]
		if c.layer != layer {
			continue
		}
		bad := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("rule %q: "+format+": %w", append(append([]any{c.ID}, args...), ErrRules)...))
		}
		for _, ex := range c.Examples {
			d, _ := diagnose(ex)
			j := r.Classify(d, c.exampleHost())
			if j.Rule != c.ID {
				bad("its example %q is won by rule %q", checks.Line(ex, 80), j.Rule)
				continue
			}
			if want := exampleAddress(ex); want.IsValid() && j.Address != want {
				bad("its example %q names %v, read as %v", checks.Line(ex, 80), want, j.Address)
			}
			if c.List != "" && j.Blocklist != c.List {
				bad("its example %q is read as naming list %q, not %q", checks.Line(ex, 80), j.Blocklist, c.List)
			}
			if len(c.Domain) > 0 && strings.Contains(strings.ToLower(ex), "example.org") && j.Domain == "" {
				bad("its example %q names a domain that was not read", checks.Line(ex, 80))
			}
		}
		for _, n := range c.Not {
			d, _ := diagnose(n)
			if j := r.Classify(d, c.exampleHost()); j.Rule == c.ID {
				bad("it matches %q, which it must not", checks.Line(n, 80))
			}
		}
	}
	return errors.Join(wrong...)
}

// exampleHost is a receiver that the rule accepts.
func (c *compiled) exampleHost() string {
	if len(c.home) > 0 {
		return "mx1." + strings.TrimPrefix(c.home[0], ".")
	}
	return ""
}

func exampleAddress(example string) netip.Addr {
	for w := range strings.FieldsFuncSeq(example, func(r rune) bool { return !(r == '.' || r == ':' || r >= '0' && r <= '9' || r >= 'a' && r <= 'f') }) {
		if a, ok := parseAddr(strings.Trim(w, ".:")); ok && slices.ContainsFunc(oursInExamples, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return a
		}
	}
	return netip.Addr{}
}

// IDs returns the ids of all rules, in the order of loading.
func (r *Rules) IDs() []string {
	ids := make([]string, len(r.rules))
	for i := range r.rules {
		ids[i] = r.rules[i].ID
	}
	return ids
}

// Rule returns the rule of that id.
func (r *Rules) Rule(id string) (Rule, bool) {
	i, ok := r.byID[id]
	if !ok {
		return Rule{}, false
	}
	return r.rules[i].Rule, true
}

// known says whether a rule may give the category.
func (c Category) known() bool {
	switch c {
	case Blocklist, IPReputation, DomainReputation, RateLimited, SpamContent, AuthFailure, RDNS, Policy, RelayDenied, RecipientFault, Network, System, Other:
		return true
	}
	return false
}
