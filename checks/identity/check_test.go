package identity

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/probes/probestest"
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
