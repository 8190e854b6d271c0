package identity

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/probes"
	"reputed/probes/probestest"
)

func TestReverse(t *testing.T) {
	d := probestest.StartDNS(t, probestest.Zone{Name: "3.0.192.in-addr.arpa", Mode: probestest.ZoneServFail})
	d.SetName("10.2.0.192.in-addr.arpa", "PTR Mail.Example.ORG.")
	d.SetName("11.2.0.192.in-addr.arpa", "PTR localhost.", `PTR a\032b.example.org.`, "PTR ok.example.org.")
	d.SetName("5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR six.example.org.")
	r, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{d.Addr().String()}, Timeout: 5 * time.Second, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	var failed []string
	var addrs []netip.Addr
	for _, a := range []string{"192.0.2.10", "192.0.2.11", "192.0.2.13", "192.0.3.1", "2001:db8::25"} {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	if err := Reverse(t.Context(), r, slices.Values(addrs), func(a netip.Addr, names []string, err error) {
		if err != nil {
			failed = append(failed, a.String())
			return
		}
		got[a.String()] = names
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"192.0.2.10":   {"mail.example.org"},
		"192.0.2.11":   {"ok.example.org"}, // what can be a name of a host in the DNS
		"192.0.2.13":   nil,
		"2001:db8::25": {"six.example.org"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.Equal(failed, []string{"192.0.3.1"}) {
		t.Errorf("without an answer: %v", failed)
	}
}

// A walk that is cut short says nothing about what it did not reach.
func TestReverseTellsNothingOfWhatWasNotAsked(t *testing.T) {
	d := probestest.StartDNS(t, probestest.Zone{Name: "in-addr.arpa", Mode: probestest.ZoneMute})
	r, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{d.Addr().String()}, Timeout: time.Minute, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Reverse(ctx, r, slices.Values([]netip.Addr{netip.MustParseAddr("192.0.2.1")}), func(a netip.Addr, _ []string, err error) {
		t.Errorf("told of %s: %v", a, err)
	})
	if err == nil {
		t.Error("no error")
	}
}

func TestSpells(t *testing.T) {
	for name, want := range map[string]bool{
		"192-0-2-10.dynamic.example.net":     true,
		"10.2.0.192.static.example.net":      true,
		"host-192-0-2-10.example.net":        true,
		"ip192.0.2.10.example.net":           true,
		"mail.example.org":                   false,
		"mail10.example.org":                 false,
		"mx-192-0-2-11.example.net":          false,
		"1920002010.example.net":             false,
		"99999999999999999999-0-2-10.net":    false,
		"a.192.0.example.net.2.10.not.there": true, // the numbers stand in a row
	} {
		if got := Spells(name, netip.MustParseAddr("192.0.2.10")); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if Spells("2001-db8--25.example.net", netip.MustParseAddr("2001:db8::25")) {
		t.Error("IPv6")
	}
}
