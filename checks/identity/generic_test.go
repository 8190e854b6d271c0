package identity

import (
	"net/netip"
	"strings"
	"testing"
)

func TestGeneric(t *testing.T) {
	for name, c := range map[string]struct {
		ptr, addr string
		generic   bool // it is said
		sure      bool
	}{
		"the address with dashes":                {"192-0-2-10.example.net", "192.0.2.10", true, true},
		"backwards with dots":                    {"10.2.0.192.in.example.net", "192.0.2.10", true, true},
		"behind a word":                          {"static.10.2.0.192.clients.example.net", "192.0.2.10", true, true},
		"with zeros in front":                    {"192000002010.example.net", "192.0.2.10", true, true},
		"in hexadecimal":                         {"ipc000020a.example.net", "192.0.2.10", true, true},
		"without anything between":               {"host19802210.example.net", "198.0.22.10", false, false},
		"dyn as a label":                         {"x7.dyn.example.net", "192.0.2.10", true, true},
		"ppp with a number":                      {"ppp12.example.net", "192.0.2.10", true, true},
		"half of it and pool":                    {"pool-2-10.example.net", "192.0.2.10", true, true},
		"half of it and customer":                {"customer10-2.example.net", "192.0.2.10", true, true},
		"IPv6, digit by digit":                   {"0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.rev.example.net", "2001:db8::10", true, true},
		"IPv6, groups with dashes":               {"2001-db8-0-0-0-0-0-10.example.net", "2001:db8::10", true, true},
		"IPv6, as it is written":                 {"2001-db8-1-2--10.example.net", "2001:db8:1:2::10", true, true},
		"the address, and a word for mail":       {"mta-192-0-2-10.example.org", "192.0.2.10", true, false},
		"a plain mail name":                      {"mx1.example.org", "192.0.2.10", false, false},
		"the last octet only":                    {"mail10.example.org", "192.0.2.10", false, false},
		"half of it, in a name for mail":         {"a2-10.smtp-out.example.org", "192.0.2.10", false, false},
		"another address":                        {"192-0-2-11.example.net", "192.0.2.10", false, false},
		"dynamo is a word of its own":            {"dynamo.example.org", "192.0.2.10", false, false},
		"a company that sells DSL":               {"mail.dsl-provider.net", "192.0.2.10", false, false},
		"a company called dyn":                   {"mx1.dyn.com", "192.0.2.10", false, false},
		"pool alone":                             {"pool.example.org", "192.0.2.10", false, false},
		"a static host, no address":              {"static.example.org", "192.0.2.10", false, false},
		"a mail server in a network called dyn":  {"mail.dyn.example.org", "192.0.2.10", true, false},
		"IPv6 in an ordinary name":               {"mx1.example.org", "2001:db8::10", false, false},
		"IPv6, short enough to be chance":        {"2001-db8--1.example.org", "2001:db8::1", false, false},
		"letters in any case, and a dot":         {"192-0-2-10.EXAMPLE.NET.", "192.0.2.10", true, true},
		"a number that is none of the address's": {"srv2024-11.example.org", "192.0.2.10", false, false},
	} {
		why, sure := Generic(c.ptr, netip.MustParseAddr(c.addr))
		if (why != "") != c.generic || sure != c.sure {
			t.Errorf("%s: %s of %s: %q, sure %v; want %v, sure %v", name, c.ptr, c.addr, why, sure, c.generic, c.sure)
		}
	}
}

func FuzzGeneric(f *testing.F) {
	f.Add("192-0-2-10.dyn.example.net", []byte{192, 0, 2, 10})
	f.Add("ipc000020a", []byte{192, 0, 2, 10})
	f.Add("ip", make([]byte, 16))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		why, sure := Generic(name, addr.Unmap())
		if sure && why == "" {
			t.Fatalf("%q: sure of nothing", name)
		}
		if strings.ContainsAny(why, "\n\x1b") {
			t.Fatalf("%q: %q", name, why)
		}
	})
}
