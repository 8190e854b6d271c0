package checks

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseTargets(t *testing.T) {
	for name, c := range map[string]struct {
		words []string
		want  []string
	}{
		"an address":                        {[]string{"192.0.2.10"}, []string{"192.0.2.10"}},
		"a mapped address is unmapped":      {[]string{"::ffff:192.0.2.10"}, []string{"192.0.2.10"}},
		"a mapped range is unmapped":        {[]string{"::ffff:192.0.2.0/127"}, []string{"192.0.2.0", "192.0.2.1"}},
		"a range is counted off":            {[]string{"192.0.2.9/30"}, []string{"192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11"}},
		"brackets around IPv6":              {[]string{"[2001:db8::25]"}, []string{"2001:db8::25"}},
		"overlaps are asked once":           {[]string{"192.0.2.1", "192.0.2.0/31", "192.0.2.0/31"}, []string{"192.0.2.1", "192.0.2.0"}},
		"a domain, case and dot folded":     {[]string{"Mail.Example.ORG.", "mail.example.org"}, []string{"mail.example.org"}},
		"a domain in its own script":        {[]string{"bücher.example"}, []string{"xn--bcher-kva.example"}},
		"the last address of IPv4 does end": {[]string{"255.255.255.254/31"}, []string{"255.255.255.254", "255.255.255.255"}},
	} {
		t.Run(name, func(t *testing.T) {
			ts, err := ParseTargets(c.words...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for x := range ts.All() {
				got = append(got, x.ID())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestParseTargetsRefuses(t *testing.T) {
	for _, word := range []string{"192.0.2.256", "192.0.2", "localhost", "exa mple.org", "10.0.0.0/7", "2001:db8::/64", "-", "a..b", "192.0.2.0/33", "mail\x1b[31m.example"} {
		if ts, err := ParseTargets(word); !errors.Is(err, ErrTarget) {
			t.Errorf("ParseTargets(%q) = %d targets, %v; want ErrTarget", word, ts.Len(), err)
		} else if strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("ParseTargets(%q): error carries an escape: %q", word, err)
		}
	}
}

func TestTargetsFindAndOnly(t *testing.T) {
	var ts Targets
	for _, e := range [][2]string{{"192.0.2.0/30", "bulk"}, {"198.51.100.7", "office"}, {"example.org", "office"}} {
		if err := ts.Add(e[0], e[1], []string{e[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := ts.Find(Address(netip.MustParseAddr("192.0.2.3"))); !ok || got.Pool != "bulk" {
		t.Errorf("Find in a range: %+v, %v", got, ok)
	}
	if _, ok := ts.Find(Address(netip.MustParseAddr("192.0.2.4"))); ok {
		t.Error("Find: found what is not there")
	}
	if _, ok := ts.Only(); ok {
		t.Error("Only: five addresses are not one")
	}
	one, _ := ParseTargets("example.org", "198.51.100.7")
	if got, ok := one.Only(); !ok || got.ID() != "198.51.100.7" {
		t.Errorf("Only = %v, %v", got, ok)
	}
}

func TestTargetsWithManySinglesStayFast(t *testing.T) {
	var ts Targets
	a := netip.MustParseAddr("10.0.0.0")
	for range 65536 {
		if err := ts.Add(a.String(), "", nil); err != nil {
			t.Fatal(err)
		}
		a = a.Next()
	}
	n := 0
	for range ts.All() {
		n++
	}
	if n != 65536 || ts.Len() != n {
		t.Errorf("counted %d, Len %d", n, ts.Len())
	}
}

func TestParseIDReversesID(t *testing.T) {
	d, _ := Domain("example.org")
	for _, x := range []Target{Address(netip.MustParseAddr("2001:db8::1")), d, Receiver("Example.NET."), List("spamcop"), Monitor("mailbox:bounces")} {
		back, err := ParseID(x.ID())
		if err != nil || back.ID() != x.ID() || back.Kind != x.Kind {
			t.Errorf("ParseID(%q) = %+v, %v", x.ID(), back, err)
		}
	}
}

func TestLine(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		max  int
		want string
	}{
		"plain text stays":               {"554 5.7.1 refused", 0, "554 5.7.1 refused"},
		"line breaks fold":               {"a\r\n  b\tc", 0, "a b c"},
		"terminal escapes lose ESC":      {"\x1b[31mred\x1b]0;t\x07", 0, "[31mred ]0;t"},
		"direction overrides go":         {"evil\u202egnp.exe", 0, "evilgnp.exe"},
		"zero width goes":                {"pay\u200bpal", 0, "paypal"},
		"C1 controls go":                 {"a\u009b31mb", 0, "a 31mb"},
		"letters drawn as nothing go":    {"a\u3164b\u115fc\u034fd", 0, "abcd"},
		"invalid UTF-8 is marked":        {"a\xffb", 0, "a\ufffdb"},
		"long text is cut by runes":      {"äöüßx", 4, "äöü…"},
		"text of just the limit is kept": {"abcd", 4, "abcd"},
		"white space alone is nothing":   {" \n\t", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Line(c.in, c.max); got != c.want {
				t.Errorf("Line(%q, %d) = %q, want %q", c.in, c.max, got, c.want)
			}
		})
	}
}

func TestAFactIsOneCleanLineOrLeftOut(t *testing.T) {
	var f Finding
	f.SetFact(FactReason, " a\x1b\nb ", 0)
	f.SetFact(FactMeaning, " \n", 0)
	f.SetFact(FactValue, "abcdef", 4)
	f.Target = Address(netip.MustParseAddr("192.0.2.1"))
	f.SetTargetFact()
	if want := map[string]string{FactReason: "a b", FactValue: "abc…", FactAddress: "192.0.2.1"}; !maps.Equal(f.Facts, want) {
		t.Errorf("got %q, want %q", f.Facts, want)
	}
	f.Facts, f.Target = nil, List("spamcop")
	if f.SetTargetFact(); f.Facts != nil {
		t.Errorf("a list is neither address nor domain: %q", f.Facts)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b[0m\u202e b", 5)
	f.Fuzz(func(t *testing.T, s string, max int) {
		max %= 1000
		got := Line(s, max)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\r\n\x07\u202e\u2028") {
			t.Errorf("Line(%q) = %q", s, got)
		}
		if again := Line(got, max); again != got {
			t.Errorf("not idempotent: %q, then %q", got, again)
		}
		if n := utf8.RuneCountInString(got); max > 0 && n > max {
			t.Errorf("%d runes, limit %d", n, max)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add("192.0.2.1")
	f.Add("list:spamcop")
	f.Fuzz(func(t *testing.T, id string) {
		x, err := ParseID(id)
		if err != nil {
			return
		}
		back, err := ParseID(x.ID())
		if err != nil || back.ID() != x.ID() {
			t.Errorf("%q parses to %q, which parses to %q, %v", id, x.ID(), back.ID(), err)
		}
	})
}
