package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/probes"
)

// Address is one address that mail leaves from.
type Address struct {
	Target checks.Target
	HELO   []string // the names that it greets with, as configured; none: not known
	// Spare says that it belongs to a range of which not every address is known to send. What is missing there costs less.
	Spare bool
}

// reverseName is the name that the PTR record of an address stands at, with a final dot.
func reverseName(addr netip.Addr) string {
	zone := ip6
	if addr.Is4() {
		zone = inAddr
	}
	return zone.QueryName(addr)
}

// lookAddresses asks all that judging these addresses needs, in three rounds of questions.
func (b *book) lookAddresses(all []Address) {
	var first, second []probes.Question
	for _, a := range all {
		first = append(first, probes.Question{Name: reverseName(a.Target.Addr), Type: probes.TypePTR})
		for _, name := range a.HELO {
			first = append(first, question(name, family(a.Target.Addr)))
		}
	}
	b.look(first...)
	for _, a := range all {
		for _, name := range b.ptrNames(a.Target.Addr) {
			second = append(second, question(name, family(a.Target.Addr)))
		}
	}
	b.look(second...)
}

// family is the record type that holds addresses of this kind.
func family(addr netip.Addr) probes.Type {
	if addr.Is4() {
		return probes.TypeA
	}
	return probes.TypeAAAA
}

// maxPTR is how many PTR names of one address are confirmed. Receivers stop somewhere, too
// (RFC 7208 section 4.6.4: after ten).
const maxPTR = 10

// ptrNames are the PTR names of an address that can be host names.
func (b *book) ptrNames(addr netip.Addr) []string {
	var names []string
	for _, r := range b.get(reverseName(addr), probes.TypePTR).Records {
		if t, err := checks.Domain(r.Text); err == nil && len(names) < maxPTR && !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names
}

// leadsBack says whether a name has the address; unanswered: nobody can tell.
func (b *book) leadsBack(name string, addr netip.Addr) (yes bool, s said) {
	s = b.get(name, family(addr))
	return slices.Contains(s.Addrs(), addr), s
}

// address judges one address.
func (b *book) address(a Address) []Item {
	addr := a.Target.Addr
	record := reverseName(addr)
	wanted := "<the name of your mail server>."
	if len(a.HELO) > 0 {
		wanted = a.HELO[0] + "."
	}
	ask := Fix{Do: "Ask whoever gave you the address (hoster, provider, data centre) to publish this PTR record; it is mostly a field in their customer page:", Record: record + " PTR " + wanted}

	ptr := Item{Target: a.Target, Rule: RulePTR, Evidence: []checks.Evidence{}}
	s := b.get(record, probes.TypePTR)
	names := b.ptrNames(addr)
	ptr.Evidence = []checks.Evidence{b.evidence(record, probes.TypePTR)}
	ptr.Value = strings.Join(names, ", ")
	switch {
	case s.err != nil:
		ptr.State, ptr.Text = Unknown, "not known whether it has a name: "+s.why()
		items := []Item{ptr}
		for _, rule := range []Rule{RuleConfirmed, RuleGeneric} {
			items = append(items, Item{Target: a.Target, Rule: rule, State: Unknown, Text: "not known, as its PTR name is not"})
		}
		return append(items, b.helo(a, nil, false)...)
	case len(s.Records) == 0:
		ptr.State, ptr.Severity, ptr.Code, ptr.Fix = Bad, eased(checks.Major, a.Spare), checks.CodeNoPTR, ask
		ptr.Text = "has no PTR name (" + s.Answer.String() + "); many receivers refuse mail from such an address"
		return append([]Item{ptr}, b.helo(a, nil, true)...)
	case len(names) == 0:
		ptr.State, ptr.Severity, ptr.Code, ptr.Fix = Bad, eased(checks.Major, a.Spare), checks.CodeNoPTR, ask
		ptr.Text = "has a PTR record that is no host name: " + checks.Line(s.Answer.String(), 100)
		return append([]Item{ptr}, b.helo(a, nil, true)...)
	case len(s.Records) > 1:
		ptr.State = Advice
		ptr.Text = fmt.Sprintf("has %d PTR names, and receivers look at one of them, whichever comes first: %s", len(s.Records), strings.Join(names, ", "))
		ptr.Fix = Fix{Do: "Keep the name that the server greets with, and have the others removed."}
	default:
		ptr.State, ptr.Text = Good, "is "+names[0]
	}
	return append([]Item{ptr, b.confirmed(a, names, ask), generic(a, names, ask)}, b.helo(a, names, true)...)
}

// confirmed judges whether the names lead back (RFC 1912 section 2.1; "iprev", RFC 8601 section 2.7.3).
func (b *book) confirmed(a Address, names []string, ask Fix) Item {
	i := Item{Target: a.Target, Rule: RuleConfirmed}
	var yes, no []string
	var silent said
	for _, name := range names {
		i.Evidence = append(i.Evidence, b.evidenceOf(name, a))
		back, s := b.leadsBack(name, a.Target.Addr)
		switch {
		case back:
			yes = append(yes, name)
		case s.err != nil && !errors.Is(s.err, probes.ErrName):
			silent = s
		default:
			no = append(no, name)
		}
	}
	kind := family(a.Target.Addr)
	switch {
	case len(yes) > 0 && len(no) == 0:
		i.State, i.Text = Good, strings.Join(yes, ", ")+" leads back to it"
	case silent.err != nil && len(yes) == 0:
		i.State, i.Text = Unknown, "not known whether its name leads back to it: "+silent.why()
	case len(yes) > 0:
		i.State, i.Severity, i.Code = Bad, checks.Minor, checks.CodeUnconfirmed
		i.Text = fmt.Sprintf("one of its PTR names, %s, does not lead back to it; receivers that look at that one refuse or score it", no[0])
		i.Fix = Fix{Do: "Publish this record, or have that PTR name removed:", Record: fmt.Sprintf("%s. %s %s", no[0], kind, a.Target)}
	default:
		i.State, i.Severity, i.Code = Bad, eased(checks.Major, a.Spare), checks.CodeUnconfirmed
		i.Text = fmt.Sprintf("its PTR name %s does not lead back to it; many receivers treat it as if it had none", no[0])
		i.Fix = Fix{Do: "Publish this record where the name is yours, or else have the PTR name changed to one of yours:", Record: fmt.Sprintf("%s. %s %s", no[0], kind, a.Target)}
		if ok, _ := b.anyIn(a.HELO, a.Target.Addr); ok {
			i.Fix = ask // its own name leads to it already
		}
	}
	return i
}

func (b *book) evidenceOf(name string, a Address) checks.Evidence {
	return b.evidence(name, family(a.Target.Addr))
}

// anyIn says whether one of the names has the address.
func (b *book) anyIn(names []string, addr netip.Addr) (yes bool, name string) {
	for _, n := range names {
		if back, _ := b.leadsBack(n, addr); back {
			return true, n
		}
	}
	return false, ""
}

// generic judges whether a name looks like one of a provider's.
func generic(a Address, names []string, ask Fix) Item {
	i := Item{Target: a.Target, Rule: RuleGeneric, State: Good, Text: "its name is not one that a provider makes for every address"}
	for _, name := range names {
		why, sure := Generic(name, a.Target.Addr)
		switch {
		case why == "":
		case !sure && i.State == Good:
			i.State, i.Text, i.Fix = Advice, fmt.Sprintf("some receivers take %s for a dynamic name: %s", name, why), ask
		case sure:
			i.State, i.Severity, i.Code, i.Fix, i.Value = Bad, eased(checks.Minor, a.Spare), checks.CodeGeneric, ask, name
			i.Text = fmt.Sprintf("its PTR name %s looks like that of a home connection: %s; some receivers refuse such names", name, why)
			return i
		}
	}
	return i
}

// helo judges the names that it greets with. Known says whether its PTR names are known.
func (b *book) helo(a Address, ptr []string, known bool) []Item {
	if len(a.HELO) == 0 {
		return []Item{{Target: a.Target, Rule: RuleHELO, State: Unchecked,
			Text: "not checked: the name that it greets with is not known; write it to hosts of its [[outbound]] pool"}}
	}
	var items []Item
	for _, name := range a.HELO {
		back, s := b.leadsBack(name, a.Target.Addr)
		i := Item{Target: a.Target, Rule: RuleHELO, Value: name, Evidence: []checks.Evidence{b.evidenceOf(name, a)}}
		if len(a.HELO) > 1 {
			i.Part = name
		}
		record := fmt.Sprintf("%s. %s %s", name, family(a.Target.Addr), a.Target)
		switch {
		case s.err != nil:
			i.State, i.Text = Unknown, fmt.Sprintf("not known whether %s, which it greets with, leads to it: %s", name, s.why())
		case !back && len(s.Records) == 0:
			i.State, i.Severity, i.Code = Bad, checks.Minor, checks.CodeHELO
			i.Text = fmt.Sprintf("greets with %s, which has no %s record; receivers may refuse or score it", name, family(a.Target.Addr))
			i.Fix = Fix{"Publish this record:", record}
		case !back:
			i.State, i.Severity, i.Code = Bad, checks.Minor, checks.CodeHELO
			i.Text = fmt.Sprintf("greets with %s, which leads elsewhere: %s", name, checks.Line(s.Answer.String(), 80))
			i.Fix = Fix{"Publish this record besides:", record}
			if len(ptr) > 0 {
				i.Fix.Do = "Publish this record besides, or let the server greet with its PTR name (Postfix: smtp_helo_name):"
			}
		case known && len(ptr) > 0 && !slices.Contains(ptr, name):
			i.State, i.Text = Advice, fmt.Sprintf("greets with %s, and its PTR name is %s; both lead to it, one and the same name is best", name, ptr[0])
			i.Fix = Fix{"Let the server greet with its PTR name, or have the PTR record changed:", reverseName(a.Target.Addr) + " PTR " + name + "."}
		default:
			i.State, i.Text = Good, "greets with "+name+", which leads to it"
		}
		items = append(items, i)
	}
	return items
}

// eased lowers a severity by one step for an address that is not known to send.
func eased(s checks.Severity, spare bool) checks.Severity {
	switch {
	case !spare:
		return s
	case s == checks.Major:
		return checks.Minor
	}
	return checks.Informational
}
