package config

import "net/netip"

// ranged is one address or range and who named it.
type ranged struct {
	prefix netip.Prefix
	pool   string
	path   string
}

// ranges finds overlaps among many addresses and ranges. CIDR ranges either nest or
// are apart, so that looking up the prefixes above each is enough: no pair is compared.
type ranges struct {
	exact map[netip.Prefix]ranged
	above map[netip.Prefix]ranged // every prefix that holds one of exact, with the first of these
}

func (r *ranges) add(x ranged) {
	if r.exact == nil {
		r.exact, r.above = map[netip.Prefix]ranged{}, map[netip.Prefix]ranged{}
	}
	r.exact[x.prefix] = x
	for bits := x.prefix.Bits(); bits >= widest(x.prefix.Addr()); bits-- {
		p := netip.PrefixFrom(x.prefix.Addr(), bits).Masked()
		if _, known := r.above[p]; !known {
			r.above[p] = x
		}
	}
}

// overlap is an earlier range that holds p or lies in it.
func (r *ranges) overlap(p netip.Prefix) (ranged, bool) {
	for bits := p.Bits(); bits >= widest(p.Addr()); bits-- {
		if x, ok := r.exact[netip.PrefixFrom(p.Addr(), bits).Masked()]; ok {
			return x, true
		}
	}
	x, ok := r.above[p]
	return x, ok
}

// widest is the shortest prefix that [checks.MaxTargets] lets a range have.
func widest(a netip.Addr) int { return a.BitLen() - 24 }
