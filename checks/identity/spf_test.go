package identity

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseSPF(t *testing.T) {
	p := netip.MustParsePrefix
	for name, c := range map[string]struct {
		text string
		want Record
	}{
		"the version alone is a record": {"v=spf1", nil},
		"letters in any case": {"V=SPF1 IP4:192.0.2.1 -ALL", Record{
			{Text: "IP4:192.0.2.1", Qualifier: Pass, Kind: IP4, Prefix: p("192.0.2.1/32")}, {Text: "-ALL", Qualifier: Fail, Kind: All}}},
		"spaces are as many as there are": {"v=spf1   ip4:192.0.2.0/28  ", Record{{Text: "ip4:192.0.2.0/28", Qualifier: Pass, Kind: IP4, Prefix: p("192.0.2.0/28")}}},
		"a range is masked":               {"v=spf1 ip4:192.0.2.77/28", Record{{Text: "ip4:192.0.2.77/28", Qualifier: Pass, Kind: IP4, Prefix: p("192.0.2.64/28")}}},
		"ip6":                             {"v=spf1 ip6:2001:db8::/64", Record{{Text: "ip6:2001:db8::/64", Qualifier: Pass, Kind: IP6, Prefix: p("2001:db8::/64")}}},
		"a and mx, bare and with bits": {"v=spf1 a mx/28 a:mail.example.org//64 mx:example.net/24//48", Record{
			{Text: "a", Qualifier: Pass, Kind: A, Bits4: 32, Bits6: 128},
			{Text: "mx/28", Qualifier: Pass, Kind: MX, Bits4: 28, Bits6: 128},
			{Text: "a:mail.example.org//64", Qualifier: Pass, Kind: A, Domain: "mail.example.org", Bits4: 32, Bits6: 64},
			{Text: "mx:example.net/24//48", Qualifier: Pass, Kind: MX, Domain: "example.net", Bits4: 24, Bits6: 48}}},
		"qualifiers": {"v=spf1 +a ?include:example.net ~all", Record{
			{Text: "+a", Qualifier: Pass, Kind: A, Bits4: 32, Bits6: 128},
			{Text: "?include:example.net", Qualifier: Neutral, Kind: Include, Domain: "example.net"},
			{Text: "~all", Qualifier: SoftFail, Kind: All}}},
		"macros stay as they are": {"v=spf1 exists:%{ir}.%{v}._spf.%{d2} a:%{d}/24 include:%{l}.example.org", Record{
			{Text: "exists:%{ir}.%{v}._spf.%{d2}", Qualifier: Pass, Kind: Exists, Domain: "%{ir}.%{v}._spf.%{d2}"},
			{Text: "a:%{d}/24", Qualifier: Pass, Kind: A, Domain: "%{d}", Bits4: 24, Bits6: 128},
			{Text: "include:%{l}.example.org", Qualifier: Pass, Kind: Include, Domain: "%{l}.example.org"}}},
		"modifiers, and those that nobody defined": {"v=spf1 redirect=_spf.example.org x-note=%{i}/a:b exp=why.example.org", Record{
			{Text: "redirect=_spf.example.org", Qualifier: Pass, Kind: Redirect, Domain: "_spf.example.org"},
			{Text: "exp=why.example.org", Qualifier: Pass, Kind: Exp, Domain: "why.example.org"}}},
		"ptr with and without a domain": {"v=spf1 ptr ptr:example.org", Record{
			{Text: "ptr", Qualifier: Pass, Kind: PTR}, {Text: "ptr:example.org", Qualifier: Pass, Kind: PTR, Domain: "example.org"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseSPF(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseSPFRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"another version":                      "v=spf10 -all",
		"no version":                           "spf2.0/pra -all",
		"a mechanism that is none":             "v=spf1 ipv4:192.0.2.1 -all",
		"a mechanism without its name":         "v=spf1 :example.org",
		"an IPv6 address in ip4":               "v=spf1 ip4:2001:db8::1",
		"an IPv4 address in ip6":               "v=spf1 ip6:192.0.2.1",
		"ip4 without address":                  "v=spf1 ip4",
		"ip4 with too many bits":               "v=spf1 ip4:192.0.2.1/33",
		"an address with a zone":               "v=spf1 ip6:fe80::1%eth0",
		"a with too many bits":                 "v=spf1 a/33",
		"a with too many bits of IPv6":         "v=spf1 a//129",
		"bits with a zero in front":            "v=spf1 a/024",
		"a with a colon and nothing":           "v=spf1 a:",
		"include without domain":               "v=spf1 include",
		"include of a single label":            "v=spf1 include:localhost",
		"include with bits":                    "v=spf1 include:example.org/24",
		"exists without domain":                "v=spf1 exists:",
		"all with something":                   "v=spf1 all:example.org",
		"two redirects":                        "v=spf1 redirect=a.example.org redirect=b.example.org",
		"two explanations":                     "v=spf1 exp=a.example.org exp=b.example.org -all",
		"redirect to nothing":                  "v=spf1 redirect=",
		"a macro that is none":                 "v=spf1 exists:%{x}.example.org",
		"a percent sign alone":                 "v=spf1 exists:100%.example.org",
		"macros that end in no domain":         "v=spf1 exists:%{i}.1",
		"a tabulator is no space":              "v=spf1 a\t-all",
		"a line break":                         "v=spf1 a\n",
		"letters beyond ASCII":                 "v=spf1 include:bücher.example",
		"a qualifier alone":                    "v=spf1 -",
		"two qualifiers":                       "v=spf1 -+a",
		"text after the version without space": "v=spf1;a",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseSPF(text)
			if !errors.Is(err, ErrSPF) {
				t.Errorf("got %v, %v; want ErrSPF", r, err)
			}
		})
	}
}

func FuzzParseSPF(f *testing.F) {
	for _, s := range []string{
		"v=spf1 ip4:192.0.2.0/28 ip6:2001:db8::/32 a mx/24//64 include:_spf.example.org ~all",
		"v=spf1 exists:%{ir}.%{v}.%{d2r.-}.example.org ptr redirect=%{d}", "v=spf1 exp=%%%_%-.example.org x=y", "v=spf1 a:%{d/}/24",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseSPF(text)
		if err != nil {
			if r != nil || !errors.Is(err, ErrSPF) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Fatalf("%v, %q", r, err)
			}
			return
		}
		// What was read reads the same again, term by term.
		words := []string{"v=spf1"}
		for _, term := range r {
			words = append(words, term.Text)
		}
		again, err := ParseSPF(strings.Join(words, " "))
		if err != nil {
			t.Fatalf("%q: %v", words, err)
		}
		if diff := cmp.Diff(r, again, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	})
}
