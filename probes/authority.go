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

// What is used of the name servers of a zone. Zones that are asked much have up to
// some twenty; a few suffice to survive the loss of some.
const (
	nameServersAtMost   = 6
	addressesOfNameEach = 2
)

// errLame is an answer without the AA bit, or a referral: the server is not, or no
// longer, one of the zone's (a lame delegation, RFC 1912 section 2.8).
var errLame = fmt.Errorf("%w: the server does not speak for the zone", ErrServFail)

// ErrNoNameServers says that a zone is not known to have name servers, or that none of
// them has an address. Trying again helps once the zone or the resolver changes.
var ErrNoNameServers = errors.New("no name servers found")

// NameServers finds the name servers of a zone through the resolver: the zone's NS
// records and their addresses, at most six servers with two addresses each, IPv6 only of those
// that have no IPv4. A zone without NS records of its own is part of a larger one,
// which its SOA names; then the servers of that one are found. Whether they work
// shows when they are asked.
//
// The order is a new one each time, so that the load is spread. The error is
// [ErrNoNameServers], an [*AskError] of the resolver, or the context's.
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
	for nth := range addressesOfNameEach { // first one of each
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

// delegation is the names of the servers of a zone, or of the one that it is part of.
func (r *Resolver) delegation(ctx context.Context, zone string) ([]string, error) {
	a, err := r.AskOne(ctx, Question{Name: zone, Type: TypeNS})
	if err != nil {
		return nil, err
	}
	// RFC 2308 section 2.2: the SOA of an answer without records is that of the zone
	// which the name lies in. One that a top-level domain holds is nobody's list.
	if whole := a.SOA.Zone; a.RCode == "NOERROR" && !a.Exists() && dns.CountLabel(whole) > 1 && dns.IsSubDomain(whole, zone) && dns.CanonicalName(whole) != dns.CanonicalName(zone) {
		if a, err = r.AskOne(ctx, Question{Name: whole, Type: TypeNS}); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, record := range a.Records {
		// A null name is a zone that says it has no server.
		if name := strings.ToLower(record.Text); name != "." {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, ErrNoNameServers
	}
	return names, nil
}

// canServe says whether a name server can be at an address. A zone may name any;
// none of its servers is on this host.
func (r *Resolver) canServe(a netip.Addr) bool {
	return a.IsGlobalUnicast() || a.IsLoopback() && r.port != dnsPort
}

// dropRecursion makes a question one to a server of the zone, which is not to ask
// others (RFC 1035 section 4.1.1, RD).
func (w *wireQuestion) dropRecursion() { w.packet[2] &^= flagRD >> 8 }

// authoritative is the AA bit.
func (r response) authoritative() bool {
	return r.answer.Authoritative || r.message != nil && r.message.Authoritative
}
