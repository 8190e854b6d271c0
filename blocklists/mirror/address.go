package mirror

import (
	"cmp"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

func number4(a netip.Addr) uint32 { b := a.As4(); return binary.BigEndian.Uint32(b[:]) }

func compare4(a, b uint32) int { return cmp.Compare(a, b) }

func next4(a uint32) (uint32, bool) { return a + 1, a != ^uint32(0) }

// wide is an IPv6 address as two numbers.
type wide struct{ hi, lo uint64 }

func wideOf(a netip.Addr) wide {
	b := a.As16()
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func compareWide(a, b wide) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

func nextWide(a wide) (wide, bool) {
	a.lo++
	if a.lo == 0 {
		a.hi++
	}
	return a, a != wide{}
}

var (
	errAddress = errors.New("no address, range or prefix of one")
	errOrder   = errors.New("a range that ends before it begins")
	errBits    = errors.New("a prefix with bits set behind it")
)

// range4 reads an IPv4 address, its first octets, a CIDR range, or a range between two of
// these, as rbldnsd does: in 127.16.0-31 the end replaces the last octet of the beginning.
func range4(s string) (from, to uint32, err error) {
	if head, bits, ok := strings.Cut(s, "/"); ok {
		n, err := strconv.ParseUint(bits, 10, 8)
		addr, octets, ok := octets4(head)
		if err != nil || !ok || n > 32 || octets == 0 {
			return 0, 0, errAddress
		}
		mask := ^uint32(0)
		if n < 32 {
			mask = ^(mask >> n)
		}
		if addr&^mask != 0 {
			return 0, 0, errBits
		}
		return addr, addr | ^mask, nil
	}
	head, tail, isRange := strings.Cut(s, "-")
	addr, n, ok := octets4(head)
	if !ok {
		return 0, 0, errAddress
	}
	rest := ^uint32(0) >> (8 * n) // the bits that the octets leave open
	if n == 4 {
		rest = 0
	}
	if !isRange {
		return addr, addr | rest, nil
	}
	end, m, ok := octets4(tail)
	switch {
	case !ok:
		return 0, 0, errAddress
	case m == 1 && n > 1: // the last octet that the beginning names
		shift := 8 * (4 - n)
		to = addr&^(0xff<<shift) | end>>24<<shift | rest
	case m == 4:
		to = end
	default:
		to = end | ^uint32(0)>>(8*m)
	}
	if to < addr {
		return 0, 0, errOrder
	}
	return addr, to, nil
}

// octets4 reads one to four octets into the high ones of a number.
func octets4(s string) (addr uint32, n int, ok bool) {
	for {
		octet, rest, more := strings.Cut(s, ".")
		v, err := strconv.ParseUint(octet, 10, 8)
		if err != nil || n == 4 || len(octet) > 3 || octet[0] == '+' {
			return 0, 0, false
		}
		addr |= uint32(v) << (24 - 8*n)
		n++
		if !more {
			return addr, n, true
		}
		s = rest
	}
}

// range6 reads an IPv6 address or a CIDR range.
func range6(s string) (from, to wide, width uint64, err error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, errAddr := netip.ParseAddr(s)
		if errAddr != nil || a.Zone() != "" {
			return from, to, 0, errAddress
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	switch {
	case !p.Addr().Is6():
		return from, to, 0, errAddress
	case p.Masked() != p:
		return from, to, 0, errBits
	}
	from = wideOf(p.Addr())
	to = from
	switch n := p.Bits(); {
	case n <= 64:
		to.lo = ^uint64(0)
		if n < 64 {
			to.hi |= ^uint64(0) >> n
		}
	case n < 128:
		to.lo |= ^uint64(0) >> (n - 64)
	}
	return from, to, uint64(128 - p.Bits()), nil
}

// looksLike says whether a word can only be meant as an address.
func looksLike(s string) (four, six bool) {
	if strings.Contains(s, ":") {
		return false, true
	}
	last := s[strings.LastIndexAny(s, ".-/")+1:]
	return strings.Trim(last, "0123456789") == "", false
}
