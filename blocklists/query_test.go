package blocklists

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestQueryName(t *testing.T) {
	z := Zone{Zone: "bad.example.com"}
	for name, c := range map[string]struct{ addr, want string }{
		"IPv4 octets are reversed (RFC 5782 2.1)":  {"192.0.2.99", "99.2.0.192.bad.example.com."},
		"IPv6 nibbles are reversed (RFC 5782 2.4)": {"2001:db8:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bad.example.com."},
		"a mapped address is asked as IPv6":        {"::ffff:127.0.0.2", "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bad.example.com."},
		"a zone identifier plays no part":          {"fe80::1%eth0", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.bad.example.com."},
		"octets have no leading zeros":             {"10.0.200.7", "7.200.0.10.bad.example.com."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := z.QueryName(netip.MustParseAddr(c.addr)); got != c.want {
				t.Errorf("QueryName(%s) = %s, want %s", c.addr, got, c.want)
			}
		})
	}
	if got := z.QueryName(netip.Addr{}); got != "" {
		t.Errorf("the invalid address has the name %q, want none", got)
	}
}

func TestQueryDomain(t *testing.T) {
	z := Zone{Zone: "bad.example.com"}
	for name, c := range map[string]struct{ domain, want string }{
		"the name goes in front of the zone (RFC 5782 3)": {"example.org", "example.org.bad.example.com."},
		"a final dot is dropped":                          {"example.org.", "example.org.bad.example.com."},
		"letters become lower case":                       {"TEST", "test.bad.example.com."},
		"underscores stay":                                {"_DNSBL_.test", "_dnsbl_.test.bad.example.com."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := z.QueryDomain(c.domain); got != c.want {
				t.Errorf("QueryDomain(%s) = %s, want %s", c.domain, got, c.want)
			}
		})
	}
}

func TestTheInvalidAddressHasNoName(t *testing.T) {
	if got := (Zone{Zone: "bl.example"}).QueryName(netip.Addr{}); got != "" {
		t.Errorf("got %q", got)
	}
}

// A round asks millions of names.
func TestANameCostsOneAllocation(t *testing.T) {
	z := Zone{Zone: "bl.example"}
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	names := 0
	if n := testing.AllocsPerRun(100, func() {
		for _, a := range addrs {
			names += len(z.QueryName(a))
		}
	}); n != float64(len(addrs)) {
		t.Errorf("%v allocations for %d names", n, len(addrs))
	}
}

// parseReversed reads a query name back, by the book and not by our writer.
func parseReversed(t interface{ Fatalf(string, ...any) }, name, zone string) netip.Addr {
	rest, ok := strings.CutSuffix(name, "."+zone+".")
	if !ok {
		t.Fatalf("%q does not end in %q", name, "."+zone+".")
	}
	labels := strings.Split(rest, ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	text := strings.Join(labels, ".")
	if len(labels) == 32 {
		var b strings.Builder
		for i, nibble := range labels {
			if i > 0 && i%4 == 0 {
				b.WriteByte(':')
			}
			b.WriteString(nibble)
		}
		text = b.String()
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatalf("%q reads back as %q: %v", name, text, err)
	}
	return addr
}

func FuzzQueryName(f *testing.F) {
	for _, s := range []string{"192.0.2.99", "255.255.255.255", "0.0.0.0", "2001:db8::1", "::ffff:127.0.0.2", "::", "fe80::1%x"} {
		a := netip.MustParseAddr(s)
		f.Add(a.AsSlice())
	}
	z := Zone{Zone: "bl.example"}
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		name := z.QueryName(addr)
		if back := parseReversed(t, name, z.Zone); back != addr {
			t.Errorf("%v is asked as %q, which is %v", addr, name, back)
		}
		if !domainName(strings.TrimSuffix(name, ".")) {
			t.Errorf("%q is no legal name", name)
		}
	})
}

// Whatever passes Validate can be asked for any address that it serves.
func TestValidZonesLeaveRoomForEveryAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringMatching(`[a-z0-9]{1,63}`)
		zone := strings.Join(rapid.SliceOfN(label, 2, 8).Draw(t, "labels"), ".")
		z, err := UserZone(Zone{ID: "x", Zone: zone, Families: []Family{IPv4, IPv6}})
		if err != nil {
			return
		}
		for _, a := range []string{"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
			if name := z.QueryName(netip.MustParseAddr(a)); len(name) > maxName+1 {
				t.Fatalf("%d octets: %s", len(name), name)
			}
		}
	})
}

func BenchmarkQueryName(b *testing.B) {
	z := Zone{Zone: "zen.spamhaus.org"}
	for name, s := range map[string]string{"ip4": "192.0.2.210", "ip6": "2001:db8::25"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			addr := netip.MustParseAddr(s)
			for b.Loop() {
				z.QueryName(addr)
			}
		})
	}
}

func TestNamesForAListOfDomains(t *testing.T) {
	for name, c := range map[string]struct {
		form      NameForm
		name, org string
		want      string
	}{
		"nothing said: both":                 {"", "mail.example.org", "example.org", "mail.example.org example.org"},
		"both":                               {BothNames, "mail.example.org", "example.org", "mail.example.org example.org"},
		"wildcards below each entry":         {FullName, "mail.example.org", "example.org", "mail.example.org"},
		"the registered domain":              {Organisational, "mail.example.org", "example.org", "example.org"},
		"it is the registered domain":        {Organisational, "example.org", "example.org", "example.org"},
		"once, not twice":                    {BothNames, "example.org", "example.org", "example.org"},
		"a public suffix is under no domain": {Organisational, "co.uk", "", "co.uk"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join((Zone{Names: c.form}).NamesFor(c.name, c.org), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
