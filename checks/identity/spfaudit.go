package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/probes"
)

// maxAudit ends the walk over a record that leads to ever more records. Receivers stopped long before.
const maxAudit = 60

// Audit is what there is to say of a domain's SPF record, whoever sends. Unlike [Flatten]
// it goes on behind what is wrong, so that all of it can be told at once.
type Audit struct {
	Domain string
	Text   string // the record; empty: there is none, or there are several
	// Lookups is how many terms have to be looked up on the longest way through the record, and
	// those that it leads to; of at most 10 (RFC 7208 section 4.6.4). Void is how many
	// of them find nothing, whoever sends; of at most 2. Void4 and Void6 are how many find nothing for a
	// sender of IPv4 and of IPv6: a receiver asks for addresses of the sender's family alone.
	Lookups, Void int
	Void4, Void6  int
	Costs         []Cost // the terms of the record itself that are looked up, each with what it costs
	Broken        []string
	Weak          []string
	All           Qualifier // of what is in no term; 0: nothing says, which is neutral
	None          bool      // there is no record
	Unknown       said      // with an error: this had no answer, so that the numbers are too low
}

// Cost is how many look-ups one term of a record leads to, itself included.
type Cost struct {
	Term    string
	Lookups int
}

// audit reads the SPF record of a domain and all that it leads to.
func (b *book) audit(domain string) Audit {
	w := auditor{b: b, a: Audit{Domain: domain}}
	w.record(domain, nil)
	if w.stopped {
		w.a.Broken = append(w.a.Broken, fmt.Sprintf("it leads to more than %d look-ups", maxAudit))
	}
	if n := w.a.Lookups; n > maxLookups {
		w.a.Broken = append(w.a.Broken, fmt.Sprintf("it needs %d look-ups, and receivers stop after %d", n, maxLookups))
	}
	if n := w.a.Void; n > maxVoid {
		w.a.Broken = append(w.a.Broken, fmt.Sprintf("%d of its look-ups find nothing, and receivers stop after %d", n, maxVoid))
	}
	return w.a
}

// auditor is one walk over a record and those below it.
type auditor struct {
	b       *book
	a       Audit
	stopped bool
}

// record reads one record and what it leads to; above are the domains on the way to it.
func (w *auditor) record(domain string, above []string) {
	top := len(above) == 0
	at := ""
	if !top {
		at = "the record of " + domain + ": "
	}
	terms, ok := w.fetch(domain, at, top)
	if !ok {
		return
	}
	path := append(slices.Clone(above), domain)
	var redirect *Term
	for i, t := range terms {
		if t.Kind == All {
			w.all(t.Qualifier, top || w.redirected(above))
			if rest := terms[i+1:]; slices.ContainsFunc(rest, func(t Term) bool { return t.Kind != Exp }) {
				w.weak(fmt.Sprintf("%swhat stands behind %q counts for nothing", at, t.Text))
			}
			return
		}
		switch t.Kind {
		case Redirect:
			redirect = &terms[i]
		case PTR:
			w.weak(fmt.Sprintf("%s%q goes by reverse names; RFC 7208 section 5.5 wants it gone, and some receivers skip it", at, t.Text))
		case IP4, IP6:
			if t.Qualifier == Pass && t.Prefix.Bits() <= widest(t.Kind) {
				w.weak(fmt.Sprintf("%s%q authorises a large part of all addresses", at, t.Text))
			}
		}
		if t.Kind != Redirect {
			w.term(t, domain, path, top)
		}
	}
	if redirect != nil { // section 6.1: it comes last, wherever it stands
		w.term(*redirect, domain, path, top)
	}
}

// fetch looks a record up and reads it. False: there is none that can be read, and that has been said.
func (w *auditor) fetch(domain, at string, top bool) (Record, bool) {
	s := w.b.get(domain, probes.TypeTXT)
	if s.err != nil {
		w.unknown(s)
		return nil, false
	}
	found := s.txt(IsSPF)
	switch {
	case len(found) == 0 && top:
		w.a.None = true
		return nil, false
	case len(found) == 0: // sections 5.2 and 6.1
		w.broken(domain + " publishes no SPF record, and so breaks the record that leads to it")
		return nil, false
	case len(found) > 1: // section 4.5
		w.broken(fmt.Sprintf("%sthere are %d SPF records, and receivers accept one", at, len(found)))
		return nil, false
	}
	if top {
		w.a.Text = found[0]
	}
	terms, err := ParseSPF(found[0])
	if err != nil {
		w.broken(at + strings.TrimPrefix(err.Error(), ErrSPF.Error()+": "))
		return nil, false
	}
	if len(found[0]) > MaxRecord { // section 3.4
		w.weak(fmt.Sprintf("%sit is %d octets long; beyond %d an answer may not fit into one packet", at, len(found[0]), MaxRecord))
	}
	return terms, true
}

// widest is how few bits of a range are as good as none.
func widest(k Kind) int {
	if k == IP4 {
		return 8
	}
	return 19
}

// redirected says whether the record that is being read stands in the place of the first one.
func (w *auditor) redirected(above []string) bool {
	for _, domain := range above {
		terms, err := ParseSPF(strings.Join(w.b.get(domain, probes.TypeTXT).txt(IsSPF), " "))
		if err != nil || slices.ContainsFunc(terms, func(t Term) bool { return t.Kind == All }) || !slices.ContainsFunc(terms, func(t Term) bool { return t.Kind == Redirect }) {
			return false
		}
	}
	return true
}

func (w *auditor) all(q Qualifier, counts bool) {
	if counts && w.a.All == 0 {
		w.a.All = q
	}
}

// term counts one term, and reads what it leads to.
func (w *auditor) term(t Term, domain string, path []string, top bool) {
	if !t.looksUp() {
		return
	}
	before := w.a.Lookups
	if w.a.Lookups++; w.a.Lookups > maxAudit {
		w.stopped = true
		w.a.Lookups = before
		return
	}
	target := domain
	if t.Domain != "" {
		target = strings.ToLower(strings.TrimSuffix(t.Domain, "."))
	}
	switch {
	case t.macro() || t.Kind == PTR || t.Kind == Exists: // they hang on the mail
	case t.Kind == A:
		w.hosts(target)
	case t.Kind == MX:
		s := w.b.get(target, probes.TypeMX)
		switch {
		case s.err != nil:
			w.unknown(s)
		case len(s.Records) == 0:
			w.void(true, true)
		case len(s.Records) > maxMX:
			w.broken(fmt.Sprintf("%q: %s has %d mail exchangers, and receivers stop after %d", checks.Line(t.Text, 80), target, len(s.Records), maxMX))
		}
	case slices.Contains(path, target):
		w.broken(fmt.Sprintf("%q of %s leads back to %s", checks.Line(t.Text, 80), domain, target))
	default: // include and redirect
		w.record(target, path)
	}
	if top {
		w.a.Costs = append(w.a.Costs, Cost{t.Text, w.a.Lookups - before})
	}
}

// hosts counts a name without an address, for each family that it has none of.
func (w *auditor) hosts(name string) {
	w.b.look(question(name, probes.TypeA), question(name, probes.TypeAAAA))
	a, aaaa := w.b.get(name, probes.TypeA), w.b.get(name, probes.TypeAAAA)
	for _, s := range []said{a, aaaa} {
		if s.err != nil && !errors.Is(s.err, probes.ErrName) {
			w.unknown(s)
			return
		}
	}
	w.void(len(a.Records) == 0, len(aaaa.Records) == 0)
}

// void counts a look-up that finds nothing for senders of one family, or of both.
func (w *auditor) void(ip4, ip6 bool) {
	if ip4 {
		w.a.Void4++
	}
	if ip6 {
		w.a.Void6++
	}
	if ip4 && ip6 {
		w.a.Void++
	}
}

// voidFor is how many look-ups find nothing for these senders, of the worse family of theirs, and for
// whom; "" for all.
func (a Audit) voidFor(all []Address) (n int, whom string) {
	n = a.Void
	for _, sender := range all {
		ip4, of := sender.Target.Addr.Is4(), a.Void6
		if ip4 {
			of = a.Void4
		}
		if of > n {
			n, whom = of, senders(ip4)
		}
	}
	return n, whom
}

// senders are those of one family.
func senders(ip4 bool) string {
	if ip4 {
		return "senders of IPv4"
	}
	return "senders of IPv6"
}

func (w *auditor) unknown(s said) {
	if w.a.Unknown.err == nil {
		w.a.Unknown = s
	}
}

func (w *auditor) broken(why string) { w.a.Broken = appendOnce(w.a.Broken, why) }
func (w *auditor) weak(why string)   { w.a.Weak = appendOnce(w.a.Weak, why) }

func appendOnce(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}
