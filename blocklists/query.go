package blocklists

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// FamilyOf returns the family that addr is asked as. An IPv4-mapped IPv6 address is IPv6:
// ::ffff:127.0.0.2 is a control of IPv6 lists (RFC 5782 section 5), and whoever means the IPv4
// address unmaps it when parsing.
func FamilyOf(addr netip.Addr) Family {
	if addr.Is4() {
		return IPv4
	}
	return IPv6
}

// Serves says whether the list holds things of this family. A list that does not
// answers "no such name", which is not the same as clean.
func (z Zone) Serves(f Family) bool { return slices.Contains(z.Families, f) }

// QueryName returns the absolute name to look up addr in z: the octets of an
// IPv4 address reversed (RFC 5782 section 2.1), or the 32 nibbles of an IPv6
// address reversed, in lower case (section 2.4). It never unmaps:
// ::ffff:127.0.0.2 is a control and is asked as IPv6. The invalid address has
// no name, and neither has any address while the list lacks its key: "".
func (z Zone) QueryName(addr netip.Addr) string {
	if !addr.IsValid() || z.lacksKey() {
		return ""
	}
	var buf [maxName + 1]byte
	return string(z.appendZone(appendReversed(buf[:0], addr)))
}

// appendZone appends what follows the address or name that is asked about.
func (z Zone) appendZone(dst []byte) []byte {
	if z.Key.Set() {
		dst = append(dst, '.')
		dst = append(dst, z.Key.text()...)
	}
	dst = append(dst, '.')
	dst = append(dst, z.Zone...)
	return append(dst, '.')
}

// QueryDomain returns the absolute name to look up a domain in z: the name in front of the
// zone (RFC 5782 section 3), in lower case. The name must be ASCII (A-labels), with or without
// its final dot. The result may be longer than the DNS allows; whoever asks finds out. If the
// list lacks its key it is "".
func (z Zone) QueryDomain(name string) string {
	if z.lacksKey() {
		return ""
	}
	var buf [maxName + 1]byte
	return string(z.appendZone(append(buf[:0], strings.ToLower(strings.TrimSuffix(name, "."))...)))
}

// NamesFor returns the names by which a list of domains is asked about one: the name itself,
// the organisational domain that it lies under (empty if it is one or lies under none), or
// both.
func (z Zone) NamesFor(name, organisational string) []string {
	switch {
	case organisational == "" || organisational == name || z.Names == FullName:
		return []string{name}
	case z.Names == Organisational:
		return []string{organisational}
	}
	return []string{name, organisational}
}

// appendReversed appends the labels of addr in the order of a question, without a final dot.
func appendReversed(dst []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		b := addr.As4()
		for i := 3; i >= 0; i-- {
			dst = strconv.AppendUint(dst, uint64(b[i]), 10)
			if i > 0 {
				dst = append(dst, '.')
			}
		}
		return dst
	}
	const hex = "0123456789abcdef"
	b := addr.As16()
	for i := 15; i >= 0; i-- {
		dst = append(dst, hex[b[i]&0xf], '.', hex[b[i]>>4])
		if i > 0 {
			dst = append(dst, '.')
		}
	}
	return dst
}
