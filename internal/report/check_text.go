package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// detailed is how many targets are shown with all that is known; the rest get a
// line each. A screen of evidence about the worst is more use than forty of them.
const detailed = 10

// checkText keeps what is not clean and sorts it at the end. Unanswered
// questions are counts of their list, except where the options want everything.
type checkText struct {
	found map[string][]Result // by target
	order []string            // targets with anything, as they came
	plain map[string][]string // with All: "clean" and unanswered, one word each, by target
}

func (t *checkText) result(r Result) {
	if t.found == nil {
		t.found, t.plain = map[string][]Result{}, map[string][]string{}
	}
	id := r.Target.ID()
	if r.found() {
		if len(t.found[id]) == 0 && len(t.plain[id]) == 0 {
			t.order = append(t.order, id)
		}
		r.Evidence = nil // text does not show it; a large network holds many
		t.found[id] = append(t.found[id], r)
		return
	}
	if r.Verdict == blocklists.Clean { // comes only with All
		if len(t.found[id]) == 0 && len(t.plain[id]) == 0 {
			t.order = append(t.order, id)
		}
		t.plain[id] = append(t.plain[id], r.List)
	}
}

// weight orders results: listed by severity, then policy, informational, good.
func weight(r Result) int { return 10*r.Verdict.Rank() + r.Severity.Rank() }

func (t *checkText) finish(c *Check) error {
	p := &page{Term: c.Term}
	for _, rs := range t.found {
		slices.SortStableFunc(rs, func(a, b Result) int {
			return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a.List, b.List))
		})
	}
	// Answers come in any order; two runs with the same answers read the same.
	slices.SortStableFunc(t.order, func(a, b string) int {
		return cmp.Or(cmp.Compare(t.weight(b), t.weight(a)), compareTargets(a, b))
	})
	for _, lists := range t.plain {
		slices.Sort(lists)
	}
	for i, id := range t.order {
		if i == detailed && !c.All {
			t.brief(p, c, t.order[i:])
			break
		}
		if i > 0 {
			p.blank()
		}
		t.target(p, c, id)
	}
	if len(t.order) > 0 {
		p.blank()
	}
	c.neighbours(p)
	c.notAsked(p)
	c.ownServers(p)
	c.forwarders(p)
	style := map[Level]style{LevelOK: good, LevelWarning: warn, LevelCritical: bad, LevelUnknown: unknown}[c.Level()]
	p.para(0, "", plain, c.Summary()+".", style)
	return p.writeTo(c.Out)
}

// compareTargets orders addresses by number and before names.
func compareTargets(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	switch {
	case errX == nil && errY == nil:
		return x.Compare(y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

func (t *checkText) weight(id string) int {
	if rs := t.found[id]; len(rs) > 0 {
		return weight(rs[0])
	}
	return 0
}

// target shows one target with everything found about it.
func (t *checkText) target(p *page, c *Check, id string) {
	head := p.paint(strong, id)
	if rs := t.found[id]; len(rs) > 0 && rs[0].Target.Pool != "" {
		head += p.paint(faint, "  pool "+checks.Line(rs[0].Target.Pool, 40))
	}
	if rs := t.found[id]; len(rs) > 0 {
		head += p.paint(faint, scope(rs[0].Target))
	}
	p.line(head)
	told := map[[2]string]bool{} // advice: on a bad day most lists give the same
	for _, r := range t.found[id] {
		word, s := verdictWord(r.Verdict, r.Severity)
		name := c.byID[r.List].name()
		if name != r.List {
			name += " (" + r.List + ")"
		}
		p.para(2, fmt.Sprintf("%-9s", word), s, name+"  "+codes(r), plain)
		label := func(l string) string { return fmt.Sprintf("%-7s", l) }
		if m := meanings(r); m != "" {
			p.para(11, label("means"), faint, m, plain)
		}
		if r.Reason != "" {
			p.para(11, label("says"), faint, clean(r.Reason), plain)
		}
		advice := [2]string{clean(r.Advice), clean(r.Command)}
		switch {
		case told[advice]:
			p.para(11, label("first"), faint, "as above", plain)
		default:
			if r.Advice != "" {
				p.para(11, label("first"), faint, advice[0], plain)
			}
			if r.Command != "" {
				p.command(18, advice[1])
			}
			told[advice] = advice != [2]string{}
		}
		if r.URL != "" {
			p.para(11, label("see"), faint, clean(r.URL), plain)
		}
	}
	if lists := t.plain[id]; len(lists) > 0 {
		p.para(2, fmt.Sprintf("%-9s", "clean"), good, strings.Join(lists, ", "), plain)
	}
}

// scope is what goes behind an IPv6 address; empty for everything else.
func scope(t checks.Target) string {
	p, ok := t.Scope()
	if !ok {
		return ""
	}
	return ", judged as " + p.String() + " by many lists"
}

// brief is one line for each of many targets.
func (t *checkText) brief(p *page, c *Check, ids []string) {
	p.heading(fmt.Sprintf("%s more", plural(len(ids), "target", "targets")))
	var rows [][]cell
	for _, id := range ids {
		rs := t.found[id]
		word, s := verdictWord(rs[0].Verdict, rs[0].Severity)
		var lists []string
		for _, r := range rs {
			lists = append(lists, r.List)
		}
		rows = append(rows, []cell{{text: id}, {word, s}, {text: strings.Join(lists, ", ")}})
	}
	p.grid(2, []column{{title: "TARGET"}, {title: "WORST"}, {title: "LISTS", flex: true}}, rows)
}

// notAsked says what could not be asked and why: first the run itself, then
// the lists.
func (c *Check) notAsked(p *page) {
	for _, f := range c.notes {
		p.para(0, "", plain, clean(f.Summary)+".", unknown)
		if do := f.Facts[checks.FactInstruction]; do != "" {
			p.para(2, "", plain, clean(do), plain)
		}
		p.blank()
	}
	groups := c.troubles()
	if len(groups) == 0 {
		return
	}
	p.line(p.paint(strong, "Not known"))
	for _, g := range groups {
		p.trouble(g)
	}
	p.blank()
}

// trouble writes which lists gave no usable answer, why, and what to do about it.
func (p *page) trouble(g trouble) {
	names := some(g.Lists, 12)
	if g.Operator != "" {
		names = g.Operator + ": " + names
	}
	p.para(2, fmt.Sprintf("%-9s", g.Trouble), unknown, names, plain)
	if g.Why != "" {
		p.para(11, "", plain, clean(g.Why), plain)
	}
	if g.Advice != "" && g.Advice != g.Why {
		p.para(11, "", plain, clean(g.Advice), plain)
	}
}

// trouble is what some lists did not answer, for one reason.
type trouble struct {
	Trouble  blocklists.Class
	Operator string // of lists that refuse: one operator, one thing to settle; empty: several
	Lists    []string
	Why      string
	Advice   string
	reason   string
}

// troubles groups the lists without a usable answer: those of an operator who
// refuses us, and those of one kind with one reason and one thing to do, whoever runs them.
func (c *Check) troubles() []trouble {
	var groups []trouble
	for _, l := range c.tallies {
		if l.Trouble == "" {
			continue
		}
		g := trouble{Trouble: l.Trouble, Why: clean(l.Why), Advice: clean(l.Advice), reason: reason(l)}
		// A list of one's own is its own operator as a rule, and that says nothing.
		if l.Trouble == blocklists.Refused && l.Zone.Operator != l.Zone.ID {
			g.Operator = clean(cmp.Or(l.Zone.Operator, l.Zone.Title, l.Zone.ID))
		}
		name := clean(l.Zone.ID)
		if n := l.unanswered(); n < l.Asked {
			name += fmt.Sprintf(" (%s of %s)", number(n), number(l.Asked))
		}
		i := slices.IndexFunc(groups, func(o trouble) bool {
			return o.Trouble == g.Trouble && (o.Operator == g.Operator && g.Operator != "" || o.reason == g.reason && o.Advice == g.Advice)
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, g)
		} else if groups[i].Operator != g.Operator {
			groups[i].Operator = "" // a public resolver is refused by many, in the same words
		}
		if len(groups[i].Lists) > 0 && groups[i].reason != groups[i].Why && groups[i].reason == g.reason {
			groups[i].Why = "each " + g.reason
		}
		groups[i].Lists = append(groups[i].Lists, name)
	}
	slices.SortStableFunc(groups, func(a, b trouble) int { return cmp.Compare(b.Trouble.Rank(), a.Trouble.Rank()) })
	return groups
}

// reason is why a list gave no usable answer, without the name of the list in
// front, so that the same reason of several lists is told once.
func reason(l *ListTally) string {
	why := clean(l.Why)
	for _, name := range []string{l.name(), clean(l.Zone.ID)} {
		if rest, ok := strings.CutPrefix(why, name+" "); ok {
			return rest
		}
	}
	return why
}

// verdictWord is the word that a person reads for a verdict, and its style.
func verdictWord(v blocklists.Class, s checks.Severity) (string, style) {
	switch v {
	case blocklists.Listed:
		return severityWord(s)
	case blocklists.Policy:
		return "policy", warn
	case blocklists.Informational:
		return "info", info
	case blocklists.Good, blocklists.Clean:
		return string(v), good
	}
	return string(v), unknown
}

// severityWord is a severity as text shows it, in at most eight letters.
func severityWord(s checks.Severity) (string, style) {
	switch s {
	case checks.Critical, checks.Major:
		return string(s), bad
	case checks.Informational:
		return "info", info
	}
	return string(cmp.Or(s, checks.Minor)), warn
}

func codes(r Result) string {
	var parts []string
	for _, a := range r.Codes {
		parts = append(parts, a.String())
	}
	return strings.Join(parts, ", ")
}

func meanings(r Result) string {
	var parts []string
	for _, m := range r.Meanings {
		if m != "" && !slices.Contains(parts, clean(m)) {
			parts = append(parts, clean(m))
		}
	}
	return strings.Join(parts, "; ")
}

// ownServers tells of the lists that were asked at their own name servers.
func (c *Check) ownServers(p *page) {
	var names []string
	for _, l := range c.asked() {
		if l.Path == "authoritative" {
			names = append(names, l.name())
		}
	}
	if len(names) > 0 {
		whose := "its"
		if len(names) > 1 {
			whose = "their"
		}
		p.para(0, "", plain, "asked at "+whose+" own name servers: "+strings.Join(names, ", "), plain)
		p.blank()
	}
}

// forwarders tells of the lists that were asked at a forwarder, and which.
func (c *Check) forwarders(p *page) {
	var names []string
	for _, l := range c.asked() {
		if l.Path == "forwarder" {
			names = append(names, l.name()+" ("+strings.Join(l.Servers, ", ")+")")
		}
	}
	if len(names) > 0 {
		p.para(0, "", plain, "asked at a forwarder: "+strings.Join(names, ", "), plain)
		p.blank()
	}
}
