package post

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// guard looks at the address that is connected to, after the name was looked up: whoever
// answers for the name of a channel must not lead alerts, and what is sent with them,
// to a machine inside.
type guard struct{ allowPrivate bool }

func (g guard) dialer() *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("connect to %q: no address", address)
		}
		if !g.allowPrivate && isPrivate(ap.Addr()) {
			return fmt.Errorf("the name leads to %s, an address of a private network: set private = true if that is meant", ap.Addr())
		}
		return nil
	}}
}

// inside are networks that nobody on the Internet has, besides those that [net/netip] knows. Their addresses
// are of other machines inside, of this one, or of none (the IANA special-purpose registries, RFC 6890).
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),      // this network (RFC 1122)
	netip.MustParsePrefix("100.64.0.0/10"),  // carrier-grade NAT (RFC 6598)
	netip.MustParsePrefix("192.0.0.0/24"),   // IETF protocol assignments
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks (RFC 2544)
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved (RFC 1112)
	netip.MustParsePrefix("64:ff9b:1::/48"), // translation within a network (RFC 8215)
	netip.MustParsePrefix("fec0::/10"),      // site-local, deprecated (RFC 3879)
}

// Prefixes of IPv6 in which an IPv4 address stands, and at which octet: what a translator or tunnel takes for it.
var embedding = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"): 12, // NAT64 (RFC 6052)
	netip.MustParsePrefix("::/96"):        12, // IPv4-compatible, deprecated (RFC 4291 section 2.5.5.1)
	netip.MustParsePrefix("2002::/16"):    2,  // 6to4 (RFC 3056)
}

// isPrivate says whether an address is not one of the public Internet
// (RFC 1918, RFC 4193, RFC 6598, loopback, link-local, unspecified, multicast).
func isPrivate(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return true
	}
	for _, p := range inside {
		if p.Contains(addr) {
			return true
		}
	}
	for p, at := range embedding {
		if p.Contains(addr) {
			b := addr.As16()
			return isPrivate(netip.AddrFrom4([4]byte(b[at : at+4])))
		}
	}
	return false
}

// isPrivateHost says whether the host of an address is private by its form: who writes
// it so means it.
func isPrivateHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && isPrivate(addr)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
