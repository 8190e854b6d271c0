package probes

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Flags are the flags that are set in the header of a DNS message, at their places in it
// (RFC 1035 section 4.1.1, RFC 4035 section 3.2). An answer that never came has none.
type Flags uint16

const (
	FlagQR Flags = 1 << 15 // a response
	FlagAA Flags = 1 << 10 // authoritative: a name server of the zone itself said it
	FlagTC Flags = 1 << 9  // truncated
	FlagRD Flags = 1 << 8  // recursion desired
	FlagRA Flags = 1 << 7  // recursion available
	FlagAD Flags = 1 << 5  // authentic data: the resolver has checked the DNSSEC signatures
	FlagCD Flags = 1 << 4  // checking disabled: it was asked not to

	allFlags = FlagQR | FlagAA | FlagTC | FlagRD | FlagRA | FlagAD | FlagCD
)

// String returns the flags as dig shows them: "qr rd ra".
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

// Wire describes what came with an answer besides its records: "NOERROR, flags qr rd ra, TTL
// 2100 s, 12 ms". For a negative answer it says how long it may be cached (RFC 2308 section
// 5). It is empty for the zero Answer.
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
