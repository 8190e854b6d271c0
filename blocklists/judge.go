package blocklists

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
)

// Judge reads the A records of one answer (none: no such name, or no A). It is
// a pure function of the zone's tables and the addresses.
//
//   - No address is Clean. That counts only if the zone's controls passed in the
//     same run, which the caller has to know.
//   - One address outside 127.0.0.0/8 makes the whole answer Unusable: the zone is
//     parked or a resolver invents answers, and the rest of the answer is worthless.
//   - One refusal code, the zone's own or any of 127.255.255.0/24, makes the
//     whole answer Refused.
//   - Otherwise the worst class of all codes decides, and all codes and meanings are shown.
//
// A code in 127.0.0.0/8 that the table does not know is Informational, never
// Listed and never Clean. Only the operator knows whether it is blame, a score
// or praise: monitors that took every answer of rep.mailspike.net for a listing
// told senders of good standing that they were blocklisted. And an entry is not
// the absence of one, so it closes nothing. It reads "not in the operator's
// table", so that somebody looks it up. In a list that is read as [Any],
// 127.0.0.2 to 127.0.0.254 are Listed.
//
// 127.0.0.1 means what a row of the table for it says. Without one it is Unusable
// and not Refused: resolvers that filter names answer so too, and no operator
// said that it refuses. The same goes for 127.0.0.0.
//
// Bits are masked, never compared: 127.0.0.80 is bit 64 and bit 16. Bits that the
// table does not know are shown and weigh nothing beside those that it does.
func (z Zone) Judge(addrs []netip.Addr) Verdict {
	if len(addrs) == 0 {
		return Verdict{Class: Clean}
	}
	v := Verdict{Codes: slices.Clone(addrs)}
	for _, addr := range addrs {
		b, ok := octets(addr)
		switch {
		case !ok:
			v.add(reading{class: Unusable, meaning: addr.String() + ": not a code of a blocklist",
				why: fmt.Sprintf("%s answers %s, which is outside 127.0.0.0/8: the zone is parked or gone, or the resolver invents answers. "+
					"Ask through a recursive resolver of your own; if it stays so, disable the list.", z.name(), addr)})
		case z.refuses(b):
			v.add(z.refusal(addr, b))
		case z.Decode == Bits:
			z.readBits(&v, addr, b)
		default:
			v.add(z.readCode(addr, b))
		}
	}
	return v
}

// reading is what one code, or one bit of it, means.
type reading struct {
	class    Class
	severity Severity
	meaning  string
	why      string
}

// add adds a reading to the verdict: the worst class decides, and of that class the worst
// severity.
func (v *Verdict) add(r reading) {
	v.Meanings = append(v.Meanings, r.meaning)
	switch {
	case r.class.Rank() > v.Class.Rank():
		v.Class, v.Severity, v.Why = r.class, r.severity, r.why
	case r.class == v.Class && r.severity.Rank() > v.Severity.Rank():
		v.Severity = r.severity
	}
}

// readCode looks one code up in the table.
func (z Zone) readCode(addr netip.Addr, b [4]byte) reading {
	if code, ok := z.row(z.Codes, b); ok {
		return z.reading(code)
	}
	switch {
	case b == loopback || b == [4]byte{127, 0, 0, 0}:
		return z.nothing(addr)
	case z.Decode == Any && b[1] == 0 && b[2] == 0 && b[3] >= 2 && b[3] <= 254:
		return reading{class: Listed, severity: z.Severity, meaning: "listed; the code gives no reason"}
	}
	return reading{class: Informational, severity: SeverityInformational, meaning: addr.String() + ": not in the operator's table"}
}

// readBits takes the last octet apart.
func (z Zone) readBits(v *Verdict, addr netip.Addr, b [4]byte) {
	if b[1] != 0 || b[2] != 0 {
		v.add(reading{class: Informational, severity: SeverityInformational, meaning: addr.String() + ": not in the operator's table"})
		return
	}
	left := b[3]
	for _, code := range z.Codes {
		m, err := parseMatch(code.Match, Bits)
		if err == nil && m.bit&left != 0 {
			left &^= m.bit
			v.add(z.reading(code))
		}
	}
	if left == b[3] && left <= 1 {
		v.add(z.nothing(addr))
		return
	}
	for ; left != 0; left &= left - 1 {
		bit := 1 << bits.TrailingZeros8(left)
		v.add(reading{class: Informational, severity: SeverityInformational, meaning: "bit " + strconv.Itoa(bit) + ": not in the operator's table"})
	}
}

// reading returns what a row of the code table means. What is informational or good never has the
// severity of a listing.
func (z Zone) reading(code Code) reading {
	r := reading{class: code.Class, severity: code.Severity, meaning: code.Meaning}
	switch {
	case code.Class == Informational || code.Class == Good:
		r.severity = SeverityInformational
	case code.Severity == "":
		r.severity = z.Severity
	}
	return r
}

// row returns the row for a code: a row for this very address, else the first range or pattern
// that matches.
func (z Zone) row(codes []Code, b [4]byte) (Code, bool) {
	found := -1
	for i, code := range codes {
		m, err := parseMatch(code.Match, z.Decode)
		if err != nil || !m.matches(b) { // Validate refuses a row that cannot be read; without it the row means nothing
			continue
		}
		if m.one() {
			return code, true
		}
		if found < 0 {
			found = i
		}
	}
	if found < 0 {
		return Code{}, false
	}
	return codes[found], true
}

func (z Zone) nothing(addr netip.Addr) reading {
	return reading{class: Unusable, meaning: addr.String() + ": means nothing on this list",
		why: fmt.Sprintf("%s answers %s, which means nothing on this list: a resolver that filters names answers so, and some operators refuse so. "+
			"Ask through a recursive resolver of your own; if it stays so, disable the list.", z.name(), addr)}
}

// name returns what people call the list. It is never the zone, which may hold a subscriber's key.
func (z Zone) name() string {
	if z.Title != "" {
		return z.Title
	}
	return z.ID
}
