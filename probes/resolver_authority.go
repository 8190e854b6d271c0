package probes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// How many of a zone's name servers are used. Busy zones have some twenty; a few are enough
// to survive the loss of some.
const (
	nameServersAtMost   = 6
	addressesOfNameEach = 2
)

var (
	// errLame: the answer has no AA bit, or is a referral. The server is not, or no longer,
	// one of the zone's: a lame delegation (RFC 1912 section 2.8).
	errLame = fmt.Errorf("%w: the server does not speak for the zone", ErrServFail)
	// errAway: see leadsAway.
	errAway = fmt.Errorf("%w: the name is an alias in another zone, for which the server does not speak", ErrServFail)
)

// ErrNoNameServers: the zone has no name servers that we know of, or none of them has an
// address. Trying again helps once the zone or the resolver changes.
var ErrNoNameServers = errors.New("no name servers found")

// NameServers looks up the name servers of a zone through the resolver: its NS records and
// their addresses, at most six servers with two addresses each. The IPv6 addresses of a
// server are used only if it has no IPv4 address. If the zone has no NS records of its own,
// it is part of a larger one, which its SOA names, and the servers of that one are returned.
// Whether they work is not known before they are asked.
//
// The order differs each time, to spread the load. The error wraps [ErrNoNameServers], an
// [*AskError] of the resolver, or the context's.
func (r *Resolver) NameServers(ctx context.Context, zone string) (*Servers, error) {
	zone = dns.Fqdn(zone)
	names, err := r.delegation(ctx, zone)
	if err != nil {
		return nil, fmt.Errorf("find the name servers of %s: %w", zone, err)
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:min(len(names), nameServersAtMost)]
	addrs := make([][]netip.Addr, len(names))
	var failed error
	for _, t := range []Type{TypeA, TypeAAAA} {
		questions := func(yield func(Question) bool) {
			for i, name := range names {
				if len(addrs[i]) == 0 && !yield(Question{Name: name, Type: t, Ref: uint64(i)}) {
					return
				}
			}
		}
		if err := r.Ask(ctx, questions, func(q Question, a Answer, err error) {
			if err != nil {
				failed = err
			}
			for _, addr := range a.Addrs() {
				if len(addrs[q.Ref]) < addressesOfNameEach && r.canServe(addr) {
					addrs[q.Ref] = append(addrs[q.Ref], addr)
				}
			}
		}); err != nil {
			return nil, fmt.Errorf("find the name servers of %s: %w", zone, err)
		}
	}
	var found []netip.AddrPort
	seen := map[netip.Addr]bool{}
	for nth := range addressesOfNameEach { // the first address of each server, then the second
		for _, of := range addrs {
			if nth < len(of) && !seen[of[nth]] {
				seen[of[nth]] = true
				found = append(found, netip.AddrPortFrom(of[nth], r.port))
			}
		}
	}
	if len(found) == 0 {
		if failed == nil {
			failed = ErrNoNameServers
		}
		return nil, fmt.Errorf("find the name servers of %s: %w", zone, failed)
	}
	return newServers(found), nil
}

// delegation returns the names of a zone's servers, or of the zone that it is part of.
func (r *Resolver) delegation(ctx context.Context, zone string) ([]string, error) {
	a, err := r.AskOne(ctx, Question{Name: zone, Type: TypeNS})
	if err != nil {
		return nil, err
	}
	// The SOA of an answer without records is that of the zone that the name lies in (RFC
	// 2308 section 2.2). A top-level domain is nobody's list.
	if whole := a.SOA.Zone; a.RCode == "NOERROR" && !a.Exists() && dns.CountLabel(whole) > 1 && dns.IsSubDomain(whole, zone) && dns.CanonicalName(whole) != dns.CanonicalName(zone) {
		if a, err = r.AskOne(ctx, Question{Name: whole, Type: TypeNS}); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, record := range a.Records {
		// The root in place of a name says that the zone has no server.
		if name := strings.ToLower(record.Text); name != "." {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, ErrNoNameServers
	}
	return names, nil
}

// canServe says whether a zone's name server may be at an address. A zone can name any
// address, but none of its servers is on this host.
func (r *Resolver) canServe(a netip.Addr) bool {
	return a.IsGlobalUnicast() || a.IsLoopback() && r.port != dnsPort
}
