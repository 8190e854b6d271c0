package probes

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Flags are those of the header of a DNS message that are set, at their places in it
// (RFC 1035 section 4.1.1, RFC 4035 section 3.2). The zero Flags are those of an answer that never came.
type Flags uint16

const (
	FlagQR Flags = 1 << 15 // it is a response
	FlagAA Flags = 1 << 10 // said by a name server of the zone itself
	FlagTC Flags = 1 << 9  // cut short
	FlagRD Flags = 1 << 8  // recursion was asked for
	FlagRA Flags = 1 << 7  // and is offered
	FlagAD Flags = 1 << 5  // the resolver has checked DNSSEC signatures
	FlagCD Flags = 1 << 4  // it was asked not to

	allFlags = FlagQR | FlagAA | FlagTC | FlagRD | FlagRA | FlagAD | FlagCD
)

// String is as dig shows them: "qr rd ra".
func (f Flags) String() string {
	var names []string
	for _, x := range []struct {
		flag Flags
		name string
	}{{FlagQR, "qr"}, {FlagAA, "aa"}, {FlagTC, "tc"}, {FlagRD, "rd"}, {FlagRA, "ra"}, {FlagAD, "ad"}, {FlagCD, "cd"}} {
		if f&x.flag != 0 {
			names = append(names, x.name)
		}
	}
	return strings.Join(names, " ")
}

func flagsOf(h dns.MsgHdr) (f Flags) {
	set := func(is bool, flag Flags) {
		if is {
			f |= flag
		}
	}
	set(h.Response, FlagQR)
	set(h.Authoritative, FlagAA)
	set(h.Truncated, FlagTC)
	set(h.RecursionDesired, FlagRD)
	set(h.RecursionAvailable, FlagRA)
	set(h.AuthenticatedData, FlagAD)
	set(h.CheckingDisabled, FlagCD)
	return f
}

// Wire is what came with an answer besides its records: "NOERROR, flags qr rd ra, TTL
// 2100 s, 12 ms". Of a "no", the TTL is how long it may be cached (RFC 2308 section 5). It is
// empty for the zero Answer.
func (a Answer) Wire() string {
	if a.RCode == "" {
		return ""
	}
	parts := []string{a.RCode}
	if a.Flags != 0 {
		parts = append(parts, "flags "+a.Flags.String())
	}
	switch {
	case len(a.Records) > 0:
		parts = append(parts, fmt.Sprintf("TTL %d s", a.Records[0].TTL/time.Second))
	case a.SOA.Zone != "":
		parts = append(parts, fmt.Sprintf("\"no\" holds for %d s (SOA of %s)", a.SOA.Minimum/time.Second, a.SOA.Zone))
	default:
		parts = append(parts, "no SOA")
	}
	if a.RTT > 0 {
		parts = append(parts, fmt.Sprintf("%d ms", max(a.RTT.Milliseconds(), 1)))
	}
	return strings.Join(parts, ", ")
}
