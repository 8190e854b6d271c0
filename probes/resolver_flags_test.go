package probes

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestWireIsWhatCameWithAnAnswer(t *testing.T) {
	header := flagsOf(dns.MsgHdr{Response: true, RecursionDesired: true, RecursionAvailable: true})
	for want, a := range map[string]Answer{
		"": {},
		"NOERROR, flags qr rd ra, TTL 2100 s, 12 ms":                                   {RCode: "NOERROR", Flags: header, Records: []Record{{TTL: 35 * time.Minute}}, RTT: 12 * time.Millisecond},
		"NXDOMAIN, flags qr aa, \"no\" holds for 150 s (SOA of bl.example.net.), 1 ms": {RCode: "NXDOMAIN", Flags: FlagQR | FlagAA, SOA: SOA{Zone: "bl.example.net.", Minimum: 150 * time.Second}, RTT: time.Microsecond},
		"NXDOMAIN, no SOA": {RCode: "NXDOMAIN"},
	} {
		if got := a.Wire(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	all := dns.MsgHdr{Response: true, Authoritative: true, Truncated: true, RecursionDesired: true, RecursionAvailable: true, AuthenticatedData: true, CheckingDisabled: true}
	if got, want := flagsOf(all).String(), "qr aa tc rd ra ad cd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
