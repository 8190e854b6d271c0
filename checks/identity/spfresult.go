package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"blitiri.com.ar/go/spf"

	"reputed/checks"
	"reputed/probes"
)

// Result is what a receiver makes of one sender by SPF (RFC 7208 section 2.6).
type Result string

// The results, in the words of RFC 7208.
const (
	ResultPass      Result = "pass"
	ResultFail      Result = "fail"
	ResultSoftFail  Result = "softfail"
	ResultNeutral   Result = "neutral"
	ResultNone      Result = "none"      // there is no record
	ResultTempError Result = "temperror" // the DNS did not answer: nothing is known
	ResultPermError Result = "permerror" // the record is broken
)

// evaluate is what a receiver makes of a mail from domain that comes from addr. The reason is
// for people, and may be empty.
func (b *book) evaluate(domain string, addr netip.Addr) (Result, string) {
	r := &spfResolver{b: b, family: family(addr), hosts: map[string]bool{}}
	ip := net.IP(addr.AsSlice())
	result, err := spf.CheckHostWithSender(ip, domain, "postmaster@"+domain, spf.WithContext(b.ctx), spf.WithResolver(r))
	if r.failed != nil && result != spf.Pass { // the library sometimes takes a missing answer for an empty one
		result, err = spf.TempError, r.failed
	}
	switch {
	case errors.Is(err, spf.ErrVoidLookupLimitReached):
		return Result(result), fmt.Sprintf("more than %d look-ups find nothing for %s", maxVoid, senders(addr.Is4()))
	case err != nil && (result == spf.TempError || result == spf.PermError):
		return Result(result), checks.Line(err.Error(), maxSummary)
	}
	return Result(result), ""
}

// spfResolver answers the library out of the book. The library takes errors apart by their
// plain type: anything but a *net.DNSError is "permerror" to it where a record is looked up,
// the end of a context included, so that nothing else is given to it.
type spfResolver struct {
	b      *book
	family probes.Type // of the sender: receivers ask for addresses of no other (RFC 7208 section 5)
	failed error       // something that was asked had no answer
	// hosts are names that a, mx and ptr ask the addresses of, as the records seen so far have them.
	hosts map[string]bool
}

// host remembers a name whose addresses are asked for to be compared with the sender's.
func (r *spfResolver) host(name string) {
	r.hosts[strings.ToLower(strings.TrimSuffix(name, "."))] = true
}

// ask gives an answer as the library wants it.
func (r *spfResolver) ask(name string, t probes.Type) (said, error) {
	s := r.b.get(name, t)
	switch {
	case errors.Is(s.err, probes.ErrName):
		// RFC 7208 section 4.8: a name that cannot be is as one that does not exist.
		return s, &net.DNSError{Err: "no such name", Name: name, IsNotFound: true}
	case s.err != nil:
		r.failed = errors.New(s.why())
		return s, &net.DNSError{Err: s.why(), Name: name, IsTemporary: true, IsTimeout: errors.Is(s.err, probes.ErrTimeout)}
	case s.RCode == "NXDOMAIN":
		return s, &net.DNSError{Err: "no such name", Name: name, IsNotFound: true}
	}
	return s, nil
}

// LookupTXT gives the texts of a name. The library reads a record term by term and stops at
// the first that matches; RFC 7208 section 4.6 has the whole record read first, so that a wrong
// term spoils it wherever it stands.
func (r *spfResolver) LookupTXT(_ context.Context, name string) ([]string, error) {
	s, err := r.ask(name, probes.TypeTXT)
	if err != nil {
		return nil, err
	}
	if found := s.txt(IsSPF); len(found) == 1 {
		terms, err := ParseSPF(found[0])
		if err != nil {
			return nil, err // which is "permerror"
		}
		for _, t := range terms {
			if t.Kind == A && !t.macro() {
				r.host(cmp.Or(t.Domain, name))
			}
		}
	}
	return s.txt(func(string) bool { return true }), nil
}

// LookupMX gives the mail exchangers of a name; a null MX (RFC 7505) is none.
func (r *spfResolver) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	s, err := r.ask(name, probes.TypeMX)
	if err != nil {
		return nil, err
	}
	var out []*net.MX
	for _, x := range s.MX() {
		r.host(x.Host)
		out = append(out, &net.MX{Host: x.Host, Pref: x.Preference})
	}
	return out, nil
}

// LookupIPAddr gives the addresses of a name, of the sender's family: a name that has none of them is a
// void look-up for this sender, whatever it has for others (RFC 7208 sections 5 and 4.6.4). Only exists
// asks for IPv4 addresses whoever sends (section 5.7), and the library does not say for which term it
// asks: it is exists if no other term is known to ask for the name.
func (r *spfResolver) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	s, err := r.ask(host, r.family)
	if err == nil && r.family == probes.TypeAAAA && len(s.Records) == 0 && !r.hosts[strings.ToLower(strings.TrimSuffix(host, "."))] {
		s, err = r.ask(host, probes.TypeA)
	}
	if err != nil {
		return nil, err
	}
	var out []net.IPAddr
	for _, a := range s.Addrs() {
		out = append(out, net.IPAddr{IP: net.IP(a.AsSlice())})
	}
	return out, nil
}

// LookupAddr gives the PTR names of an address.
func (r *spfResolver) LookupAddr(_ context.Context, addr string) ([]string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "no address", Name: addr, IsNotFound: true}
	}
	s := r.b.get(reverseName(a.Unmap()), probes.TypePTR)
	if s.err != nil { // RFC 7208 section 5.5: the term does not match, and that is all
		return nil, &net.DNSError{Err: s.why(), Name: addr, IsTemporary: true}
	}
	names := r.b.ptrNames(a.Unmap())
	for _, name := range names {
		r.host(name)
	}
	return names, nil
}
