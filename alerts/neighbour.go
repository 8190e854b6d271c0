package alerts

import (
	"cmp"
	"net/netip"

	"reputed/checks"
)

// neighbourhood is whose neighbour a problem is: the network around its address, /24 or
// /64, at the operator that says so. A list that takes against a network lists one
// address after the other, and an operator of several lists does so on all of them.
// It is "" where there is no operator, or no address.
func neighbourhood(f checks.Finding) string {
	who := cmp.Or(f.Facts[checks.FactOperator], f.Facts[checks.FactVendor])
	if who == "" || f.Target.Kind != checks.KindAddress || !f.Target.Addr.IsValid() {
		return ""
	}
	bits := 64
	if f.Target.Addr.Is4() {
		bits = 24
	}
	return "net " + who + " " + netip.PrefixFrom(f.Target.Addr, bits).Masked().String()
}
