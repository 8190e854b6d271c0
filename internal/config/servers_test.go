package config

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"reputed/blocklists"
)

const servers = `; what a colleague left behind
[rbl]
server=bl.spamcop.net
server = "PSBL.surriel.com."
server=dnsbl.sorbs.net
server=sbl.spamhaus.org
server=bl.spamcop.net   ; again
server=bl.example.net # ours
server=not a zone
# server=bl.example.org
nonsense

[targets]
server=mail.example.org
server=192.0.2.10
server=-
`

func TestReadServers(t *testing.T) {
	got, err := ReadServers([]byte(servers))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"bl.spamcop.net", "psbl.surriel.com", "dnsbl.sorbs.net", "sbl.spamhaus.org", "bl.example.net", "not a zone"}; !slices.Equal(got.Lists, want) {
		t.Errorf("lists %q, want %q", got.Lists, want)
	}
	if want := []string{"mail.example.org", "192.0.2.10", "-"}; !slices.Equal(got.Targets, want) {
		t.Errorf("targets %q, want %q", got.Targets, want)
	}
	if !slices.Equal(got.Unread, []int{11}) {
		t.Errorf("not understood: %v", got.Unread)
	}
	if _, err := ReadServers([]byte("# nothing\n[rbl]\n")); err == nil {
		t.Error("a file without a server is none")
	}
}

// builtinOnce is the catalogue, read once: a fuzzer has no time for more.
var builtinOnce = sync.OnceValues(blocklists.BuiltinCatalog)

// translated is what is made of a file, which is a configuration that the program takes.
func translated(t testing.TB, data string) (string, *Config) {
	t.Helper()
	s, err := ReadServers([]byte(data))
	if err != nil {
		t.Skip()
	}
	known, err := builtinOnce()
	if err != nil {
		t.Fatal(err)
	}
	opt := LoadOptions{Secrets: Skip, builtin: builtinOnce}
	base, err := Parse(nil, "", opt)
	if err != nil {
		t.Fatal(err)
	}
	text := s.Translate(known, base.Blocklists.Zones)
	cfg, err := Parse([]byte(text), "", opt)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return text, cfg
}

func TestTranslateServers(t *testing.T) {
	text, cfg := translated(t, servers)
	for _, want := range []string{
		"#   spamcop (bl.spamcop.net)\n", "dnsbl.sorbs.net (", "#   no zone: not a zone\n", "holds sbl.spamhaus.org",
		"id = \"bl-example-net\"\nzone = \"bl.example.net\"\n", "names = [\"mail.example.org\"]", "addresses = [\"192.0.2.10\"]", "# line 11 was not understood\n", "# no address and no host name: -\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if _, ok := blocklists.Find(cfg.Blocklists.Zones, "bl.example.net"); !ok {
		t.Error("the list of one's own is not asked")
	}
	if strings.Contains(text, "\"sorbs") {
		t.Errorf("a dead list is enabled:\n%s", text)
	}
}

// Whatever the file, what comes out is a configuration.
func FuzzServers(f *testing.F) {
	for _, s := range []string{servers, "server=a.b\nserver=a-b\nserver=A.B.", "[x\nserver=\x00\x1b[2J.example.net", "server=\"x.example.net\"\"\n[[outbound]]", "server=xn--80ak6aa92e.com\nserver=2001:db8::1", "server=_.a.b\nserver=a_b.example.net\nserver=a-b.example.net\nserver=-.a\nserver=1.2", "[targets]\nserver=::ffff:192.0.2.1\r\nserver=*.example.net"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) { translated(t, data) })
}
