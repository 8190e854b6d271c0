package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/probes"
	"reputed/probes/probestest"
)

const dbl = "dbl.spamhaus.org"

// ptrRig watches one address and one domain; records are the PTR of the address.
func ptrRig(t *testing.T, change func(*config.Config), records ...string) *rig {
	t.Helper()
	return newRigWith(t, func(cfg *config.Config, w *lab.World) {
		cfg.Outbound = []config.Outbound{{Pool: "out", Addresses: []string{oldPlace}, Domains: []string{"example.org"}, HostNames: true}}
		w.Lists.SetName("30.2.0.192.in-addr.arpa", records...)
		if change != nil {
			change(cfg)
		}
	})
}

// watched are the domains that are asked about.
func (r *rig) watched() (names []string) {
	for t := range r.watch.Load().targets.All() {
		if t.Kind == checks.KindDomain {
			names = append(names, t.Name)
		}
	}
	return names
}

func TestHostNamesAreWatchedWithoutBeingWrittenDown(t *testing.T) {
	hosts := map[string]string{"mx1.example.com": oldPlace, "mx1.lan": ""}
	for name, c := range map[string]struct {
		change func(*config.Config)
		ptr    []string
		want   []string // beside example.org
	}{
		"a PTR name below a domain of ours":          {nil, []string{"PTR mx.example.org."}, []string{"mx.example.org"}},
		"a provider's is not ours":                   {nil, []string{"PTR mx.example.net."}, nil},
		"one that any address has is none":           {nil, []string{"PTR 192-0-2-30.example.org."}, nil},
		"no PTR record":                              {nil, nil, nil},
		"of several those that are ours":             {nil, []string{"PTR mx.example.net.", "PTR a.example.org.", "PTR b.example.org."}, []string{"a.example.org", "b.example.org"}},
		"names of hosts, and none that only we know": {func(c *config.Config) { c.Outbound[0].Hosts = hosts }, nil, []string{"mx1.example.com"}},
		"below the domain of a host":                 {func(c *config.Config) { c.Outbound[0].Hosts = hosts }, []string{"PTR out.example.com."}, []string{"mx1.example.com", "out.example.com"}},
		"not wanted":                                 {func(c *config.Config) { c.Outbound[0].Hosts, c.Outbound[0].HostNames = hosts, false }, []string{"PTR mx.example.org."}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := ptrRig(t, c.change, c.ptr...)
			r.mustRound()
			if got, want := r.watched(), append([]string{"example.org"}, c.want...); !slices.Equal(got, want) {
				t.Errorf("watched %v, want %v", got, want)
			}
		})
	}
}

func TestAListedHostNameIsTold(t *testing.T) {
	r := ptrRig(t, nil, "PTR mx.example.org.")
	r.world.Lists.SetListed(dbl, "mx.example.org", "", netip.MustParseAddr("127.0.1.2"))
	r.mustRound()
	inc := r.only("the PTR name is listed")
	if target := inc.Members[0].Finding.Target; target.Name != "mx.example.org" || target.Pool != "out" {
		t.Errorf("told of %+v", target)
	}

	// Without an answer the name stays; once there is another one, it is gone, and nobody knows more.
	clear(r.hosts.tried) // as after a day
	r.world.Lists.SetMode(".", probestest.ZoneServFail)
	r.mustRound()
	if got := r.watched(); !slices.Contains(got, "mx.example.org") {
		t.Errorf("watched without an answer: %v", got)
	}
	clear(r.hosts.tried)
	r.world.Lists.SetMode(".", probestest.ZoneNormal)
	r.world.Lists.SetName("30.2.0.192.in-addr.arpa", "PTR new.example.org.")
	r.mustRound()
	r.mustRound()
	if got := r.watched(); slices.Contains(got, "mx.example.org") || !slices.Contains(got, "new.example.org") {
		t.Errorf("watched after the change: %v", got)
	}
	if notes := r.notes(inc.ID); len(notes) != 1 || !strings.HasPrefix(notes[0], "mx.example.org: no longer among") {
		t.Errorf("notes %q", notes)
	}
}

// A restart while the reverse zone is silent must not look as if the names were gone.
func TestHostNamesThatAreNotKnownYetAreNotGone(t *testing.T) {
	r := ptrRig(t, nil, "PTR mx.example.org.")
	r.world.Lists.SetListed(dbl, "mx.example.org", "", netip.MustParseAddr("127.0.1.2"))
	r.mustRound()
	inc := r.only("the PTR name is listed")
	r.hosts = hostNames{owed: true}
	r.world.Lists.SetMode(".", probestest.ZoneServFail)
	r.mustRound()
	r.mustRound()
	if notes := r.notes(inc.ID); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
}

// A resolver that is down when the daemon starts must not leave the names unknown for hours.
func TestPTRNamesAreAskedAgainOnceTheResolverAnswers(t *testing.T) {
	r := ptrRig(t, nil, "PTR mx.example.org.")
	r.world.Lists.SetMode(".", probestest.ZoneServFail)
	r.mustRound()
	if !r.hosts.owed || slices.Contains(r.watched(), "mx.example.org") {
		t.Errorf("without an answer: owed %v, watched %v", r.hosts.owed, r.watched())
	}
	r.world.Lists.SetMode(".", probestest.ZoneNormal)
	r.mustRound()
	if r.hosts.owed || !slices.Contains(r.watched(), "mx.example.org") {
		t.Errorf("with one: owed %v, watched %v", r.hosts.owed, r.watched())
	}
}

// An address is asked for its name once a day, and no more of them than there are.
func TestPTRNamesAreCachedAndBounded(t *testing.T) {
	d := probestest.StartDNS(t, probestest.Zone{Name: "in-addr.arpa", NoControls: true})
	for i := range 256 {
		d.SetName(fmt.Sprintf("%d.2.0.192.in-addr.arpa", i), fmt.Sprintf("PTR h%d-a.example.org.", i), fmt.Sprintf("PTR h%d-b.example.org.", i))
	}
	asker, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{d.Addr().String()}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]bool{"example.org": true}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var h hostNames
	walk := func(at time.Time, words ...string) (asked int) {
		t.Helper()
		ts, err := checks.ParseTargets(words...)
		if err != nil {
			t.Fatal(err)
		}
		before := d.Asked("in-addr.arpa").All
		if err := h.find(t.Context(), asker, reversible(cfg, ts.All()), ours, at); err != nil || h.owed {
			t.Fatalf("owed %v, %v", h.owed, err)
		}
		if len(h.tried) != ts.Len() {
			t.Errorf("%d addresses are kept of %d", len(h.tried), ts.Len())
		}
		return d.Asked("in-addr.arpa").All - before
	}
	for _, step := range []struct {
		after time.Duration
		words []string
		want  int
	}{
		{0, []string{"192.0.2.0/25"}, 128},
		{30 * time.Minute, []string{"192.0.2.0/25"}, 0},
		{time.Hour, []string{"192.0.2.0/24"}, 128}, // the new ones
		{24 * time.Hour, []string{"192.0.2.0/24"}, 128},
		{48 * time.Hour, []string{"192.0.2.0/30"}, 4},
		{49 * time.Hour, []string{"192.0.2.0/24"}, 252}, // what left is forgotten
	} {
		if got := walk(now.Add(step.after), step.words...); got < step.want || got > step.want+step.want/4 { // lost packets are sent again
			t.Errorf("after %s: %d questions, want %d", step.after, got, step.want)
		}
	}
	ts, err := checks.ParseTargets("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if names, left := h.names(reversible(cfg, ts.All())); len(names) != maxHostNames || left != 256 {
		t.Errorf("%d names are asked about and %d left, want %d and 256", len(names), left, maxHostNames)
	}
	n := 0
	wide, err := checks.ParseTargets("198.18.0.0/15")
	if err != nil {
		t.Fatal(err)
	}
	for range reversible(cfg, wide.All()) {
		n++
	}
	if n != maxReverse {
		t.Errorf("%d addresses of a /15 are looked up, want %d", n, maxReverse)
	}
}
