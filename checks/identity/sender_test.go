package identity

import (
	"maps"
	"strings"
	"testing"

	"go4.org/netipx"
)

func TestSPFOfDomains(t *testing.T) {
	record := func(texts ...string) map[string][]string {
		all := []string{"MX 10 mx1.example.org."}
		for _, text := range texts {
			all = append(all, spfTXT(text))
		}
		return map[string][]string{"example.org": all}
	}
	rulings(t, RuleSPF, map[string]ruling{
		"one that ends in -all":              {want: "good", text: "-all"},
		"one that ends in ~all":              {change: record("ip4:192.0.2.10 ~all"), want: "good", text: "~all"},
		"none, and there is a key":           {change: record(), want: "bad minor identity.spf", record: `example.org. TXT "v=spf1 ip4:192.0.2.10 ~all"`},
		"none, and no key":                   {change: map[string][]string{"example.org": {"MX 10 mx1.example.org."}, "s1._domainkey.example.org": nil}, want: "bad major identity.spf"},
		"two":                                {change: record("ip4:192.0.2.10 -all", "mx -all"), want: "bad major identity.spf", text: "2 SPF records"},
		"a term that is none":                {change: record("ipv4:192.0.2.10 -all"), want: "bad major identity.spf", text: "ipv4"},
		"a term that is none, behind a hit":  {change: record("ip4:192.0.2.10 ipv4:192.0.2.11 -all"), want: "bad major identity.spf"},
		"strings joined without a space":     {change: map[string][]string{"example.org": {`TXT "v=spf1 ip4:192.0.2.10" "include:_spf.example.net -all"`}}, want: "bad major identity.spf"},
		"an include without a record":        {change: record("include:nobody.example.net -all"), want: "bad major identity.spf", text: "nobody.example.net publishes no SPF record"},
		"an include that leads back":         {change: record("include:example.org -all"), want: "bad major identity.spf", text: "leads back"},
		"eleven look-ups":                    {change: record(strings.Repeat("a:mx1.example.org ", 11) + "-all"), want: "bad major identity.spf", text: "11 look-ups"},
		"three that find nothing":            {change: record("a:x1.example.org a:x2.example.org a:x3.example.org -all"), want: "bad major identity.spf", text: "3 of its look-ups"},
		"everybody":                          {change: record("mx +all"), want: "bad minor identity.spf-open"},
		"everybody by an address":            {change: record("ip4:0.0.0.0/0 -all"), want: "bad minor identity.spf-open"},
		"everybody by redirect":              {change: map[string][]string{"example.org": {spfTXT("redirect=_r.example.org")}, "_r.example.org": {spfTXT("+all")}}, want: "bad minor identity.spf-open"},
		"an included +all is not everybody":  {change: map[string][]string{"example.org": {spfTXT("?include:_r.example.org ip4:192.0.2.10 -all")}, "_r.example.org": {spfTXT("+all")}}, want: "good"},
		"no all":                             {change: record("ip4:192.0.2.10"), want: "advice", text: "says nothing"},
		"ptr":                                {change: record("ptr ip4:192.0.2.10 -all"), want: "advice", text: "reverse names"},
		"terms behind all":                   {change: record("-all ip4:192.0.2.10"), want: "advice", text: "counts for nothing"},
		"a long one":                         {change: map[string][]string{"example.org": {key("v=spf1 " + strings.Repeat("ip4:198.51.100.100 ", 26) + "ip4:192.0.2.10 -all")}}, want: "advice", text: "octets long"},
		"half of the world":                  {change: record("ip4:128.0.0.0/1 ip4:192.0.2.10 -all"), want: "advice", text: "large part"},
		"no answer":                          {fail: "example.org", want: "unknown"},
		"an include without an answer":       {fail: "_spf.example.net", want: "unknown", text: "_spf.example.net"},
		"of a return path elsewhere":         {change: map[string][]string{"bounce.example.net": {spfTXT("ip4:192.0.2.10 -all")}}, sender: func(d *Domain) { d.ReturnPath = "bounce.example.net" }, want: "good", text: "bounce.example.net"},
		"of a domain that sends nothing":     {change: record("-all"), sender: func(d *Domain) { d.Silent = true }, want: "good"},
		"of a silent domain, and it is open": {sender: func(d *Domain) { d.Silent = true }, want: "bad minor identity.spf", record: `example.org. TXT "v=spf1 -all"`},
	})
	rulings(t, RuleSPFLimits, map[string]ruling{
		"one look-up":           {want: "good", text: "1 of 10 look-ups"},
		"nine":                  {change: record(strings.Repeat("a:mx1.example.org ", 9) + "-all"), want: "advice", text: "9 of 10"},
		"two that find nothing": {change: record("a:x1.example.org a:x2.example.org -all"), want: "advice", text: "2 of 2"},
		"nested ones count":     {change: map[string][]string{"example.org": {spfTXT("include:_a.example.org mx -all")}, "_a.example.org": {spfTXT("include:_spf.example.net a:mx1.example.org -all")}}, want: "good", text: "4 of 10"},
	})
}

func TestSPFOfAddresses(t *testing.T) {
	record := func(text string) map[string][]string {
		return map[string][]string{"example.org": {spfTXT(text), "MX 10 mx1.example.org."}}
	}
	rulings(t, RuleAuthorised, map[string]ruling{
		"passes":                               {want: "good"},
		"by include":                           {change: map[string][]string{"example.org": {spfTXT("include:_spf.example.net -all")}, "_spf.example.net": {spfTXT("ip4:192.0.2.0/24 ?all")}}, want: "good"},
		"by mx":                                {change: record("mx -all"), want: "good"},
		"by exists":                            {change: map[string][]string{"example.org": {spfTXT("exists:%{ir}._ok.example.org -all")}, "10.2.0.192._ok.example.org": {"A 127.0.0.2"}}, want: "good"},
		"by ptr":                               {change: record("ptr -all"), want: "good"},
		"by redirect":                          {change: map[string][]string{"example.org": {spfTXT("redirect=_r.example.org")}, "_r.example.org": {spfTXT("ip4:192.0.2.10 -all")}}, want: "good"},
		"fails":                                {change: record("ip4:192.0.2.99 -all"), want: "bad major identity.spf-address", record: `example.org. TXT "v=spf1 ip4:192.0.2.99 ip4:192.0.2.10 -all"`},
		"softfails":                            {change: record("ip4:192.0.2.99 ~all"), want: "bad minor identity.spf-address", text: "softfail"},
		"neutral":                              {change: record("ip4:192.0.2.99"), want: "bad minor identity.spf-address", record: `example.org. TXT "v=spf1 ip4:192.0.2.99 ip4:192.0.2.10"`},
		"is added in front of what refuses it": {change: record("mx:nobody.example.net -ip4:192.0.2.0/24 ~all"), want: "bad major identity.spf-address", record: `example.org. TXT "v=spf1 mx:nobody.example.net ip4:192.0.2.10 -ip4:192.0.2.0/24 ~all"`},
		"is added in front of a redirect":      {change: map[string][]string{"example.org": {spfTXT("redirect=_spf.example.net")}}, want: "bad major identity.spf-address", record: `example.org. TXT "v=spf1 ip4:192.0.2.10 redirect=_spf.example.net"`},
		"fails, of one of a range":             {change: record("-all"), addr: func(a *Address) { a.Spare = true }, want: "bad minor identity.spf-address"},
		"no answer on the way":                 {change: record("a:gone.example.com -all"), fail: "gone.example.com", want: "unknown"},
		"a hit before what has no answer":      {change: record("ip4:192.0.2.10 a:gone.example.com -all"), fail: "gone.example.com", want: "good"},
		"a broken record is told once":         {change: record("nonsense -all"), want: ""},
	})
}

func TestMendedStaysOneRecord(t *testing.T) {
	for record, c := range map[string]struct {
		addr string
		want string
	}{
		"v=spf1 mx -all":                        {"192.0.2.10", "v=spf1 mx ip4:192.0.2.10 -all"},
		"v=spf1 ?include:x.example.org mx ~all": {"192.0.2.10", "v=spf1 ip4:192.0.2.10 ?include:x.example.org mx ~all"},
		"v=spf1":                                {"2001:db8::10", "v=spf1 ip6:2001:db8::10"},
		"V=SPF1 MX -ALL":                        {"192.0.2.10", "V=SPF1 MX ip4:192.0.2.10 -ALL"},
		"v=spf1 x-note=a redirect=_spf.example.org":  {"192.0.2.10", "v=spf1 x-note=a ip4:192.0.2.10 redirect=_spf.example.org"},
		"v=spf1 " + strings.Repeat("mx ", 150) + "a": {"192.0.2.10", ""},
	} {
		a := Address{Target: target(t, c.addr)}
		_, missing := a, newSet(t, c.addr)
		got := mended(record, missing)
		if got != c.want {
			t.Errorf("%.40q: got %q, want %q", record, got, c.want)
		}
		if got != "" {
			if _, err := ParseSPF(got); err != nil {
				t.Errorf("%q is no record: %v", got, err)
			}
		}
	}
}

// The library takes anything but a *net.DNSError for a broken record. What has no answer must stay unknown.
func TestNoAnswerIsNeverABrokenRecord(t *testing.T) {
	for _, fail := range []string{"example.org", "_spf.example.net", "gone.example.com"} {
		items, _ := ruling{fail: fail, change: map[string][]string{"_spf.example.net": {spfTXT("a:gone.example.com mx:gone.example.com exists:%{i}.gone.example.com -all")}, "example.org": {spfTXT("include:_spf.example.net -all")}}}.look(t, Check{}, "192.0.2.10")
		for _, i := range items {
			if (i.Rule == RuleSPF || i.Rule == RuleAuthorised) && i.State == Bad {
				t.Errorf("%s has no answer: %s: %s", fail, i.Rule, i.Text)
			}
		}
	}
	items, _ := ruling{change: map[string][]string{"example.org": {spfTXT("a:" + strings.Repeat("x.", 10) + "example.org exists:%{l}..x.example.org ip4:192.0.2.10 -all")}}}.look(t, Check{}, "192.0.2.10")
	if i, _ := of(items, RuleAuthorised); i.State != Good {
		t.Errorf("a name that cannot be is as one that does not exist: %s %s", i.outcome(), i.Text)
	}
}

// The library stops at the first term that matches; receivers read each record as a whole first.
func TestAWrongTermBehindTheHitSpoilsTheRecord(t *testing.T) {
	_, resolver := world(t, map[string][]string{
		"example.org":      {spfTXT("include:_spf.example.net -all")},
		"_spf.example.net": {spfTXT("ip4:192.0.2.10 nonsense -all")},
		"example.com":      {spfTXT("ip4:192.0.2.10 include:_spf.example.net -all")},
	})
	for domain, want := range map[string]Result{"example.org": ResultPermError, "example.com": ResultPass, "example.net": ResultNone} {
		b := newBook(t.Context(), resolver, noon)
		if got, why := b.evaluate(domain, target(t, "192.0.2.10").Addr); got != want {
			t.Errorf("%s: %s (%s), want %s", domain, got, why, want)
		}
	}
}

func newSet(t *testing.T, addr string) *netipx.IPSetBuilder {
	t.Helper()
	var b netipx.IPSetBuilder
	b.Add(target(t, addr).Addr)
	return &b
}

// A receiver asks for addresses of the sender's family alone (RFC 7208 section 5), so that a name may
// be a void look-up for one sender and none for another.
func TestVoidLookUpsCountInTheSendersFamily(t *testing.T) {
	only4 := map[string][]string{"v1.example.org": {"A 198.51.100.1"}, "v2.example.org": {"A 198.51.100.2"}, "v3.example.org": {"A 198.51.100.3"}}
	with := func(record string) map[string][]string {
		names := map[string][]string{"example.org": {spfTXT(record), "MX 10 mx1.example.org."}}
		maps.Copy(names, only4)
		return names
	}
	for name, c := range map[string]struct {
		record, addr, want, limits string
	}{
		"three names without IPv6, of IPv6":              {"a:v1.example.org a:v2.example.org a:v3.example.org ip6:2001:db8::10 -all", "2001:db8::10", "bad major identity.spf-address", "3 of 2 that find nothing for senders of IPv6"},
		"three names without IPv6, of IPv4":              {"a:v1.example.org a:v2.example.org a:v3.example.org ip4:192.0.2.10 -all", "192.0.2.10", "good", "0 of 2 that find nothing"},
		"two are allowed":                                {"a:v1.example.org a:v2.example.org ip6:2001:db8::10 -all", "2001:db8::10", "good", "2 of 2 that find nothing for senders of IPv6; the next one"},
		"a hit before the third":                         {"a:v1.example.org a:v2.example.org ip6:2001:db8::10 a:v3.example.org -all", "2001:db8::10", "good", "3 of 2"},
		"exists asks for IPv4 addresses whoever sends":   {"exists:v1.example.org -all", "2001:db8::10", "good", "0 of 2"},
		"exists, behind names without IPv6 of one's own": {"a:v1.example.org a:v2.example.org exists:v3.example.org -all", "2001:db8::10", "good", "2 of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			items, _ := ruling{change: with(c.record)}.look(t, Check{}, c.addr)
			i, _ := of(items, RuleAuthorised)
			if i.outcome() != c.want || i.State == Bad && i.Fix.Do == "" {
				t.Errorf("got %q, want %q: %s; %s", i.outcome(), c.want, i.Text, i.Fix.Do)
			}
			if l, _ := of(items, RuleSPFLimits); !strings.Contains(l.Text, c.limits) {
				t.Errorf("limits: %q, want it to say %q", l.Text, c.limits)
			}
		})
	}
}
