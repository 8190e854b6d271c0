package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reputed/probes"
	"reputed/probes/probestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a DNS server on the loopback with these names, and a resolver that asks it.
func world(t *testing.T, names map[string][]string) (*probestest.DNS, *probes.Resolver) {
	t.Helper()
	dns := probestest.StartDNS(t)
	for name, records := range names {
		dns.SetName(name, records...)
	}
	r, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{dns.Addr().String()}, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return dns, r
}

func spfTXT(text string) string { return `TXT "v=spf1 ` + text + `"` }

func texts(ranges []Range) (out []string) {
	for _, r := range ranges {
		out = append(out, r.Prefix.String())
	}
	return out
}

// names are what the records of these tests lead to.
func names(record string) map[string][]string {
	return map[string][]string{
		"example.org":       {`TXT "verification=1"`, spfTXT(record), "A 192.0.2.80", "MX 10 mx1.example.org.", "MX 20 mx2.example.org."},
		"mx1.example.org":   {"A 192.0.2.25", "AAAA 2001:db8::25"},
		"mx2.example.org":   {"A 192.0.2.26"},
		"_spf.example.net":  {spfTXT("ip4:198.51.100.0/24 -ip4:203.0.113.5 ip4:203.0.113.4/31 ?all")},
		"_deep.example.net": {spfTXT("include:_spf.example.net ip4:203.0.113.128 -all")},
		"null.example.net":  {"MX 0 ."},
	}
}

func TestFlatten(t *testing.T) {
	for name, c := range map[string]struct {
		record string
		want   string
		open   string // what cannot be written out, "term: why" in a few words
	}{
		"addresses and ranges as they stand":          {"ip4:192.0.2.10 ip4:192.0.2.11 ip4:192.0.2.32/28 ip6:2001:db8:1::/64 -all", "192.0.2.10/32 192.0.2.11/32 192.0.2.32/28 2001:db8:1::/64", ""},
		"a is the domain's own address":               {"a -all", "192.0.2.80/32", ""},
		"a of another name, both families":            {"a:mx1.example.org", "192.0.2.25/32 2001:db8::25/128", ""},
		"a with bits":                                 {"a:mx1.example.org/28//64", "192.0.2.16/28 2001:db8::/64", ""},
		"mx is all its exchangers":                    {"mx", "192.0.2.25/32 2001:db8::25/128 192.0.2.26/32", ""},
		"a null MX is nobody":                         {"mx:null.example.net ip4:192.0.2.1", "192.0.2.1/32", ""},
		"include takes what passes there":             {"include:_spf.example.net -all", "198.51.100.0/24 203.0.113.4/32", ""},
		"an include in an include":                    {"include:_deep.example.net", "198.51.100.0/24 203.0.113.4/32 203.0.113.128/32", ""},
		"redirect comes last, wherever it stands":     {"redirect=_spf.example.net ip4:192.0.2.1", "192.0.2.1/32 198.51.100.0/24 203.0.113.4/32", ""},
		"redirect does not count beside all":          {"redirect=_spf.example.net -all", "", ""},
		"nothing after all counts":                    {"ip4:192.0.2.1 -all ip4:192.0.2.2", "192.0.2.1/32", ""},
		"first match decides":                         {"-ip4:192.0.2.2 ip4:192.0.2.0/30 -ip4:192.0.2.1 ~all", "192.0.2.0/31 192.0.2.3/32", ""},
		"softfail and neutral are no authority":       {"~ip4:192.0.2.1 ?a ip4:192.0.2.9", "192.0.2.9/32", ""},
		"what an include passes can be refused":       {"-include:_spf.example.net ip4:198.51.100.0/23", "198.51.101.0/24", ""},
		"a fail in an include is only no match":       {"include:_spf.example.net ip4:203.0.113.5", "198.51.100.0/24 203.0.113.4/32 203.0.113.5/32", ""},
		"what lies in another is left out":            {"ip4:192.0.2.1 ip4:192.0.2.0/28 ip4:192.0.2.1 ip4:192.0.2.0/28", "192.0.2.0/28", ""},
		"the whole world":                             {"ip4:192.0.2.1 +all", "192.0.2.1/32", "+all of example.org: it authorises every address there is"},
		"exists hangs on the mail":                    {"exists:%{i}._spf.example.org ip4:192.0.2.1", "192.0.2.1/32", "exists:%{i}._spf.example.org of example.org: it hangs on the mail, or on who asks"},
		"a macro in an include":                       {"include:%{l}.example.org ip4:192.0.2.1", "192.0.2.1/32", "include:%{l}.example.org of example.org: it hangs on the mail, or on who asks"},
		"ptr":                                         {"ptr ip4:192.0.2.1", "192.0.2.1/32", "ptr of example.org: it goes by reverse names, which cannot be listed (and nobody should use it any more)"},
		"what takes out and hangs on the mail":        {"-exists:%{i}.bl.example.org ip4:192.0.2.1", "192.0.2.1/32", "-exists:%{i}.bl.example.org of example.org: it hangs on the mail, or on who asks; what it takes out is not taken out here"},
		"a mapped address matches nothing":            {"ip6:::ffff:192.0.2.1 ip4:192.0.2.2", "192.0.2.2/32", "ip6:::ffff:192.0.2.1 of example.org: an IPv4 address is always compared as IPv4 (RFC 7208 section 5), so this matches nothing"},
		"a record that authorises nobody":             {"-all", "", ""},
		"two empty look-ups are allowed":              {"a:no1.example.org a:no2.example.org ip4:192.0.2.1", "192.0.2.1/32", ""},
		"without IPv6 a name is no empty look-up":     {"a a:mx2.example.org a:example.org a:mx2.example.org", "192.0.2.80/32 192.0.2.26/32", ""},
		"an include twice, beside each other":         {"include:_spf.example.net include:_deep.example.net", "198.51.100.0/24 203.0.113.4/32 203.0.113.128/32", ""},
		"ten look-ups are allowed":                    {strings.Repeat("a ", 10), "192.0.2.80/32", ""},
		"names in any case lead to the same":          {"include:_SPF.Example.NET", "198.51.100.0/24 203.0.113.4/32", ""},
		"a final dot belongs to the name":             {"include:_spf.example.net.", "198.51.100.0/24 203.0.113.4/32", ""},
		"the parts of a long record join without gap": {`ip4:192.0.2.1 ip4:198.5" "1.100.7 -all`, "192.0.2.1/32 198.51.100.7/32", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := world(t, names(c.record))
			flat, err := Flatten(t.Context(), r, "example.org")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, strings.Join(texts(flat.Ranges), " ")); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
			var open []string
			for _, o := range flat.Open {
				open = append(open, o.String())
			}
			if diff := cmp.Diff(c.open, strings.Join(open, "\n")); diff != "" {
				t.Errorf("open (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFlattenSaysWhichTermOfWhichRecord(t *testing.T) {
	eleven := map[string][]string{"example.org": {spfTXT("include:a.example.net include:b.example.net")},
		"a.example.net": {spfTXT(strings.Repeat("a:mx1.example.org ", 6)), "A 192.0.2.1"}, "b.example.net": {spfTXT("a:mx1.example.org a:mx1.example.org a:mx1.example.org a:mx1.example.org")},
		"mx1.example.org": {"A 192.0.2.25"}}
	many := map[string][]string{"example.org": {spfTXT("mx")}}
	for i := range 11 {
		many["example.org"] = append(many["example.org"], fmt.Sprintf("MX 10 mx%d.example.org.", i))
	}
	for name, c := range map[string]struct {
		names map[string][]string
		is    error
		want  string
	}{
		"no name at all":        {nil, ErrNoSPF, "example.org: there is no SPF record"},
		"no record of SPF":      {map[string][]string{"example.org": {`TXT "v=spf10 -all"`}}, ErrNoSPF, "example.org: there is no SPF record"},
		"two records":           {map[string][]string{"example.org": {spfTXT("-all"), spfTXT("mx")}}, ErrSPF, "broken SPF record: example.org has 2 of them, and must have one"},
		"a wrong term":          {names("ipv4:192.0.2.1"), ErrSPF, `record of example.org: broken SPF record: "ipv4:192.0.2.1": there is no such mechanism`},
		"an include of nothing": {names("include:no.example.net"), ErrSPF, `broken SPF record: "include:no.example.net" of example.org: no.example.net publishes no SPF record`},
		"a redirect to nothing": {names("redirect=no.example.net"), ErrSPF, `broken SPF record: "redirect=no.example.net" of example.org: no.example.net publishes no SPF record`},
		"itself":                {names("include:example.org"), ErrSPF, `broken SPF record: "include:example.org" of example.org: it leads back to example.org`},
		"a loop of two": {map[string][]string{"example.org": {spfTXT("include:a.example.net")}, "a.example.net": {spfTXT("redirect=example.org")}}, ErrSPF,
			`broken SPF record: "redirect=example.org" of a.example.net: it leads back to example.org`},
		"the eleventh look-up": {eleven, ErrSPF,
			`broken SPF record: "a:mx1.example.org" of b.example.net: it is the 11th term that has to be looked up, and receivers stop after 10 (RFC 7208 section 4.6.4)`},
		"terms that cannot be expanded are looked up too": {names(strings.Repeat("exists:%{i}.example.org ", 11)), ErrSPF,
			`broken SPF record: "exists:%{i}.example.org" of example.org: it is the 11th term that has to be looked up, and receivers stop after 10 (RFC 7208 section 4.6.4)`},
		"the third empty look-up": {names("a:no1.example.org mx:no2.example.org a:no3.example.org"), ErrSPF,
			`broken SPF record: "a:no3.example.org" of example.org: it is the 3rd look-up that finds nothing, and receivers stop after 2 (RFC 7208 section 4.6.4)`},
		"eleven exchangers": {many, ErrSPF, `broken SPF record: "mx" of example.org: example.org has 11 mail exchangers, and receivers stop after 10 (RFC 7208 section 4.6.4)`},
		"a broken record below": {map[string][]string{"example.org": {spfTXT("include:a.example.net")}, "a.example.net": {spfTXT("ip4:192.0.2.256")}}, ErrSPF,
			`record of a.example.net: broken SPF record: "ip4:192.0.2.256": want an address or a range of IPv4`},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := world(t, c.names)
			flat, err := Flatten(t.Context(), r, "example.org")
			if !errors.Is(err, c.is) || err.Error() != c.want {
				t.Errorf("got %+v, %v\nwant %s", flat, err, c.want)
			}
		})
	}
}

func TestSilenceIsNoAnswer(t *testing.T) {
	for name, text := range map[string]string{"the record": "", "an include": "include:bl.example.net", "an exchanger": "mx:bl.example.net", "an address": "a:host.bl.example.net"} {
		t.Run(name, func(t *testing.T) {
			dns, r := world(t, names(text))
			dns.AddZone(probestest.Zone{Name: "bl.example.net", Mode: probestest.ZoneServFail})
			if text == "" {
				dns.SetMode(".", probestest.ZoneServFail)
			}
			flat, err := Flatten(t.Context(), r, "example.org")
			if !errors.Is(err, ErrUnanswered) || !errors.Is(err, probes.ErrServFail) || errors.Is(err, ErrSPF) || errors.Is(err, ErrNoSPF) {
				t.Errorf("got %+v, %v", flat, err)
			}
		})
	}
	t.Run("the run is cut short", func(t *testing.T) {
		_, r := world(t, names("mx"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Flatten(ctx, r, "example.org"); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnanswered) {
			t.Error(err)
		}
	})
}

func TestAddresses(t *testing.T) {
	dns, r := world(t, map[string][]string{
		"mail.example.org": {"AAAA 2001:db8::25", "A 192.0.2.11", "A 192.0.2.10", "A 192.0.2.10"},
		"text.example.org": {`TXT "nothing else"`},
	})
	got, err := Addresses(t.Context(), r, "mail.example.org")
	if err != nil || fmt.Sprint(got) != "[192.0.2.10 192.0.2.11 2001:db8::25]" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, name := range []string{"no.example.org", "text.example.org"} {
		if got, err := Addresses(t.Context(), r, name); !errors.Is(err, ErrNoAddress) || err.Error() != name+" has no address" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	dns.SetMode(".", probestest.ZoneRefused)
	if got, err := Addresses(t.Context(), r, "mail.example.org"); !errors.Is(err, ErrUnanswered) || !errors.Is(err, probes.ErrRefused) {
		t.Errorf("refused: %v, %v", got, err)
	}
}

func TestEnumerable(t *testing.T) {
	flat := Flat{}
	for _, p := range []string{"192.0.2.0/24", "10.0.0.0/19", "10.1.0.0/20", "0.0.0.0/0", "2001:db8::/64", "2001:db8::/116", "2001:db8:1::1/128"} {
		flat.Ranges = append(flat.Ranges, Range{Prefix: netip.MustParsePrefix(p)})
	}
	ask, left := flat.Enumerable()
	if got, want := strings.Join(texts(ask), " "), "192.0.2.0/24 10.1.0.0/20 2001:db8::/116 2001:db8:1::1/128"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if got, want := strings.Join(texts(left), " "), "10.0.0.0/19 0.0.0.0/0 2001:db8::/64"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	flat.Ranges = nil
	for i := range 17 {
		flat.Ranges = append(flat.Ranges, Range{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 20)})
	}
	if ask, left := flat.Enumerable(); len(ask) != 16 || len(left) != 1 {
		t.Errorf("%d asked, %d left of 17 times 4096", len(ask), len(left))
	}
}
