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

// shared is for carrier-grade NAT (RFC 6598), nat64 holds IPv4 addresses (RFC 6052).
var (
	shared = netip.MustParsePrefix("100.64.0.0/10")
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)

// isPrivate says whether an address is not one of the public Internet
// (RFC 1918, RFC 4193, RFC 6598, loopback, link-local, unspecified, multicast).
func isPrivate(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	return !addr.IsGlobalUnicast() || addr.IsPrivate() || shared.Contains(addr)
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
