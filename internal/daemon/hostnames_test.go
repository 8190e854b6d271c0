package daemon

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/lab"
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
	r.hosts.Again() // as after a day
	r.world.Lists.SetMode(".", probestest.ZoneServFail)
	r.mustRound()
	if got := r.watched(); !slices.Contains(got, "mx.example.org") {
		t.Errorf("watched without an answer: %v", got)
	}
	r.hosts.Again()
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
	r.hosts = expand.HostNames{Owed: true}
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
	if !r.hosts.Owed || slices.Contains(r.watched(), "mx.example.org") {
		t.Errorf("without an answer: owed %v, watched %v", r.hosts.Owed, r.watched())
	}
	r.world.Lists.SetMode(".", probestest.ZoneNormal)
	r.mustRound()
	if r.hosts.Owed || !slices.Contains(r.watched(), "mx.example.org") {
		t.Errorf("with one: owed %v, watched %v", r.hosts.Owed, r.watched())
	}
}
