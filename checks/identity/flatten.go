package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go4.org/netipx"

	"reputed/checks"
	"reputed/probes"
)

// ErrNoSPF says that a domain publishes no SPF record. Trying again helps once it does.
var ErrNoSPF = errors.New("there is no SPF record")

// The limits of RFC 7208 section 4.6.4. A receiver that passes one of them ends in
// "permerror", and what the record authorises counts for nothing.
const (
	maxLookups = 10 // terms that look something up, in all records together
	maxVoid    = 2  // look-ups that find nothing
	maxMX      = 10 // names of one mx
)

// Flatten follows a domain's SPF record and all that it includes or redirects to,
// and gives the addresses that it authorises. First match decides (RFC 7208 section
// 4.6.2), so what "-", "~" or "?" takes out before is taken out here.
//
// The error wraps [ErrNoSPF], [ErrSPF] or [ErrUnanswered], and names the record and the
// term. The limits of section 4.6.4 are held to: behind them receivers reject the record.
// Every term is followed, while a receiver stops at the first that matches: it is the
// longest way that is measured, the one for a sender that is in none of them.
func Flatten(ctx context.Context, asker Asker, domain string) (Flat, error) {
	f := flattener{ctx: ctx, asker: asker}
	ranges, err := f.record(domain, nil)
	if err != nil {
		return Flat{}, err
	}
	return Flat{Domain: domain, Ranges: distinct(ranges), Open: f.open, Lookups: f.lookups}, nil
}

// flattener is one walk over a record and those below it.
type flattener struct {
	ctx     context.Context
	asker   Asker
	lookups int
	void    int
	open    []Open
}

// record gives what passes by the record of a domain. Above are the domains on the way to it.
func (f *flattener) record(domain string, above []string) ([]Range, error) {
	terms, err := f.fetch(domain)
	if err != nil {
		return nil, err
	}
	path := append(slices.Clone(above), domain)
	var pass []Range
	var out netipx.IPSetBuilder // what an earlier term decided otherwise
	for _, t := range terms {
		switch {
		case t.Kind == Exp || t.Kind == Redirect:
			continue // wherever they stand, they come last
		case t.Kind == All:
			if t.Qualifier == Pass {
				f.leave(t, domain, "it authorises every address there is")
			}
			return pass, nil // nothing after all counts, redirect neither (section 5.1)
		}
		matched, err := f.matched(t, domain, path)
		if err != nil {
			return nil, err
		}
		if t.Qualifier == Pass {
			if matched, err = without(matched, &out); err != nil {
				return nil, err
			}
			pass = append(pass, matched...)
			continue
		}
		for _, r := range matched {
			out.AddPrefix(r.Prefix)
		}
	}
	// Section 6.1: redirect is for what no term has matched.
	if i := slices.IndexFunc(terms, func(t Term) bool { return t.Kind == Redirect }); i >= 0 {
		rest, err := f.matched(terms[i], domain, path)
		if err == nil {
			rest, err = without(rest, &out)
		}
		if err != nil {
			return nil, err
		}
		pass = append(pass, rest...)
	}
	return pass, nil
}

// fetch looks the record of a domain up and reads it.
func (f *flattener) fetch(domain string) (Record, error) {
	answers, err := ask(f.ctx, f.asker, []probes.Question{question(domain, probes.TypeTXT)})
	if err != nil {
		return nil, fmt.Errorf("SPF record of %s: %w", domain, err)
	}
	var found []string
	for _, r := range answers[0].Records {
		if IsSPF(r.Text) {
			found = append(found, r.Text)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s: %w", domain, ErrNoSPF)
	case 1:
		r, err := ParseSPF(found[0])
		if err != nil {
			return nil, fmt.Errorf("record of %s: %w", domain, err)
		}
		return r, nil
	}
	// Section 4.5.
	return nil, fmt.Errorf("%w: %s has %d of them, and must have one", ErrSPF, domain, len(found))
}

// matched gives the addresses that a term stands for.
func (f *flattener) matched(t Term, domain string, path []string) ([]Range, error) {
	if t.looksUp() {
		if f.lookups++; f.lookups > maxLookups {
			return nil, broken(t, domain, fmt.Errorf("it is the %dth term that has to be looked up, and receivers stop after %d (RFC 7208 section 4.6.4)", f.lookups, maxLookups))
		}
	}
	switch {
	case t.Kind == PTR:
		f.leave(t, domain, "it goes by reverse names, which cannot be listed (and nobody should use it any more)")
		return nil, nil
	case t.Kind == Exists || t.macro():
		f.leave(t, domain, "it hangs on the mail, or on who asks")
		return nil, nil
	}
	target := domain
	if t.Domain != "" {
		d, err := checks.Domain(t.Domain)
		if err != nil {
			return nil, broken(t, domain, err) // not after ParseSPF
		}
		target = d.Name
	}
	switch t.Kind {
	case IP4, IP6:
		if t.Prefix.Addr().Is4In6() {
			f.leave(t, domain, "an IPv4 address is always compared as IPv4 (RFC 7208 section 5), so this matches nothing")
			return nil, nil
		}
		return []Range{{t.Prefix, t.Text, domain}}, nil
	case A:
		return f.hosts(t, domain, []string{target})
	case MX:
		names, err := f.exchangers(t, domain, target)
		if err != nil {
			return nil, err
		}
		return f.hosts(t, domain, names)
	}
	// include and redirect.
	if slices.Contains(path, target) {
		return nil, broken(t, domain, fmt.Errorf("it leads back to %s", target))
	}
	ranges, err := f.record(target, path)
	if errors.Is(err, ErrNoSPF) {
		// Sections 5.2 and 6.1: for whom it was asked, that is a broken record.
		return nil, broken(t, domain, fmt.Errorf("%s publishes no SPF record", target))
	}
	return ranges, err
}

// exchangers are the names of the MX records of a domain.
func (f *flattener) exchangers(t Term, domain, target string) ([]string, error) {
	answers, err := ask(f.ctx, f.asker, []probes.Question{question(target, probes.TypeMX)})
	if err != nil {
		return nil, fmt.Errorf("record of %s: %q: %w", domain, checks.Line(t.Text, 80), err)
	}
	var names []string
	for _, x := range answers[0].MX() {
		names = append(names, x.Host)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) > maxMX:
		return nil, broken(t, domain, fmt.Errorf("%s has %d mail exchangers, and receivers stop after %d (RFC 7208 section 4.6.4)", target, len(names), maxMX))
	case len(answers[0].Records) == 0:
		return nil, f.nothing(t, domain)
	}
	return names, nil
}

// hosts are the addresses of names, as wide as the term makes them.
func (f *flattener) hosts(t Term, domain string, names []string) ([]Range, error) {
	addrs, err := addresses(f.ctx, f.asker, names)
	if err != nil {
		return nil, fmt.Errorf("record of %s: %q: %w", domain, checks.Line(t.Text, 80), err)
	}
	var ranges []Range
	for _, of := range addrs {
		for _, a := range of {
			bits := t.Bits6
			if a.Is4() {
				bits = t.Bits4
			}
			p, err := a.Prefix(bits)
			if err != nil {
				return nil, broken(t, domain, err) // not after ParseSPF
			}
			ranges = append(ranges, Range{p, t.Text, domain})
		}
	}
	// Section 4.6.4 limits terms that find nothing: one dead exchanger of several is none. A receiver asks
	// for the sender's family alone; who that is is not known here, and what has no address of either
	// family is found empty by all.
	if len(ranges) == 0 && len(names) > 0 {
		return nil, f.nothing(t, domain)
	}
	return ranges, nil
}

// nothing counts a look-up that found nothing.
func (f *flattener) nothing(t Term, domain string) error {
	if f.void++; f.void > maxVoid {
		return broken(t, domain, fmt.Errorf("it is the %drd look-up that finds nothing, and receivers stop after %d (RFC 7208 section 4.6.4)", f.void, maxVoid))
	}
	return nil
}

func (f *flattener) leave(t Term, domain, why string) {
	if t.Qualifier != Pass {
		why += "; what it takes out is not taken out here"
	}
	f.open = append(f.open, Open{t.Text, domain, why})
}

func broken(t Term, domain string, why error) error {
	return fmt.Errorf("%w: %q of %s: %w", ErrSPF, checks.Line(t.Text, 80), domain, why)
}
