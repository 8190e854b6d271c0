package probes

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServerTexts(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.53":          "192.0.2.53:53",
		"192.0.2.53:5353":     "192.0.2.53:5353",
		" 192.0.2.53 ":        "192.0.2.53:53",
		"2001:db8::53":        "[2001:db8::53]:53",
		"[2001:db8::53]":      "[2001:db8::53]:53",
		"[2001:db8::53]:5353": "[2001:db8::53]:5353",
		"fe80::1%eth0":        "[fe80::1%eth0]:53",
		"resolver.example":    "",
		"192.0.2.53:0":        "",
		"192.0.2.53:99999":    "",
		"":                    "",
	} {
		r, err := NewResolver(ResolverOptions{Servers: []string{in}})
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "[dns]") {
				t.Errorf("%q: %v, want an error that says what to write", in, err)
			}
			continue
		}
		if err != nil || !slices.Equal(r.Servers(), []string{want}) {
			t.Errorf("%q: got %v, %v; want %s", in, r, err, want)
		}
	}
}

func TestServersOfTheSystem(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"IPv4, IPv6, comments and words": {"# local\nsearch example.org\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver here\noptions edns0\n", []string{"192.0.2.53:53", "[2001:db8::53]:53"}},
		"none":                           {"search example.org\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/resolv.conf"
			writeFile(t, path, c.file)
			r, err := newResolver(ResolverOptions{}, path)
			if c.want == nil {
				if err == nil || !strings.Contains(err.Error(), "servers = ") {
					t.Errorf("got %v, want an error that says what to write", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, r.Servers()); d != "" {
				t.Error(d)
			}
		})
	}
	if _, err := newResolver(ResolverOptions{}, t.TempDir()+"/none"); err == nil || !strings.Contains(err.Error(), "servers = ") {
		t.Errorf("no file: %v", err)
	}
}

func TestSilentServersComeLaterForAWhile(t *testing.T) {
	ss := newServers([]netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("192.0.2.2:53"), netip.MustParseAddrPort("192.0.2.3:53"),
	})
	now := time.Unix(1e9, 0)
	order := func(at time.Time, avoid string) string {
		var b strings.Builder
		for _, s := range ss.order(nil, at, avoid) {
			b.WriteString(s.addr.Addr().String()[len("192.0.2."):])
		}
		return b.String()
	}
	if got := order(now, ""); got != "123" {
		t.Errorf("at first: %s", got)
	}
	ss.all[0].silent(now)
	if got := order(now, ""); got != "231" {
		t.Errorf("the first is silent: %s", got)
	}
	if got := order(now, "192.0.2.2:53"); got != "312" {
		t.Errorf("and the second to be avoided: %s", got)
	}
	if got := order(now.Add(silentFor), ""); got != "123" {
		t.Errorf("later: %s", got)
	}
	ss.all[0].answered()
	if got := order(now, ""); got != "123" {
		t.Errorf("after an answer: %s", got)
	}
}
