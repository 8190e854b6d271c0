package guard

import "net/netip"

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

// Private says whether an address is not one of the public Internet
// (RFC 1918, RFC 4193, RFC 6598, loopback, link-local, unspecified, multicast).
func Private(addr netip.Addr) bool {
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
			return Private(netip.AddrFrom4([4]byte(b[at : at+4])))
		}
	}
	return false
}

// privateHost says whether the host of an address is private by its form: who writes
// it so means it.
func privateHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && Private(addr)
}

// Loopback says whether the host of an address is this very machine by its form, where TLS may be left out.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
