package identity

import (
	"strings"
	"testing"
)

func TestRequirements(t *testing.T) {
	all, err := Providers()
	if err != nil {
		t.Fatal(err)
	}
	verdicts := func(items []Item, rated func(string) (string, string)) map[string]Verdict {
		got := map[string]Verdict{}
		for _, x := range Require(all, items, rated) {
			got[x.Provider.ID+" "+x.Requirement.ID] = x.Verdict
			if (x.Verdict == VerdictMet) != (x.Why == "") {
				t.Errorf("%s %s: %s, because %q", x.Provider.ID, x.Requirement.ID, x.Verdict, x.Why)
			}
		}
		return got
	}
	items, _ := ruling{}.look(t, Check{}, "192.0.2.10")
	bad := func(change ruling) []Item {
		items, _ := change.look(t, Check{}, "192.0.2.10")
		return items
	}
	spam := func(level string) func(string) (string, string) {
		return func(id string) (string, string) {
			if id == "google-spam-rate" {
				return level, "0.4 %"
			}
			return "", ""
		}
	}
	for name, c := range map[string]struct {
		items []Item
		rated func(string) (string, string)
		want  map[string]Verdict
	}{
		"all is well": {items, nil, map[string]Verdict{"google auth": VerdictMet, "google dns": VerdictMet, "google spf": VerdictMet, "google dmarc": VerdictMet, "yahoo dmarc": VerdictMet, "microsoft spf": VerdictMet}},
		"what only the receiver sees is never met": {items, nil, map[string]Verdict{"google tls": VerdictNotKnown, "google unsubscribe": VerdictNotKnown, "google dkim": VerdictNotKnown, "google alignment": VerdictNotKnown,
			"google format": VerdictNotKnown, "google spam-rate": VerdictNotKnown, "yahoo spam-rate": VerdictNotKnown, "yahoo spf-dkim": VerdictNotKnown, "microsoft dkim": VerdictNotKnown, "microsoft dmarc": VerdictNotKnown}},
		"nothing was looked at":    {nil, nil, map[string]Verdict{"google auth": VerdictNotKnown, "google dns": VerdictNotKnown, "google spf": VerdictNotKnown, "google dmarc": VerdictNotKnown}},
		"a rating that is good":    {items, spam("good"), map[string]Verdict{"google spam-rate": VerdictMet, "yahoo spam-rate": VerdictNotKnown}},
		"one that is bad":          {items, spam("bad"), map[string]Verdict{"google spam-rate": VerdictNotMet}},
		"no PTR name":              {bad(ruling{change: map[string][]string{"10.2.0.192.in-addr.arpa": nil}}), nil, map[string]Verdict{"google dns": VerdictNotMet, "yahoo dns": VerdictNotMet, "google spf": VerdictMet}},
		"a PTR name not answered":  {bad(ruling{fail: "2.0.192.in-addr.arpa"}), nil, map[string]Verdict{"google dns": VerdictNotKnown}},
		"a DKIM key that is gone":  {bad(ruling{change: map[string][]string{"s1._domainkey.example.org": nil}}), nil, map[string]Verdict{"google dkim": VerdictNotMet, "google auth": VerdictMet, "yahoo spf-dkim": VerdictNotMet}},
		"a key of 1024 bits":       {bad(ruling{change: map[string][]string{"s1._domainkey.example.org": {key("p=" + rsa1024)}}}), nil, map[string]Verdict{"google dkim": VerdictNotKnown}},
		"no SPF, and a key":        {bad(ruling{change: map[string][]string{"example.org": {"MX 10 mx1.example.org."}}}), nil, map[string]Verdict{"google auth": VerdictNotKnown, "google spf": VerdictNotMet}},
		"SPF does not pass":        {bad(ruling{change: map[string][]string{"example.org": {spfTXT("-all"), "MX 10 mx1.example.org."}, "s1._domainkey.example.org": nil}}), nil, map[string]Verdict{"google auth": VerdictNotMet, "google spf": VerdictNotMet}},
		"DMARC weaker than wanted": {bad(ruling{change: map[string][]string{"_dmarc.example.org": {`TXT "v=DMARC1; p=none; rua=mailto:x@example.org"`}}, sender: func(d *Domain) { d.Want = "reject" }}), nil, map[string]Verdict{"google dmarc": VerdictMet}},
		"no DMARC":                 {bad(ruling{change: map[string][]string{"_dmarc.example.org": nil}}), nil, map[string]Verdict{"google dmarc": VerdictNotMet, "microsoft dmarc": VerdictNotMet}},
	} {
		t.Run(name, func(t *testing.T) {
			got := verdicts(c.items, c.rated)
			for id, want := range c.want {
				if got[id] != want {
					t.Errorf("%s: %s, want %s", id, got[id], want)
				}
			}
		})
	}
}

func TestRequirementsDataIsCheckedWhenItIsRead(t *testing.T) {
	const head = "[[provider]]\nid = \"x\"\nname = \"X\"\nsource = \"https://example.org/\"\nchecked = \"2026-01-31\"\n[[provider.requirement]]\n"
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":            {head + "id = \"a\"\nwho = \"all\"\ntext = \"t\"\nunseen = \"u\"\nx = 1\n", "missing"},
		"a rule that there is none": {head + "id = \"a\"\nwho = \"all\"\ntext = \"t\"\nneeds = [\"x\"]\n", "no rule"},
		"no way to know":            {head + "id = \"a\"\nwho = \"all\"\ntext = \"t\"\n", "how it is known"},
		"nobody it is for":          {head + "id = \"a\"\ntext = \"t\"\nunseen = \"u\"\n", "needed"},
		"no page":                   {strings.Replace(head, "https:", "http:", 1) + "id = \"a\"\nwho = \"all\"\ntext = \"t\"\nunseen = \"u\"\n", "needed"},
	} {
		if _, err := readProviders([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
