package blocklists

import (
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// spec decodes one [[list]] as the catalogue does.
func spec(t testing.TB, text string) Spec {
	t.Helper()
	f, err := read("test.toml", []byte("[[list]]\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return f.Lists[0]
}

func TestUserZoneNeedsOnlyIDAndZone(t *testing.T) {
	want := Zone{
		ID: "mine", Title: "mine", Operator: "mine", Zone: "bl.example.org",
		Families: []Family{IPv4}, Decode: Any, Severity: SeverityMinor, Reach: "A list of your own configuration.",
		Controls: Controls{Listed4: netip.MustParseAddr("127.0.0.2"), Clean4: netip.MustParseAddr("127.0.0.1")},
		Default:  true,
	}
	fromFile, err := spec(t, "id = 'mine'\nzone = ' BL.Example.ORG. '").UserZone()
	if err != nil {
		t.Fatal(err)
	}
	fromValue, err := UserZone(Zone{ID: "mine", Zone: "BL.Example.ORG."})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]Zone{"Spec.UserZone": fromFile, "UserZone": fromValue} {
		if diff := cmp.Diff(want, got, sameAddr); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestUserZoneDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want func(Zone) bool
	}{
		"controls for what is served": {`families = ["ip6", "domain"]`, func(z Zone) bool {
			return z.Controls == RFC5782Controls(IPv6, Name) && !z.Controls.Listed4.IsValid() && z.Controls.ListedName == "TEST"
		}},
		"no controls, and it says why":   {`controls = { note = "it has no test entries" }`, func(z Zone) bool { return len(z.ControlQuestions()) == 0 }},
		"controls that are given stay":   {`controls = { listed4 = "127.0.0.99" }`, func(z Zone) bool { return len(z.ControlQuestions()) == 1 }},
		"known, and not asked":           {`default = false`, func(z Zone) bool { return !z.Default }},
		"asked":                          {`default = true`, func(z Zone) bool { return z.Default }},
		"a code without class is listed": {`codes = [{ match = "127.0.0.9", meaning = "m" }]`, func(z Zone) bool { return z.Codes[0].Class == Listed }},
		"neutral is informational":       {`codes = [{ match = "127.0.0.9", meaning = "m", class = "neutral" }]`, func(z Zone) bool { return z.Codes[0].Class == Informational }},
		"a refusal is a refusal":         {`refusals = [{ match = "127.0.0.9" }]`, func(z Zone) bool { return z.Judge(addrs("127.0.0.9")).Class == Refused }},
		"other names are folded too":     {`also = ["Old.Example.ORG."]`, func(z Zone) bool { return z.Also[0] == "old.example.org" }},
	} {
		t.Run(name, func(t *testing.T) {
			z, err := spec(t, "id = 'mine'\nzone = 'bl.example.org'\n"+c.text).UserZone()
			if err != nil {
				t.Fatal(err)
			}
			if !c.want(z) {
				t.Errorf("%+v", z)
			}
		})
	}
}

func TestSpecErrorsNameTheKey(t *testing.T) {
	for text, want := range map[string]string{
		`controls = { listed4 = "127.0.0" }`:                     `list "mine": controls.listed4: "127.0.0" is no address; want one like`,
		`controls = { clean6 = "fe80::1%eth0" }`:                 `controls.clean6: "fe80::1%eth0" is no address`,
		`controls = { listed_code = "x" }`:                       `controls.listed_code: "x" is no address`,
		`codes = [{ match = "192.0.2.1", meaning = "m" }]`:       `codes[0].match: "192.0.2.1": want a code in 127.0.0.0/8`,
		`refusals = [{ match = "127.0.0.9", class = "listed" }]`: `refusals[0]: a refusal has neither`,
	} {
		if _, err := spec(t, "id = 'mine'\nzone = 'bl.example.org'\n"+text).UserZone(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// Spec.Zone adds nothing: what the catalogue leaves out is a mistake there.
func TestSpecZoneHasNoDefaults(t *testing.T) {
	_, err := spec(t, "id = 'mine'\nzone = 'bl.example.org'").Zone()
	for _, field := range []string{"families:", "decode:", "severity:"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not speak of %s", err, field)
		}
	}
}

func TestUnknownKeysAreErrorsWithFileAndLine(t *testing.T) {
	for text, want := range map[string]string{
		"[[list]]\nid = 'a'\nzome = 'b'\n":                            `f.toml:3: unknown key "list.zome"`,
		"[[list]]\nid = 'a'\n[list.removal]\nurI = 'b'\nlink = 'x'\n": `f.toml:5: unknown key "list.removal.link"`,
		"[[list]]\nid = 7\n":                                          `f.toml:2:`,
		"[[list]\n":                                                   `f.toml:1:`,
	} {
		if _, err := read("f.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// The library's own text shows the lines around a mistake, and a subscriber's zone may be one.
func TestErrorsDoNotQuoteTheFile(t *testing.T) {
	for _, text := range []string{
		"[[list]]\nzone = 's3cret.bl.example.org'\nzome = 's3cret'\n",
		"[[list]]\nzone = 's3cret.bl.example.org'\nid = [7]\n",
		"[[list]]\nzone = 's3cret.bl.example.org'\nid = \n",
		"[[list]]\nzone = 's3cret.bl.example.org'\nzone = 's3cret'\n",
	} {
		if _, err := read("f.toml", []byte(text)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("[[list]]\nid = 'mine'\nzone = 'bl.example.org'\n"))
	f.Add([]byte("[[list]]\nid='b'\nzone='b.example'\ndecode='bitmask'\ncodes=[{match='64',meaning='m'}]\nrefusals=[{match='1'}]\nfamilies=['domain']\n"))
	f.Add([]byte("[[list]]\nid='c'\nzone='c.example'\nseverity='minor'\ncodes=[{match='127.0.x.2-3'},{match='127.0.0.4-127.0.0.7'}]\n[list.removal]\nurl='https://x/{ip}?{domain}'\n[list.controls]\nlisted6='::ffff:127.0.0.2'\n"))
	f.Add([]byte("[[dead]]\nzone='d.example'\n"))
	f.Add([]byte("[[list]]\nid='k'\nzone='{key}.k.example'\nkey='acc'\nkey_optional=true\nparent='c'\nrate=0.5\nper_day=9\nfamilies=['ip4','ip6','domain']\n"))
	f.Add([]byte("[[score]]\nid='s'\ntitle='t'\nzone='{key}.s.example'\nkind='score'\nfamilies=['ip4']\ndecode='exact'\ncodes=[{match='127.0.x.0',meaning='m'}]\n[[unasked]]\nid='u'\ntitle='t'\nwhy='w'\nseverity='minor'\n"))
	answers := [][]netip.Addr{nil, addrs("127.0.0.1"), addrs("127.0.0.2", "127.0.0.80"), addrs("127.255.255.254"), addrs("203.0.113.9")}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ReadCatalog(fstest.MapFS{"fuzz.toml": {Data: data}}, ""); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "fuzz.toml") && !strings.Contains(err.Error(), "fuzz.toml:") {
					t.Errorf("an error without its file: %q", line)
				}
			}
		} else if again := c.With(c); len(again.Zones) != len(c.Zones) || len(again.ids()) != len(c.ids()) {
			t.Errorf("put on itself it has %d lists and not %d", len(again.Zones), len(c.Zones))
		}
		file, err := read("fuzz.toml", data)
		if err != nil {
			return
		}
		for _, s := range file.Lists {
			s.Zone()
			z, err := s.UserZone()
			if err != nil {
				if strings.ContainsAny(err.Error(), "\x1b\r") {
					t.Errorf("an error carries a control character: %q", err)
				}
				continue
			}
			if again, err := UserZone(z); err != nil || again.Zone != z.Zone {
				t.Errorf("valid once and then not: %v", err)
			}
			if keyed, err := z.WithKey(canary); err == nil {
				z = keyed
				if err := z.Validate(); err != nil && !strings.Contains(err.Error(), "controls") {
					t.Errorf("valid, and with its key no more: %v", err)
				}
				if name := z.QueryName(answers[2][0]); strings.Contains(z.Redact(name), canary) || len(name) > maxName+1 {
					t.Errorf("asks %q", name)
				}
			}
			for _, q := range z.ControlQuestions() {
				if q.Name == "" && z.Askable() != nil {
					continue
				}
				if z.Key.Set() && len(q.Name) > maxName+1 {
					continue // a test entry that has no room beside a key; whoever asks finds out
				}
				if len(q.Name) > maxName+1 || !domainName(strings.TrimSuffix(q.Name, ".")) {
					t.Errorf("control %q is no legal name", q.Name)
				}
				z.JudgeControl(q, answers[1])
			}
			for i, answer := range answers {
				v := z.Judge(answer)
				if v.Class == "" || i >= 3 && v.Class.Rank() < Refused.Rank() {
					t.Errorf("%v reads %q", answer, v.Class)
				}
			}
			for _, target := range []string{"192.0.2.1", "2001:db8::1", "example.org"} {
				for _, link := range []string{z.LookupURLFor(target), z.RemovalURLFor(target)} {
					if strings.ContainsAny(link, "{}") {
						t.Errorf("%q is not filled in", link)
					}
				}
			}
		}
	})
}
