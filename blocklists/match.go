package blocklists

import (
	"errors"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// matcher is a parsed Code.Match: a range for each octet, or a bit.
type matcher struct {
	lo, hi [4]byte
	bit    byte // in a bitmask list; if it is not 0, lo and hi mean nothing
}

var (
	errBit   = errors.New("want one bit: 1, 2, 4, 8, 16, 32, 64 or 128")
	errMatch = errors.New("want an address (127.0.0.2), a range of last octets (127.0.0.4-127.0.0.7), or x for any octet (127.0.x.2)")
	errRange = errors.New("want a range that goes up in the last octet only, as in 127.0.0.4-127.0.0.7")
	errNot   = errors.New("want a code in 127.0.0.0/8: no list answers anything else")
)

// parseMatch parses the Match of a code. Bits are allowed only in a bitmask list.
func parseMatch(s string, decode Decode) (matcher, error) {
	if decode == Bits && !strings.Contains(s, ".") {
		n, ok := parseOctet(s)
		if !ok || bits.OnesCount8(n) != 1 {
			return matcher{}, errBit
		}
		return matcher{bit: n}, nil
	}
	var m matcher
	from, to, isRange := strings.Cut(s, "-")
	rest := from
	for i := range 4 {
		octet, tail, more := strings.Cut(rest, ".")
		if more != (i < 3) {
			return matcher{}, errMatch
		}
		rest = tail
		if octet == "x" && i > 0 && !isRange {
			m.lo[i], m.hi[i] = 0, 255
			continue
		}
		n, ok := parseOctet(octet)
		if !ok {
			return matcher{}, errMatch
		}
		m.lo[i], m.hi[i] = n, n
	}
	if isRange {
		head := from[:strings.LastIndexByte(from, '.')+1]
		last, ok := strings.CutPrefix(to, head)
		n, isOctet := parseOctet(last)
		if !ok || !isOctet || n <= m.lo[3] {
			return matcher{}, errRange
		}
		m.hi[3] = n
	}
	if m.lo[0] != 127 {
		return matcher{}, errNot
	}
	return m, nil
}

// parseOctet reads 0 to 255, without sign or leading zeros.
func parseOctet(s string) (byte, bool) {
	if s == "" || len(s) > 3 || len(s) > 1 && s[0] == '0' || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return byte(n), err == nil
}

// one says whether m matches a single address.
func (m matcher) one() bool { return m.bit == 0 && m.lo == m.hi }

// matches says whether m matches the code b. Only a matcher for 127.0.0.1 alone matches that.
func (m matcher) matches(b [4]byte) bool {
	if m.bit != 0 {
		return b[0] == 127 && b[1] == 0 && b[2] == 0 && b[3]&m.bit != 0
	}
	for i := range 4 {
		if b[i] < m.lo[i] || b[i] > m.hi[i] {
			return false
		}
	}
	return b != loopback || m.one()
}

// overlaps says whether both match some code.
func (m matcher) overlaps(o matcher) bool {
	switch {
	case m.bit != 0 && o.bit != 0:
		return m.bit == o.bit
	case m.bit != 0 || o.bit != 0:
		// An address among the refusals of a bitmask list takes that one sum of bits away, and
		// not the bit.
		one, bit := m, o
		if m.bit != 0 {
			one, bit = o, m
		}
		return one.one() && one.lo == [4]byte{127, 0, 0, bit.bit}
	case m.one():
		return o.matches(m.lo)
	case o.one():
		return m.matches(o.lo)
	}
	for i := range 4 {
		if m.hi[i] < o.lo[i] || o.hi[i] < m.lo[i] {
			return false
		}
	}
	return true
}

// loopback is 127.0.0.1, a code without a common meaning: it is a refusal at URIBL and SURBL,
// praise at HostKarma, a botnet or a proxy elsewhere.
var loopback = [4]byte{127, 0, 0, 1}

// refusalOnEveryList is 127.255.255.0/24, which lists answer to a resolver that they refuse to
// serve.
var refusalOnEveryList = matcher{lo: [4]byte{127, 255, 255, 0}, hi: [4]byte{127, 255, 255, 255}}

// octets returns the four octets of a code in 127.0.0.0/8 (RFC 5782 section 2.1).
func octets(addr netip.Addr) ([4]byte, bool) {
	if !addr.Is4() {
		return [4]byte{}, false
	}
	b := addr.As4()
	return b, b[0] == 127
}
