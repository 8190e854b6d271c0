package identity

import (
	"context"
	"iter"
	"net/netip"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// maxNames is how many PTR records of one address are looked at. One has one as a rule,
// and a shared host may have hundreds.
const maxNames = 4

// The zones of reverse names: RFC 1035 section 3.5, RFC 3596 section 2.5.
var (
	inAddr = blocklists.Zone{Zone: "in-addr.arpa"}
	ip6    = blocklists.Zone{Zone: "ip6.arpa"}
)

// Reverse asks for the PTR names of addresses, as many at a time as the asker takes, and
// tells got of each in any order: names that can be host names, at most four, none for an address that
// has none. Whether they lead back to the address is another question. After an error of
// [probes] nothing is known about that address, and trying again may help. The error
// of Reverse is the context's; addresses that got was not told of were not asked about.
func Reverse(ctx context.Context, asker Asker, addrs iter.Seq[netip.Addr], got func(addr netip.Addr, names []string, err error)) error {
	waiting := map[uint64]netip.Addr{} // no more than are in flight
	return asker.Ask(ctx, func(yield func(probes.Question) bool) {
		n := uint64(0)
		for addr := range addrs {
			zone := ip6
			if addr.Is4() {
				zone = inAddr
			}
			n++
			waiting[n] = addr
			if !yield(probes.Question{Name: zone.QueryName(addr), Type: probes.TypePTR, Ref: n}) {
				return
			}
		}
	}, func(q probes.Question, a probes.Answer, err error) {
		addr, ok := waiting[q.Ref]
		delete(waiting, q.Ref)
		if !ok || ctx.Err() != nil && err != nil { // not an answer, but the end of asking
			return
		}
		got(addr, hostNames(a), err)
	})
}

// hostNames are the names of an answer, without what no host can be called: a PTR record is
// whatever somebody wrote into it.
func hostNames(a probes.Answer) []string {
	var names []string
	for _, r := range a.Records {
		if t, err := checks.Domain(r.Text); err == nil && len(names) < maxNames {
			names = append(names, t.Name)
		}
	}
	return names
}

// Spells says whether a name contains its address, octet by octet and forwards or
// backwards, as names do that a provider makes for every address: 192-0-2-10.dynamic.example.net.
// Addresses of IPv6 are never spelled out here.
func Spells(name string, addr netip.Addr) bool {
	if !addr.Is4() {
		return false
	}
	numbers := nameNumbers(name)
	b := addr.As4()
	for i := 0; i+4 <= len(numbers); i++ {
		forwards, backwards := true, true
		for j := range 4 {
			forwards = forwards && numbers[i+j] == int(b[j])
			backwards = backwards && numbers[i+j] == int(b[3-j])
		}
		if forwards || backwards {
			return true
		}
	}
	return false
}
