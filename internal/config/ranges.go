package config

import (
	"fmt"
	"net/netip"
	"strings"

	"reputed/checks"
)

// ParsePrefix reads an address or a CIDR range, in the form in which addresses are compared:
// masked, without a zone, and what is IPv4-mapped as IPv4.
func ParsePrefix(s string) (netip.Prefix, error) {
	if p := prefixOf(s); p.IsValid() {
		return p, nil
	}
	return netip.Prefix{}, fmt.Errorf("%s is neither an address nor a range", shown(s))
}

// prefixOf is ParsePrefix, with the invalid prefix in place of an error. It also takes an IPv6
// address in brackets.
func prefixOf(word string) netip.Prefix {
	word = strings.TrimSpace(word)
	if p, err := netip.ParsePrefix(word); err == nil {
		p = p.Masked()
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p
	}
	addr, err := netip.ParseAddr(strings.Trim(word, "[]"))
	if err != nil {
		return netip.Prefix{}
	}
	addr = checks.Address(addr).Addr
	return netip.PrefixFrom(addr, addr.BitLen())
}

// ranged is one address or range, and who named it.
type ranged struct {
	prefix netip.Prefix
	pool   string
	path   string
}

// ranges finds overlaps among many addresses and ranges. CIDR ranges either nest or do not
// touch, so that it is enough to look up the prefixes above each: no pair is compared.
type ranges struct {
	exact map[netip.Prefix]ranged
	above map[netip.Prefix]ranged // every prefix that holds one of exact, with the first such one
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

// overlap returns an earlier range that holds p or lies in it.
func (r *ranges) overlap(p netip.Prefix) (ranged, bool) {
	for bits := p.Bits(); bits >= widest(p.Addr()); bits-- {
		if x, ok := r.exact[netip.PrefixFrom(p.Addr(), bits).Masked()]; ok {
			return x, true
		}
	}
	x, ok := r.above[p]
	return x, ok
}

// widest is the length of the shortest prefix that [checks.MaxTargets] allows.
func widest(a netip.Addr) int { return a.BitLen() - 24 }
