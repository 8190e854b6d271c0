package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

// Keys of RSA of which nobody has the other half, and one of Ed25519 (RFC 8463 appendix A.2).
const (
	rsa2048 = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhRIqR+DBXF+EC4PK7c8R885Qf+7WHyysfWdmzUjpokTRoOAGNgu3fJsbv4PbKq/+kgIZ3V2hPXIpevQBVwnV8LyuSTG+PfLjMO2hxMLbqiG0i68IS5fniLw5ttGZThJMcAtQwNUQSKVJX2sh3PxiteGLPAxINLO2YMP5yl2j9P8r1Nl7pp+SjcjzjhX6/Sb0iEUfjpGPpuQayTzs6Fkg87F/kPmfPVxLh8ozMI+YywWlIQ1eqiK1OeRXh5i6T7CuSF59zRBbXsMNUkfXnAudT25NuTb4kuPWuZhz9jMAWmUMkBUEbhiFo3OdyP4AKJS8LD/ntEwS0zpllRQARz3VtQIDAQAB"
	rsa1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDgAQpjQR0YA5Fzpaf9iarESBoO+FSF2FPWuNET1JWnsple2cYXG+lWEKY1hjyx+SI1Knc/RaVGZMUX99FW7JR4IixeMk3KejDVOkF1bwT450hISlArxUYvaLifwO9EXlFDYnZ6d92N3w9V2PCElIMRBbpJp8JZOV8xEkiyhouWDwIDAQAB"
	rsa768  = "MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAK80qlFPpKTFWT9LAuWcpI5clQomzgq9MIbVWkJ/8HzaisnM/uJeiL+KP3jDdPrAW+8XzI+tXvSKburo7npOfC8qU6+6+oz1Mmhk4leCQxRHjj4UCKRWcMAePVcuowbiXwIDAQAB"
	ed      = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// well is a world in which example.org sends from 192.0.2.10 and all is as it should be.
func well() map[string][]string {
	return map[string][]string{
		"10.2.0.192.in-addr.arpa":   {"PTR mx1.example.org."},
		"mx1.example.org":           {"A 192.0.2.10", "AAAA 2001:db8::10"},
		reverse6:                    {"PTR mx1.example.org."},
		"example.org":               {`TXT "unrelated"`, spfTXT("ip4:192.0.2.10 ip6:2001:db8::10 include:_spf.example.net -all"), "MX 10 mx1.example.org."},
		"_spf.example.net":          {spfTXT("ip4:198.51.100.0/24 -all")},
		"s1._domainkey.example.org": {key("v=DKIM1; k=rsa; p=" + rsa2048)},
		"_dmarc.example.org":        {`TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"`},
		"_mta-sts.example.org":      {`TXT "v=STSv1; id=20260101"`},
		"_smtp._tls.example.org":    {`TXT "v=TLSRPTv1; rua=mailto:tls@example.org"`},
	}
}

const reverse6 = "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"

// key is a TXT record of as many strings as it needs.
func key(text string) string {
	var b strings.Builder
	b.WriteString("TXT")
	for part := range slices.Chunk([]byte(text), 200) {
		fmt.Fprintf(&b, " %q", part)
	}
	return b.String()
}

func target(t testing.TB, word string) checks.Target {
	t.Helper()
	x, err := checks.ParseID(word)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// case of one rule: what is changed in the world, and what the rule says then.
type ruling struct {
	change map[string][]string // names; nil records: the name does not exist
	fail   string              // a name that is not answered
	sender func(*Domain)
	addr   func(*Address)
	want   string // "state severity code": "good", "bad major identity.ptr"
	text   string // a part of the sentence
	record string // to be published; "-": none
}

// look looks at 192.0.2.10 or another address, and at example.org, in a world.
func (c ruling) look(t *testing.T, check Check, addr string) ([]Item, []Published) {
	t.Helper()
	names := well()
	for name, records := range c.change {
		names[name] = records
	}
	dns, resolver := world(t, names)
	if c.fail != "" {
		dns.AddZone(probestest.Zone{Name: c.fail, NoControls: true, Mode: probestest.ZoneServFail})
	}
	a := Address{Target: target(t, addr), HELO: []string{"mx1.example.org"}}
	if c.addr != nil {
		c.addr(&a)
	}
	d := Domain{Target: target(t, "example.org"), Selectors: []string{"s1"}, Addresses: []Address{a}}
	if c.sender != nil {
		c.sender(&d)
	}
	check.Asker = resolver
	var items []Item
	var published []Published
	if _, err := check.Run(t.Context(), noon, []Address{a}, []Domain{d}, func(i Item) { items = append(items, i) }, func(p Published) { published = append(published, p) }); err != nil {
		t.Fatal(err)
	}
	return items, published
}

// of is the item of a rule, the worst of several.
func of(items []Item, rule Rule) (Item, bool) {
	var found []Item
	for _, i := range items {
		if i.Rule == rule {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return Item{}, false
	}
	return slices.MaxFunc(found, func(a, b Item) int {
		rank := func(i Item) int {
			return 10*slices.Index([]State{Good, Unchecked, Advice, Unknown, Bad}, i.State) + i.Severity.Rank()
		}
		return rank(a) - rank(b)
	}), true
}

func (i Item) outcome() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", i.State, i.Severity, i.Code))
}

func rulings(t *testing.T, rule Rule, cases map[string]ruling) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			items, _ := c.look(t, Check{}, "192.0.2.10")
			i, ok := of(items, rule)
			if !ok && c.want != "" {
				t.Fatalf("nothing is said of %s", rule)
			}
			if got := i.outcome(); got != c.want {
				t.Errorf("got %q, want %q: %s", got, c.want, i.Text)
			}
			if !strings.Contains(i.Text, c.text) {
				t.Errorf("got %q, want it to say %q", i.Text, c.text)
			}
			if c.record != "" && i.Fix.Record != strings.Trim(c.record, "-") {
				t.Errorf("to publish: got %q, want %q", i.Fix.Record, c.record)
			}
			if i.State == Bad && (i.Fix.Do == "" || len(i.Evidence) == 0) {
				t.Errorf("it says neither what to do nor how it is known: %+v", i)
			}
		})
	}
}

func TestAllIsWell(t *testing.T) {
	for _, addr := range []string{"192.0.2.10", "2001:db8::10"} {
		items, _ := ruling{}.look(t, Check{}, addr)
		seen := map[Rule]bool{}
		for _, i := range items {
			seen[i.Rule] = true
			if i.State != Good && i.Rule != RuleMailboxes {
				t.Errorf("%s: %s: %s %s", addr, i.Rule, i.State, i.Text)
			}
		}
		for _, rule := range Rules() {
			if !seen[rule] && rule != RuleCert {
				t.Errorf("%s: nothing is said of %s", addr, rule)
			}
		}
	}
}

func TestPTR(t *testing.T) {
	rulings(t, RulePTR, map[string]ruling{
		"a name":                        {want: "good", text: "mx1.example.org"},
		"none":                          {change: map[string][]string{"10.2.0.192.in-addr.arpa": nil}, want: "bad major identity.ptr", record: "10.2.0.192.in-addr.arpa. PTR mx1.example.org."},
		"none, of one of a range":       {change: map[string][]string{"10.2.0.192.in-addr.arpa": nil}, addr: func(a *Address) { a.Spare = true }, want: "bad minor identity.ptr"},
		"what is no host name":          {change: map[string][]string{"10.2.0.192.in-addr.arpa": {`PTR localhost.`}}, want: "bad major identity.ptr"},
		"several names":                 {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR mx1.example.org.", "PTR www.example.org."}, "www.example.org": {"A 192.0.2.10"}}, want: "advice", text: "2 PTR names"},
		"a server failure is no \"no\"": {fail: "2.0.192.in-addr.arpa", want: "unknown", text: "SERVFAIL"},
	})
	rulings(t, RuleConfirmed, map[string]ruling{
		"leads back":                   {want: "good"},
		"leads elsewhere":              {change: map[string][]string{"mx1.example.org": {"A 192.0.2.99"}}, want: "bad major identity.fcrdns", record: "mx1.example.org. A 192.0.2.10"},
		"leads nowhere":                {change: map[string][]string{"mx1.example.org": nil}, want: "bad major identity.fcrdns"},
		"one of two does not":          {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR mx1.example.org.", "PTR old.example.org."}}, want: "bad minor identity.fcrdns", text: "old.example.org"},
		"the name has no answer":       {fail: "mx1.example.org", want: "unknown"},
		"the PTR name has no answer":   {fail: "2.0.192.in-addr.arpa", want: "unknown"},
		"another's name: ask for ours": {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR host.example.net."}}, want: "bad major identity.fcrdns", record: "10.2.0.192.in-addr.arpa. PTR mx1.example.org."},
	})
}

func TestHELO(t *testing.T) {
	rulings(t, RuleHELO, map[string]ruling{
		"leads to it":       {want: "good"},
		"leads elsewhere":   {change: map[string][]string{"mx1.example.org": {"A 192.0.2.99"}}, want: "bad minor identity.helo", record: "mx1.example.org. A 192.0.2.10"},
		"is nowhere":        {change: map[string][]string{"mx1.example.org": nil}, want: "bad minor identity.helo", record: "mx1.example.org. A 192.0.2.10"},
		"another than PTR":  {change: map[string][]string{"10.2.0.192.in-addr.arpa": {"PTR out.example.org."}, "out.example.org": {"A 192.0.2.10"}}, want: "advice", text: "out.example.org"},
		"has no answer":     {fail: "mx1.example.org", want: "unknown"},
		"is not configured": {addr: func(a *Address) { a.HELO = nil }, want: "not-checked", text: "[[outbound]]"},
	})
}

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

func TestDKIM(t *testing.T) {
	published := func(text string) map[string][]string {
		return map[string][]string{"s1._domainkey.example.org": {key(text)}}
	}
	rulings(t, RuleDKIM, map[string]ruling{
		"RSA of 2048 bits":               {want: "good", text: "2048"},
		"RSA of 1024 bits":               {change: published("p=" + rsa1024), want: "bad minor identity.dkim", text: "1024"},
		"RSA of 768 bits":                {change: published("k=rsa; p=" + rsa768), want: "bad major identity.dkim", text: "768"},
		"Ed25519 alone":                  {change: published("v=DKIM1; k=ed25519; p=" + ed), want: "advice", text: "Ed25519"},
		"Ed25519 beside RSA":             {change: map[string][]string{"e1._domainkey.example.org": {key("k=ed25519; p=" + ed)}}, sender: func(d *Domain) { d.Selectors = []string{"s1", "e1"} }, want: "good"},
		"testing":                        {change: published("t=y:s; p=" + rsa2048), want: "advice", text: "testing"},
		"revoked":                        {change: published("v=DKIM1; p="), want: "bad major identity.dkim", text: "revoked"},
		"cut off":                        {change: published("v=DKIM1; p=" + rsa2048[:200]), want: "bad major identity.dkim"},
		"no key at all":                  {change: published("v=DKIM1; k=rsa"), want: "bad major identity.dkim", text: "no p="},
		"of another kind":                {change: published("k=dsa; p=" + rsa2048), want: "bad major identity.dkim", text: "dsa"},
		"SHA-1 only":                     {change: published("h=sha1; p=" + rsa2048), want: "bad major identity.dkim", text: "SHA-256"},
		"not for mail":                   {change: published("s=tlsrpt; p=" + rsa2048), want: "bad major identity.dkim", text: "not for mail"},
		"a selector without a record":    {change: map[string][]string{"s1._domainkey.example.org": nil}, want: "bad major identity.dkim", text: "there is no key"},
		"two records":                    {change: map[string][]string{"s1._domainkey.example.org": {key("p=" + rsa2048), key("p=" + rsa1024)}}, want: "bad major identity.dkim", text: "2 TXT records"},
		"no answer":                      {fail: "_domainkey.example.org", want: "unknown"},
		"no selector, and none is usual": {sender: func(d *Domain) { d.Selectors = nil }, change: map[string][]string{"s1._domainkey.example.org": nil}, want: "not-checked", text: "selectors"},
		"no selector, and a usual one":   {sender: func(d *Domain) { d.Selectors = nil }, want: "good", text: "s1"},
	})
}

func TestDMARC(t *testing.T) {
	published := func(text string) map[string][]string {
		return map[string][]string{"_dmarc.example.org": {fmt.Sprintf("TXT %q", text)}}
	}
	rulings(t, RuleDMARC, map[string]ruling{
		"reject":                         {want: "good", text: "p=reject"},
		"quarantine":                     {change: published("v=DMARC1; p=quarantine; rua=mailto:x@example.org"), want: "good"},
		"none":                           {change: published("v=DMARC1; p=none; rua=mailto:x@example.org"), want: "advice", text: "p=none"},
		"no reports":                     {change: published("v=DMARC1; p=reject"), want: "advice", text: "no reports"},
		"for a part only":                {change: published("v=DMARC1; p=reject; pct=50; rua=mailto:x@example.org"), want: "advice"},
		"no record":                      {change: map[string][]string{"_dmarc.example.org": nil}, want: "bad minor identity.dmarc", record: `_dmarc.example.org. TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.org"`},
		"two records":                    {change: map[string][]string{"_dmarc.example.org": {`TXT "v=DMARC1; p=none"`, `TXT "v=DMARC1; p=reject"`}}, want: "bad minor identity.dmarc", text: "2 DMARC records"},
		"no policy":                      {change: published("v=DMARC1; rua=mailto:x@example.org"), want: "bad minor identity.dmarc"},
		"a policy that is none":          {change: published("v=DMARC1; p=monitor"), want: "bad minor identity.dmarc", text: "monitor"},
		"a comma for a semicolon":        {change: published("v=DMARC1; p=none, rua=mailto:x@example.org"), want: "bad minor identity.dmarc"},
		"a tag that nobody knows":        {change: published("v=DMARC1; p=reject; rau=mailto:x@example.org"), want: "advice", text: "rau="},
		"weaker than wanted":             {change: published("v=DMARC1; p=none; rua=mailto:x@example.org"), sender: func(d *Domain) { d.Want = "quarantine" }, want: "bad minor identity.dmarc", text: "wants quarantine"},
		"that of the organisation":       {sender: func(d *Domain) { d.Target = target(t, "news.example.org") }, want: "good", text: "from example.org"},
		"its policy for subdomains":      {change: published("v=DMARC1; p=reject; sp=none; rua=mailto:x@example.org"), sender: func(d *Domain) { d.Target = target(t, "news.example.org") }, want: "advice", text: "p=none"},
		"no answer":                      {fail: "_dmarc.example.org", want: "unknown"},
		"the organisation has no answer": {fail: "_dmarc.example.org", sender: func(d *Domain) { d.Target = target(t, "news.example.org") }, want: "unknown"},
		"of a domain that sends nothing": {change: published("v=DMARC1; p=none"), sender: func(d *Domain) { d.Silent = true }, want: "bad minor identity.dmarc", text: "wants reject"},
	})
	rulings(t, RuleReports, map[string]ruling{
		"to ourselves":                 {want: "good"},
		"to a subdomain":               {change: published("v=DMARC1; p=none; rua=mailto:x@rua.example.org!10m"), want: "good"},
		"to others who agree":          {change: map[string][]string{"_dmarc.example.org": {`TXT "v=DMARC1; p=none; rua=mailto:x@example.net"`}, "example.org._report._dmarc.example.net": {`TXT "v=DMARC1"`}}, want: "good", text: "example.net takes them"},
		"to others who do not":         {change: published("v=DMARC1; p=none; rua=mailto:x@example.net"), want: "bad informational identity.reports", record: `example.org._report._dmarc.example.net. TXT "v=DMARC1"`},
		"to others, and no answer":     {change: published("v=DMARC1; p=none; rua=mailto:x@example.net"), fail: "_report._dmarc.example.net", want: "unknown"},
		"to an address without scheme": {change: published("v=DMARC1; p=none; rua=x@example.org"), want: "bad informational identity.reports", text: "mailto"},
	})
}

func TestAlignment(t *testing.T) {
	elsewhere := map[string][]string{"bounce.example.net": {spfTXT("ip4:192.0.2.10 -all")}}
	away := func(d *Domain) { d.ReturnPath = "bounce.example.net" }
	rulings(t, RuleAlignment, map[string]ruling{
		"by both":                    {want: "good"},
		"by SPF alone":               {change: map[string][]string{"s1._domainkey.example.org": nil}, want: "advice", text: "by SPF alone"},
		"by DKIM alone":              {change: elsewhere, sender: away, want: "advice", text: "bounce.example.net"},
		"a return path below it":     {change: map[string][]string{"bounce.example.org": {spfTXT("ip4:192.0.2.10 -all")}}, sender: func(d *Domain) { d.ReturnPath = "bounce.example.org" }, want: "good"},
		"below it, and aspf=s":       {change: map[string][]string{"bounce.example.org": {spfTXT("ip4:192.0.2.10 -all")}, "_dmarc.example.org": {`TXT "v=DMARC1; p=none; aspf=s"`}}, sender: func(d *Domain) { d.ReturnPath = "bounce.example.org" }, want: "advice", text: "by DKIM alone"},
		"by neither, enforced":       {change: map[string][]string{"bounce.example.net": {spfTXT("ip4:192.0.2.10 -all")}, "s1._domainkey.example.org": nil}, sender: away, want: "bad major identity.alignment"},
		"by neither, watched only":   {change: map[string][]string{"bounce.example.net": {spfTXT("-all")}, "s1._domainkey.example.org": nil, "_dmarc.example.org": {`TXT "v=DMARC1; p=none"`}}, sender: away, want: "bad minor identity.alignment"},
		"no answer":                  {fail: "_dmarc.example.org", want: "unknown"},
		"no selector and no address": {sender: func(d *Domain) { d.Addresses, d.Selectors = nil, nil }, change: map[string][]string{"s1._domainkey.example.org": nil}, want: "not-checked"},
	})
}

func TestMX(t *testing.T) {
	records := func(all ...string) map[string][]string { return map[string][]string{"example.org": all} }
	rulings(t, RuleMX, map[string]ruling{
		"one that leads somewhere":      {want: "good", text: "mx1.example.org"},
		"none, and an address":          {change: records("A 192.0.2.80"), want: "advice", text: "no MX record"},
		"none, and no address":          {change: records(spfTXT("-all")), want: "bad major identity.mx"},
		"the domain does not exist":     {change: map[string][]string{"example.org": nil}, want: "bad major identity.mx"},
		"a null MX":                     {change: records("MX 0 ."), want: "bad minor identity.mx", text: "null MX"},
		"an address in place of a name": {change: records("MX 10 192.0.2.25."), want: "bad minor identity.mx", text: "192.0.2.25"},
		"one that leads nowhere":        {change: records("MX 10 gone.example.org."), want: "bad major identity.mx"},
		"one of two leads nowhere":      {change: records("MX 10 mx1.example.org.", "MX 20 gone.example.org."), want: "bad minor identity.mx", text: "gone.example.org"},
		"no answer":                     {fail: "example.org", want: "unknown"},
		"no answer of its name":         {change: records("MX 10 mx.example.com."), fail: "mx.example.com", want: "unknown"},
		"a silent domain takes none":    {change: records("MX 0 ."), sender: func(d *Domain) { d.Silent = true }, want: "good"},
	})
}

func TestTransport(t *testing.T) {
	rulings(t, RuleMTASTS, map[string]ruling{
		"published":     {want: "good", text: "not fetched"},
		"not published": {change: map[string][]string{"_mta-sts.example.org": nil}, want: "advice"},
		"without id":    {change: map[string][]string{"_mta-sts.example.org": {`TXT "v=STSv1;"`}}, want: "bad informational identity.mta-sts"},
		"twice":         {change: map[string][]string{"_mta-sts.example.org": {`TXT "v=STSv1; id=1"`, `TXT "v=STSv1; id=2"`}}, want: "bad informational identity.mta-sts"},
		"no answer":     {fail: "_mta-sts.example.org", want: "unknown"},
	})
	rulings(t, RuleTLSRPT, map[string]ruling{
		"published":     {want: "good", text: "tls@example.org"},
		"not published": {change: map[string][]string{"_smtp._tls.example.org": nil}, want: "advice"},
		"unreadable":    {change: map[string][]string{"_smtp._tls.example.org": {`TXT "v=TLSRPTv1; rua=tls@example.org"`}}, want: "bad informational identity.tls-rpt", record: `_smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:postmaster@example.org"`},
		"twice":         {change: map[string][]string{"_smtp._tls.example.org": {`TXT "v=TLSRPTv1; rua=mailto:a@example.org"`, `TXT "v=TLSRPTv1; rua=mailto:b@example.org"`}}, want: "bad informational identity.tls-rpt"},
		"no answer":     {fail: "_smtp._tls.example.org", want: "unknown"},
	})
}

func TestThePolicyFileOfMTASTS(t *testing.T) {
	const good = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.org\r\nmax_age: 604800\r\n"
	for name, c := range map[string]struct {
		status int
		body   string
		err    error
		want   string
	}{
		"names all exchangers":         {200, good, nil, "good"},
		"by a wildcard":                {200, strings.Replace(good, "mx1.", "*.", 1), nil, "good"},
		"leaves one out, enforced":     {200, strings.Replace(good, "mx1.", "mx2.", 1), nil, "bad major identity.mta-sts"},
		"leaves one out, testing":      {200, strings.NewReplacer("mx1.", "mx2.", "enforce", "testing").Replace(good), nil, "bad minor identity.mta-sts"},
		"testing":                      {200, strings.Replace(good, "enforce", "testing", 1), nil, "advice"},
		"a page that is none":          {200, "<html>", nil, "bad minor identity.mta-sts"},
		"is not there":                 {404, "", nil, "bad minor identity.mta-sts"},
		"a redirect counts as none":    {301, "", nil, "bad minor identity.mta-sts"},
		"cannot be fetched: not known": {0, "", errors.New("no route"), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			check := Check{Fetch: func(_ context.Context, address string) (probes.Page, error) {
				if want := "https://mta-sts.example.org/.well-known/mta-sts.txt"; address != want {
					t.Errorf("fetched %s, want %s", address, want)
				}
				return probes.Page{Status: c.status, Body: []byte(c.body)}, c.err
			}}
			items, _ := ruling{}.look(t, check, "192.0.2.10")
			if i, _ := of(items, RuleMTASTS); i.outcome() != c.want {
				t.Errorf("got %q, want %q: %s", i.outcome(), c.want, i.Text)
			}
		})
	}
}

func TestANameOfAServerIsNoSendingDomain(t *testing.T) {
	server := func(d *Domain) { d.Target, d.Implied, d.Selectors = target(t, "mx1.example.org"), true, nil }
	items, _ := ruling{sender: server}.look(t, Check{}, "192.0.2.10")
	n := 0
	for _, i := range items {
		if i.Target.Kind == checks.KindDomain {
			n++
			if i.State != Advice {
				t.Errorf("%s: %s %s", i.Rule, i.outcome(), i.Text)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d items about it, want one", n)
	}
}

func TestWhatOthersLookAtIsTaken(t *testing.T) {
	check := Check{
		Mailboxes: func(context.Context, string) (Item, bool) {
			return Item{State: Bad, Severity: checks.Minor, Code: checks.CodeMX, Text: "postmaster@ is refused"}, true
		},
		Certificate: func(_ context.Context, host string) (Item, bool) {
			return Item{State: Good, Text: "is for " + host}, true
		},
		Disable: []Rule{RuleTLSRPT},
	}
	items, _ := ruling{}.look(t, check, "192.0.2.10")
	if i, _ := of(items, RuleMailboxes); i.Text != "postmaster@ is refused" || i.Target.Name != "example.org" {
		t.Errorf("got %+v", i)
	}
	if i, _ := of(items, RuleCert); i.Text != "is for mx1.example.org" || i.Target.String() != "192.0.2.10" {
		t.Errorf("got %+v", i)
	}
	if _, told := of(items, RuleTLSRPT); told {
		t.Error("a rule is told that is turned off")
	}
}

// No answer at all: nothing is known, nothing is good or bad, and nothing is published.
func TestASilentResolverSaysNothing(t *testing.T) {
	dns, resolver := world(t, well())
	dns.SetMode(".", probestest.ZoneServFail)
	a := Address{Target: target(t, "192.0.2.10"), HELO: []string{"mx1.example.org"}}
	check := Check{Asker: resolver}
	_, err := check.Run(t.Context(), noon, []Address{a}, []Domain{{Target: target(t, "example.org"), Selectors: []string{"s1"}, Addresses: []Address{a}}}, func(i Item) {
		if i.State != Unknown && i.State != Unchecked {
			t.Errorf("%s: %s %s", i.Rule, i.outcome(), i.Text)
		}
		if f, ok := i.Finding(noon); ok && f.Status != checks.Unknown {
			t.Errorf("%s: a finding of status %s", i.Rule, f.Status)
		}
	}, func(p Published) {
		if !p.Unknown || p.Value != "" {
			t.Errorf("published: %+v", p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPublishedIsWhatTheDNSSaysInAStableOrder(t *testing.T) {
	change := map[string][]string{"example.org": {spfTXT("mx -all"), "MX 20 mx2.example.org.", "MX 10 MX1.example.org."}, "_mta-sts.example.org": nil}
	_, published := ruling{change: change}.look(t, Check{}, "192.0.2.10")
	got := map[string]string{}
	for _, p := range published {
		got[p.Target.ID()+" "+p.What] = p.Value
	}
	key := got["example.org DKIM s1"]
	if !strings.HasPrefix(key, "RSA, 2048 bits (") || len(key) != len("RSA, 2048 bits (01234567)") {
		t.Errorf("key: %q", key)
	}
	delete(got, "example.org DKIM s1")
	want := map[string]string{
		"192.0.2.10 PTR": "mx1.example.org", "192.0.2.10 HELO mx1.example.org": "192.0.2.10",
		"example.org SPF": "v=spf1 mx -all", "example.org DMARC": "v=DMARC1; p=reject; rua=mailto:dmarc@example.org", "example.org MX": "10 mx1.example.org, 20 mx2.example.org",
		"example.org MTA-STS": "", "example.org TLS-RPT": "v=TLSRPTv1; rua=mailto:tls@example.org",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A question is asked once, however many records and addresses lead to it.
func TestAQuestionIsAskedOnce(t *testing.T) {
	dns, resolver := world(t, well())
	var all []Address
	for i := range 200 {
		all = append(all, Address{Target: checks.Address(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))})
	}
	before := dns.Asked(".").All
	check := Check{Asker: resolver}
	s, err := check.Run(t.Context(), noon, nil, []Domain{{Target: target(t, "example.org"), Selectors: []string{"s1"}, Addresses: all}, {Target: target(t, "example.org"), Selectors: []string{"s1"}, Addresses: all}}, func(Item) {}, func(Published) {})
	if err != nil {
		t.Fatal(err)
	}
	if asked := dns.Asked(".").All - before; asked > 20 || s.Questions > 20 {
		t.Errorf("%d questions for 400 evaluations, counted as %d", asked, s.Questions)
	}
}

func TestFindingCarriesARecordWholeOrNotAtAll(t *testing.T) {
	i := Item{Target: target(t, "192.0.2.10"), Rule: RuleAuthorised, Part: "example.org", State: Bad, Severity: checks.Major, Code: checks.CodeUnauthorised, Text: "does not pass", Fix: Fix{"Publish:", strings.Repeat("x", MaxRecord)}}
	f, ok := i.Finding(noon)
	if !ok || f.Facts[checks.FactRecord] != i.Fix.Record || f.Facts[checks.FactDomain] != "example.org" || f.Key.Source != "spf-address:example.org" {
		t.Errorf("got %+v", f)
	}
	i.Fix.Record += "x"
	if f, _ := i.Finding(noon); f.Facts[checks.FactRecord] != "" {
		t.Error("a record that is too long is told in part")
	}
	i.State = Unchecked
	if _, ok := i.Finding(noon); ok {
		t.Error("what nobody looked at is a finding")
	}
	i.State = Advice
	if f, _ := i.Finding(noon); f.Status != checks.OK {
		t.Errorf("advice is %s: it must open nothing, and ends what was bad", f.Status)
	}
}
