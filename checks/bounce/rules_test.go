package bounce

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"reputed/blocklists"
)

func builtinRules(t testing.TB) *Rules {
	t.Helper()
	r, err := BuiltinRules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryRuleProvesItself(t *testing.T) {
	r := builtinRules(t)
	if n := len(r.rules); n < 200 {
		t.Errorf("only %d rules", n)
	}
	for _, rule := range r.rules {
		if len(rule.Not) == 0 {
			t.Errorf("rule %s: no look-alike that it must not match", rule.ID)
		}
		if rule.Category.Reputation() && rule.Remedy == "" {
			t.Errorf("rule %s: a refusal for reputation without a runbook", rule.ID)
		}
		for _, ex := range rule.Examples {
			if strings.Contains(ex, "example.org") || !strings.Contains(ex, "@") {
				continue
			}
			if !strings.Contains(ex, "@example.") && !strings.Contains(ex, "@microsoft") && !strings.Contains(ex, "@messaging") && !strings.Contains(ex, "@rx.") && !strings.Contains(ex, "@kpn") && !strings.Contains(ex, "@abuse-att") && !strings.Contains(ex, "@corp.mail.ru") {
				t.Errorf("rule %s: an address that is nobody's example: %q", rule.ID, ex)
			}
		}
	}
}

func TestListsNamedAreInTheCatalogue(t *testing.T) {
	catalog, err := blocklists.BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	names := catalog.Names() // also of lists that no question reaches
	r := builtinRules(t)
	for _, rule := range r.rules {
		if rule.List == "" || strings.Contains(rule.List, ".") { // lists that the catalogue knows by another zone, or not at all
			continue
		}
		if _, ok := names.ID(rule.List); !ok {
			t.Errorf("rule %s names list %q, which is not in the catalogue", rule.ID, rule.List)
		}
	}
}

func TestLoadRulesRefuses(t *testing.T) {
	const good = "[[rule]]\nid = \"a\"\ncategory = \"ip-reputation\"\nany = [\"go away now\"]\nexamples = [\"550 Go away now\"]\n"
	for name, c := range map[string]struct{ file, want string }{
		"an unknown key":                         {good + "colour = \"red\"\n", `a.toml line 6: unknown key "rule.colour"`},
		"broken TOML":                            {"[[rule]\n", "a.toml line 1"},
		"no id":                                  {strings.Replace(good, `"a"`, `""`, 1), "lower-case letters"},
		"the reserved id":                        {strings.Replace(good, `"a"`, `"none"`, 1), "lower-case letters"},
		"an unknown category":                    {strings.Replace(good, "ip-reputation", "bad", 1), `category "bad"`},
		"no example":                             {strings.Replace(good, "examples = [\"550 Go away now\"]", "", 1), "at least one reply"},
		"an example that does not match":         {strings.Replace(good, "550 Go away now", "550 Come in", 1), `is won by rule "none"`},
		"a look-alike that matches":              {good + "not = [\"550 5.1.1 please go away now\"]\n", "which it must not"},
		"nothing to match":                       {strings.Replace(good, "any = [\"go away now\"]\n", "", 1), "give any, all or tags"},
		"a phrase too short":                     {strings.Replace(good, "go away now", "go", 1), "shorter than 4"},
		"a broken expression":                    {good + "regexp = \"(\"\n", "regexp"},
		"codes that are none":                    {good + "codes = [\"5x\"]\n", "codes"},
		"two rules of one id":                    {good + good, "two of that id"},
		"an address that is not read":            {strings.Replace(good, "550 Go away now", "550 Go away now 192.0.2.1.2.3", 1) + "not = [\"550 Stay\"]\n", ""},
		"no look-alike":                          {good, "at least one look-alike"},
		"a class that is none":                   {good + "class = \"super\"\n", "class"},
		"a rule at home without a home":          {good + "at_home = true\n", "no hosts"},
		"an address template without its words":  {good + "address = [\"{ip}\"]\n", "address"},
		"a time word that is neither yes nor no": {good + "temporary = \"maybe\"\n", "temporary"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadRules(blocklists.Names{}, fstest.MapFS{"a.toml": {Data: []byte(c.file)}})
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			if !errors.Is(err, ErrRules) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ErrRules with %q", err, c.want)
			}
		})
	}
}

func TestHomesNameTheVendor(t *testing.T) {
	rules := builtinRules(t)
	for host, want := range map[string]string{
		"esa1.example-net.iphmx.com": "Cisco Talos", "mxa-00000000.gslb.pphosted.com": "Proofpoint", "MX1-eu1.ppe-hosted.com.": "Proofpoint",
		"example-net.mail.protection.outlook.com": "Microsoft", "cluster5.eu.messagelabs.com": "Symantec", "mx1.hydra.sophos.com": "Sophos",
		"mx-ha.antispameurope.com": "Hornetsecurity", "gmail-smtp-in.l.google.com": "Google", "notiphmx.com": "", "mx1.example.net": "", "": "",
	} {
		if got := rules.Classify(Diagnostic{Reply: "550", Text: "550 no"}, host).Vendor; got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}

func TestUpperLayerWins(t *testing.T) {
	lower := fstest.MapFS{"a.toml": {Data: []byte("[[rule]]\nid = \"a\"\ncategory = \"policy\"\ntags = [\"XY-001\"]\nexamples = [\"550 XY-001 no\"]\nnot = [\"550 no\"]\n")}}
	upper := fstest.MapFS{"mine.toml": {Data: []byte("[[rule]]\nid = \"mine\"\nclass = \"broad\"\ncategory = \"ip-reputation\"\nany = [\"xy-001\"]\nexamples = [\"550 XY-001 no\"]\nnot = [\"550 no\"]\n")}}
	r, err := LoadRules(blocklists.Names{}, lower, upper)
	if err != nil {
		t.Fatal(err)
	}
	if j := r.Classify(Diagnostic{Reply: "550", Text: "550 XY-001 no"}, ""); j.Rule != "mine" {
		t.Errorf("rule %q decided, want the operator's", j.Rule)
	}
	replaced := fstest.MapFS{"mine.toml": {Data: []byte("[[rule]]\nid = \"a\"\ncategory = \"rate-limited\"\ntags = [\"XY-001\"]\nexamples = [\"550 XY-001 no\"]\nnot = [\"550 no\"]\n")}}
	if r, err = LoadRules(blocklists.Names{}, lower, replaced); err != nil {
		t.Fatal(err)
	}
	if len(r.rules) != 1 || r.rules[0].Category != RateLimited {
		t.Errorf("rule of the same id was not replaced: %+v", r.rules)
	}
}

// A list of catalog_dir, or one that no question reaches, is named by its id too.
func TestRefusalNamesAListOfTheReader(t *testing.T) {
	mine := blocklists.Catalog{
		Zones:   []blocklists.Zone{{ID: "partner", Zone: "bl.example.net"}},
		Unasked: []blocklists.Unasked{{ID: "told-to-few", Zone: "few.example.com"}},
	}
	builtin := builtinRules(t)
	for zone, want := range map[string]string{"bl.example.net": "partner", "few.example.com": "told-to-few", "bl.example.org": "bl.example.org"} {
		d := Diagnostic{Reply: "554", Text: "554 5.7.1 Service unavailable; client host [192.0.2.10] blocked using " + zone}
		if j := builtin.WithLists(mine.Names()).Classify(d, ""); j.Blocklist != want {
			t.Errorf("%s: list %q, want %q", zone, j.Blocklist, want)
		}
		if j := builtin.Classify(d, ""); j.Blocklist != zone {
			t.Errorf("the rules themselves changed: list %q, want %q", j.Blocklist, zone)
		}
	}
}

func FuzzRules(f *testing.F) {
	f.Add([]byte("vendor = \"V\"\n[[rule]]\nid = \"a\"\ncategory = \"policy\"\nany = [\"go away\"]\nregexp = \"a\"\nexamples = [\"550 go away\"]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := LoadRules(blocklists.Names{}, fstest.MapFS{"a.toml": {Data: data}})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x1b\x00") {
				t.Errorf("error carries control characters: %q", err)
			}
			return
		}
		r.Classify(Diagnostic{Text: "550 5.7.1 go away", Reply: "550"}, "mx.example.net")
	})
}
