package identity

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"reputed/checks"
	"reputed/probes"
)

// maxEvaluated is how many addresses of one domain SPF is evaluated for. Of more, the first are.
const maxEvaluated = 4096

// maxAdded is how many ranges are written into a mended record at most.
const maxAdded = 12

func (b *book) spfEvidence(name string, a Audit) checks.Evidence {
	if a.Text != "" {
		return b.evidence(name, probes.TypeTXT, a.Text)
	}
	found := b.get(name, probes.TypeTXT).txt(IsSPF)
	if len(found) > 0 {
		return b.evidence(name, probes.TypeTXT, found...)
	}
	return b.evidence(name, probes.TypeTXT)
}

// spf judges the SPF record itself.
func (b *book) spf(d Domain, a Audit, signed bool) []Item {
	name := d.MailFrom()
	i := Item{Target: d.Target, Rule: RuleSPF, Value: a.Text, Evidence: []checks.Evidence{b.spfEvidence(name, a)}}
	bad := func(severity checks.Severity, code checks.Code, text string, fix Fix) []Item {
		i.State, i.Severity, i.Code, i.Text, i.Fix = Bad, severity, code, text, fix
		return []Item{i}
	}
	of := ""
	if name != d.Target.Name {
		of = " of its return path " + name
	}
	switch {
	case a.None:
		severity := checks.Major
		if signed { // Google: SPF or DKIM
			severity = checks.Minor
		}
		return bad(severity, checks.CodeSPF, "there is no SPF record"+of, Fix{"Publish this record, with all that sends as it:", name + `. TXT "` + fresh(d.Addresses) + `"`})
	case len(a.Broken) > 0:
		items := bad(checks.Major, checks.CodeSPF, "the SPF record"+of+" is broken (permerror), and counts for nothing: "+a.Broken[0], Fix{Do: cure(a)})
		items[0].More = slices.Concat(a.Broken[1:], a.costs())
		return items
	case a.Unknown.err != nil:
		i.State, i.Text = Unknown, "not known: "+a.Unknown.why()
		return []Item{i}
	}
	if a.All == Pass || everybody(a) {
		return bad(checks.Minor, checks.CodeSPFOpen, "the SPF record"+of+" authorises everybody, and some receivers hold that against the domain",
			Fix{"Publish this in its place, with all that sends as it:", name + `. TXT "` + fresh(d.Addresses) + `"`})
	}
	i.State, i.Text = Good, "is published"+of+endWord(a.All)
	i.More = slices.Clone(a.Weak)
	if a.All == 0 || a.All == Neutral {
		i.State, i.Text = Advice, "the SPF record"+of+" says nothing of those that it does not name"
		i.Fix = Fix{Do: "End it in ~all, or in -all once you know all that sends as you."}
	} else if len(a.Weak) > 0 {
		i.State, i.Text, i.More = Advice, "the SPF record"+of+": "+a.Weak[0], a.Weak[1:]
		i.Fix = Fix{Do: "Correct that part of the record."}
	}
	void, whom := a.voidFor(d.Addresses)
	limits := Item{Target: d.Target, Rule: RuleSPFLimits, State: Good, Text: fmt.Sprintf("%d of %d look-ups, %d of %d that find nothing", a.Lookups, maxLookups, void, maxVoid)}
	if whom != "" {
		limits.Text += " for " + whom
	}
	if a.Lookups >= maxLookups-1 || void >= maxVoid {
		limits.State, limits.More, limits.Fix = Advice, a.costs(), Fix{Do: cure(a)}
		if void <= maxVoid {
			limits.Text += "; the next one breaks the record"
		} else {
			limits.Text += "; receivers that count them reject the record unless an earlier term matches"
		}
	}
	return []Item{i, limits}
}

func endWord(q Qualifier) string {
	switch q {
	case Fail:
		return ", and refuses all others (-all)"
	case SoftFail:
		return ", and marks all others (~all)"
	}
	return ""
}

// everybody says whether a term of the record itself lets everybody pass.
func everybody(a Audit) bool {
	terms, _ := ParseSPF(a.Text)
	return slices.ContainsFunc(terms, func(t Term) bool {
		return t.Qualifier == Pass && (t.Kind == IP4 || t.Kind == IP6) && t.Prefix.Bits() == 0
	})
}

// costs is what each term of the record costs, dearest first, for those that cost something.
func (a Audit) costs() []string {
	costs := slices.Clone(a.Costs)
	slices.SortStableFunc(costs, func(x, y Cost) int { return y.Lookups - x.Lookups })
	var out []string
	for _, c := range costs {
		out = append(out, fmt.Sprintf("%s: %s", checks.Line(c.Term, 60), checks.Plural(c.Lookups, "look-up")))
	}
	return out
}

// cure is what to do about a record that is broken, or about to be.
func cure(a Audit) string {
	switch {
	case a.Lookups >= maxLookups-1:
		return "Remove what nobody sends by any more, write ip4: and ip6: in place of a and mx, or give a sender a domain of its own (news.example.org) with its own record."
	case a.Void >= maxVoid:
		return "Remove the terms whose names do not exist any more."
	case max(a.Void4, a.Void6) >= maxVoid && a.Text != "" && len(a.Broken) == 0:
		return noFamily
	case a.Text == "":
		return "Put all terms into one record, and remove the others."
	}
	return "Correct or remove that term; every name in the record must exist, and every included one must have a record."
}

// noFamily is what to do about names that have addresses of one family only.
const noFamily = "Write ip4: and ip6: terms in place of a and mx: a name that has no address of the sender's family is a look-up that finds nothing, and receivers stop after two."

// fresh is a first record for addresses.
func fresh(all []Address) string {
	words := []string{"v=spf1"}
	var b netipx.IPSetBuilder
	for _, a := range all {
		b.Add(a.Target.Addr)
	}
	added := ranges(&b)
	if len(added) == 0 || len(added) > maxAdded {
		added = []string{"mx"}
	}
	return strings.Join(append(append(words, added...), "~all"), " ")
}

// ranges are the terms that stand for a set of addresses.
func ranges(b *netipx.IPSetBuilder) []string {
	set, err := b.IPSet()
	if err != nil {
		return nil
	}
	var out []string
	for _, p := range set.Prefixes() {
		kind, word := IP6, p.String()
		if p.Addr().Is4() {
			kind = IP4
		}
		if p.IsSingleIP() {
			word = p.Addr().String()
		}
		out = append(out, string(kind)+":"+word)
	}
	return out
}

// mended is the record with more addresses, put before the terms that end it; empty if it
// would become too long to be written out.
func mended(record string, missing *netipx.IPSetBuilder) string {
	added := ranges(missing)
	if len(added) == 0 || len(added) > maxAdded {
		return ""
	}
	words := strings.Fields(record)
	at := len(words)
	for i, w := range words[1:] {
		t, err := parseTerm(w)
		// In front of what refuses or ends, since the first match decides (RFC 7208 section 4.6.2).
		if err == nil && (t.Kind == All || t.Kind == Redirect || t.Kind == Exp || t.Kind != "" && t.Qualifier != Pass) {
			at = i + 1
			break
		}
	}
	out := strings.Join(slices.Insert(slices.Clone(words), at, added...), " ")
	if len(out) > MaxRecord {
		return ""
	}
	return out
}

// authorised judges for each address that sends as the domain whether SPF passes for it, and says for how many it does.
func (b *book) authorised(d Domain, a Audit) (items []Item, passes int) {
	name := d.MailFrom()
	if a.None || a.Unknown.err != nil && a.Text == "" || len(a.Broken) > 0 {
		return nil, 0 // the record itself is the trouble
	}
	type failed struct {
		at     int
		result Result
	}
	var missing netipx.IPSetBuilder
	var wrong []failed
	for n, sender := range d.Addresses {
		i := Item{Target: sender.Target, Rule: RuleAuthorised, Part: name, Value: a.Text, Evidence: []checks.Evidence{b.spfEvidence(name, a)}}
		if n >= maxEvaluated {
			break
		}
		result, why := b.evaluate(name, sender.Target.Addr)
		switch result {
		case ResultPass:
			passes++
			i.State, i.Text = Good, "passes SPF of "+name
		case ResultTempError, ResultPermError: // a broken record was told; what is broken only on the way to this address is as if not known
			i.State, i.Text = Unknown, fmt.Sprintf("not known whether it passes SPF of %s: %s", name, why)
			if result == ResultPermError && a.Unknown.err == nil {
				i.State, i.Severity, i.Code = Bad, eased(checks.Major, sender.Spare), checks.CodeUnauthorised
				i.Text = fmt.Sprintf("the SPF record of %s is broken for it: %s", name, why)
				i.Fix = Fix{Do: cure(a)}
			}
		default:
			wrong = append(wrong, failed{len(items), result})
			missing.Add(sender.Target.Addr)
			i.State, i.Severity, i.Code = Bad, eased(checks.Minor, sender.Spare), checks.CodeUnauthorised
			if result == ResultFail {
				i.Severity = eased(checks.Major, sender.Spare)
			}
			i.Text = fmt.Sprintf("SPF of %s does not pass for it (%s)", name, result)
		}
		items = append(items, i)
	}
	if len(wrong) == 0 {
		return items, passes
	}
	fix := Fix{Do: fmt.Sprintf("Add what is missing to the SPF record of %s, or take it out of the pool if it does not send as %s.", name, d.Target.Name)}
	if record := mended(a.Text, &missing); record != "" {
		fix = Fix{fmt.Sprintf("Publish this in place of the SPF record of %s, if it does send as it:", name), name + `. TXT "` + record + `"`}
	}
	for _, w := range wrong {
		items[w.at].Fix = fix
	}
	return items, passes
}
