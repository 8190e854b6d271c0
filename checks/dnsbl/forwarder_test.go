package dnsbl

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

func forwarders(t *testing.T, addrs ...netip.AddrPort) *probes.Servers {
	t.Helper()
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	at, err := probes.Forwarders(texts)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// nobody is an address at which nobody listens: the port of d, on another loopback address.
func nobody(d *probestest.DNS) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.99"), d.Addr().Port())
}

// mirrorAt has the lists bl and other, and lists 192.0.2.10 on both.
func mirrorAt(t *testing.T) *probestest.DNS {
	t.Helper()
	d := probestest.StartDNS(t, probestest.Zone{Name: "bl.example"}, probestest.Zone{Name: "other.example"})
	d.SetListed("bl.example", "192.0.2.10", "seen at the mirror")
	d.SetListed("other.example", "192.0.2.10", "")
	return d
}

// forwarded asks bl at forwarders and other, of the same operator, through the resolver.
func forwarded(t *testing.T, site *probestest.DNS, path Path, at *probes.Servers) Check {
	t.Helper()
	zones := []blocklists.Zone{list4("bl"), list4("other")}
	zones[1].Operator = zones[0].Operator
	return Check{Asker: resolver(t, site, probes.ResolverOptions{Timeout: time.Minute}), Zones: zones, Options: Options{Path: path, Forwarders: map[string]*probes.Servers{"bl": at}, Confirm: time.Millisecond}}
}

func site(t *testing.T, mode probestest.ZoneMode) *probestest.DNS {
	t.Helper()
	return probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Mode: mode}, probestest.Zone{Name: "other.example"})
}

func TestAListWithAForwarderIsAskedThereAndNowhereElse(t *testing.T) {
	for _, path := range []Path{"", PathResolver, PathAuto, PathAuthoritative} {
		t.Run("mode "+string(path), func(t *testing.T) {
			site, there := site(t, probestest.ZoneRefusalCode), mirrorAt(t)
			check := forwarded(t, site, path, forwarders(t, there.Addr()))
			got := runCheck(t.Context(), check, none, addr("192.0.2.10"))
			l := got.list("bl")
			if l.Path != PathForwarder || l.State != Working || !slices.Equal(l.Servers, []string{there.Addr().String()}) {
				t.Errorf("path %q at %q, %s: %s", l.Path, l.Servers, l.State, l.Why)
			}
			about := got.about("192.0.2.10")
			if len(about) != 1 || about[0].Code != checks.CodeListed || len(about[0].Evidence) != 2 {
				t.Fatalf("told %+v", about)
			}
			for _, ev := range about[0].Evidence {
				if ev.Via != there.Addr().String() {
					t.Errorf("asked at %s", ev.Via)
				}
			}
			if reason := about[0].Evidence[1].Reason; reason != "seen at the mirror" {
				t.Errorf("reason %q", reason)
			}
			if n := site.Asked("bl.example").All; n > 0 {
				t.Errorf("%d questions about the list elsewhere", n)
			}
			if n := there.Asked("other.example").All; n > 0 {
				t.Errorf("%d questions about another list at the forwarder", n)
			}
			if l := got.list("other"); l.Path != PathResolver || l.State != Working || len(l.Servers) > 0 || site.Asked("other.example").All == 0 {
				t.Errorf("the other list: path %q, %s", l.Path, l.State)
			}
			res, err := check.Test(t.Context(), runAt)
			if l := res.Lists[0]; err != nil || l.Path != PathForwarder || l.State != Working || len(l.Paths) != 1 || l.Paths[0].Path != PathForwarder {
				t.Errorf("tested: %+v, %v", l, err)
			}
			if n := site.Asked("bl.example").All; n > 0 {
				t.Errorf("tested: %d questions about the list elsewhere", n)
			}
		})
	}
}

func TestAListWhoseForwarderIsDownIsUnknown(t *testing.T) {
	for _, path := range []Path{PathResolver, PathAuto, PathAuthoritative} {
		t.Run("mode "+string(path), func(t *testing.T) {
			site := site(t, "") // which would answer
			down := nobody(site)
			check := forwarded(t, site, path, forwarders(t, down))
			check.Zones = check.Zones[:1]
			got := runCheck(t.Context(), check, all, addr("192.0.2.10"))
			l := got.list("bl")
			if l.State != Unknown || l.Path != PathForwarder || l.Unknown != 1 || !strings.Contains(l.Why, "asked at its forwarder only: "+down.String()) {
				t.Errorf("path %q, %s (%s), %+v", l.Path, l.State, l.Why, l.Counts)
			}
			// It is not the fault of the resolver, though no other list was asked.
			if got.result.Blind || !slices.Contains(got.codes(), string(checks.CodeListUnknown)) || slices.Contains(got.codes(), string(checks.CodeBlind)) {
				t.Errorf("blind %v, told %q", got.result.Blind, got.codes())
			}
			if n := site.Asked("bl.example").All; n > 0 {
				t.Errorf("%d questions about the list at the resolver", n)
			}
		})
	}
}

func TestSeveralForwarders(t *testing.T) {
	site, one, two := site(t, probestest.ZoneRefusalCode), mirrorAt(t), mirrorAt(t)
	via := func(at *probes.Servers) (vias []string) {
		check := forwarded(t, site, PathAuto, at)
		got := runCheck(t.Context(), check, none, addr("192.0.2.10"))
		about := got.about("192.0.2.10")
		if len(about) != 1 || about[0].Code != checks.CodeListed {
			t.Fatalf("told %+v", about)
		}
		for _, ev := range about[0].Evidence {
			vias = append(vias, ev.Via)
		}
		return vias
	}
	first, second := one.Addr().String(), two.Addr().String()
	if got := via(forwarders(t, one.Addr(), two.Addr())); !slices.Equal(got, []string{first, second}) {
		t.Errorf("both run: asked at %q, want the other the second time", got)
	}
	if got := via(forwarders(t, nobody(one), two.Addr())); !slices.Equal(got, []string{second, second}) {
		t.Errorf("the first is down: asked at %q", got)
	}
	if n := site.Asked("bl.example").All; n > 0 {
		t.Errorf("%d questions about the list at the resolver", n)
	}
}

// Two are refused by one operator, and it is not one trouble: each has its own remedy.
func TestAForwarderThatRefusesIsNamed(t *testing.T) {
	site, there := site(t, ""), mirrorAt(t)
	site.SetMode("other.example", probestest.ZoneRefusalCode)
	there.SetMode("bl.example", probestest.ZoneRefused)
	check := forwarded(t, site, PathResolver, forwarders(t, there.Addr()))
	got := runCheck(t.Context(), check, none, addr("192.0.2.10"))
	for id, want := range map[string]string{
		"bl":    "Operator of bl refuses us at the forwarder " + there.Addr().String() + "; nothing is known from List bl",
		"other": "Operator of bl refuses our resolver; nothing is known from List other",
	} {
		about := got.about(checks.List(id).ID())
		if got.list(id).State != Refused || len(about) != 1 || about[0].Summary != want {
			t.Errorf("%s: %s, told %+v", id, got.list(id).State, about)
		}
	}
}

// Whether the resolver lies does not matter to who is not asked through it.
func TestAResolverThatInventsAnswersDoesNotConcernForwarders(t *testing.T) {
	site, there := site(t, ""), mirrorAt(t)
	site.AddZone(probestest.Zone{Name: "invalid", Mode: probestest.ZoneListWorld})
	check := forwarded(t, site, PathAuto, forwarders(t, there.Addr()))
	got := runCheck(t.Context(), check, none, addr("192.0.2.10"))
	if !got.result.Rewriting || got.list("bl").State != Working || got.list("bl").Listed != 1 || got.list("other").Unknown != 1 {
		t.Errorf("rewriting %v, bl %s, other %s", got.result.Rewriting, got.list("bl").State, got.list("other").State)
	}
	if slices.Contains(got.codes(), string(checks.CodeListUnknown)) {
		t.Errorf("told %q: one cause, told once", got.codes())
	}
}

// The AA bit of a mirror is about its copy: it may be old, or empty.
func TestAMirrorProvesNothingForAListWithoutTestEntries(t *testing.T) {
	there := probestest.StartDNS(t, probestest.Zone{Name: "bl.example", Authoritative: true})
	check := forwarded(t, site(t, ""), PathAuto, forwarders(t, there.Addr()))
	check.Zones[0].Controls = blocklists.Controls{}
	got := runCheck(t.Context(), check, none, addr("192.0.2.10"))
	if l := got.list("bl"); l.State != Working || l.Unproved != 1 || l.Clean != 0 {
		t.Errorf("%s, %+v", l.State, l.Counts)
	}
}
