package bounce

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"reputed/checks"
)

// compile checks a rule and gives its phrases numbers.
func (r *Rules) compile(rule Rule, hosts []string) (compiled, error) {
	c := compiled{Rule: rule}
	if err := rule.check(hosts); err != nil {
		return c, err
	}
	if c.Class == "" {
		c.Class = ClassPhrase
		if len(rule.Tags) > 0 {
			c.Class = ClassCode
		}
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
	c.home = rule.Hosts
	if rule.AtHome {
		c.home = append(slices.Clone(c.home), hosts...)
	}
	return c, nil
}

// check says what is wrong with a rule of a file with these hosts, as far as it can be said before its phrases
// are looked at.
func (rule Rule) check(hosts []string) error {
	switch {
	case rule.ID == "" || rule.ID == RuleNone || rule.ID == RuleGreeting || len(rule.ID) > 60 || strings.Trim(rule.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return errors.New("id: give lower-case letters, digits and hyphens")
	case !rule.Category.known():
		return fmt.Errorf("category %q is not known", checks.Line(string(rule.Category), 40))
	case rule.Class != "" && !slices.Contains(classes, rule.Class):
		return fmt.Errorf("class %q is not known", checks.Line(string(rule.Class), 40))
	case placeheld(rule) != "":
		return fmt.Errorf("%s: write something in place of %q", placeheld(rule), Placeholder)
	case len(rule.Examples) == 0:
		return errors.New("examples: give at least one reply that it matches")
	case rule.Temporary != "" && rule.Temporary != "yes" && rule.Temporary != "no":
		return errors.New(`temporary is "yes" or "no"`)
	case len(rule.Any)+len(rule.All)+len(rule.Tags) == 0 && (len(rule.Codes) == 0 || len(rule.Hosts) == 0 && !rule.AtHome):
		return errors.New("give any, all or tags; or codes together with hosts")
	case rule.AtHome && len(hosts) == 0:
		return errors.New("at_home: the file has no hosts")
	}
	for _, of := range []struct {
		key, hole string
		templates []string
	}{{"address", "{ip}", rule.Address}, {"domain", "{domain}", rule.Domain}} {
		for _, t := range of.templates {
			if strings.Count(t, of.hole) != 1 || strings.HasPrefix(t, "{") {
				return fmt.Errorf("%s: write the words before %s", of.key, of.hole)
			}
		}
	}
	return nil
}

// placeheld is the key of a rule in which something is still to be written; "" for none.
func placeheld(rule Rule) string {
	for _, list := range []struct {
		key    string
		values []string
	}{{"any", rule.Any}, {"all", rule.All}, {"examples", rule.Examples}, {"not", rule.Not}} {
		if slices.ContainsFunc(list.values, func(v string) bool { return strings.Contains(v, Placeholder) }) {
			return list.key
		}
	}
	return ""
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
}

// oursInExamples is the part of the documentation addresses (RFC 5737, RFC 3849) that stands for our own in examples.
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
			wrong = append(wrong, fmt.Errorf("%s: rule %q: "+format+": %w", append(append([]any{c.at, c.ID}, args...), ErrRules)...))
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
		if len(c.Not) == 0 {
			bad("give at least one look-alike in not, which it must not match")
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
