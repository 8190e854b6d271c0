package dnsbl

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

func TestADeadResolverIsOneFinding(t *testing.T) {
	var zones []blocklists.Zone
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		zones = append(zones, list4(id))
	}
	zones[0].Severity = blocklists.SeverityCritical
	d, err := probestest.NewDNS()
	if err != nil {
		t.Fatal(err)
	}
	server := d.Addr().String()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	check := Check{Asker: resolver(t, nil, probes.ResolverOptions{Servers: []string{server}}), Zones: zones, Servers: []string{server}}
	got := runCheck(t.Context(), check, none, addr("192.0.2.10"), addr("192.0.2.11"))
	if codes := got.codes(); !slices.Equal(codes, []string{"monitor.resolver"}) {
		t.Fatalf("told %v", codes)
	}
	f := got.findings[0]
	if f.Severity != checks.Major || f.Target.ID() != "monitor:resolver" || len(f.Evidence) == 0 || !strings.Contains(f.Evidence[0].Answer, "not reachable") ||
		!strings.Contains(f.Facts[checks.FactInstruction], server) || f.Summary != "5 of 5 lists had no answer: nothing is known about anything they list" {
		t.Errorf("finding %+v", f)
	}
	if r := got.result; !r.Blind || r.UnknownShare() != 1 || len(r.CannotTell()) != 1 || r.Worst() != "" || r.Answered != 0 {
		t.Errorf("result %+v", r)
	}
	for _, l := range got.result.Lists { // the resolver is dead, and not the list
		if strings.Contains(l.Why, "disable the list") || !strings.Contains(l.Why, "not reachable") {
			t.Errorf("%s: %q", l.ID, l.Why)
		}
	}
	// What was listed before stays as it is.
	for _, f := range runCheck(t.Context(), check, all, addr("192.0.2.10")).about("192.0.2.10") {
		if f.Status != checks.Unknown || f.Severity != "" {
			t.Errorf("about a target: %+v", f)
		}
	}
}

func TestAResolverThatRefusesUsIsOneFinding(t *testing.T) {
	zones := []blocklists.Zone{list4("a"), list4("b"), list4("c")}
	d := probestest.StartDNS(t, probestest.Zone{Name: "example", Mode: probestest.ZoneRefused})
	got := runCheck(t.Context(), Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: zones}, none, addr("192.0.2.10"))
	if codes := got.codes(); !slices.Equal(codes, []string{"monitor.resolver"}) || got.findings[0].Evidence[0].Answer != "refused (REFUSED)" {
		t.Errorf("told %+v", got.findings)
	}
	for _, l := range got.result.Lists {
		if l.State != Refused {
			t.Errorf("%s: %s", l.ID, l.State)
		}
	}
}

func TestAResolverThatInventsAnswersIsSetAside(t *testing.T) {
	for name, c := range map[string]struct {
		zone  string // where it invents
		probe string
		want  string
	}{
		"under .invalid":                   {".", "", "monitor.rewrite"},
		"under a real suffix":              {"probe.example", "probe.example.", "monitor.rewrite"},
		"which nobody asked about":         {"probe.example", "", "dnsbl.listed"},
		"no address proves nothing at all": {"", "probe.example", "dnsbl.listed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := probestest.StartDNS(t, probestest.Zone{Name: "bl.example"}, probestest.Zone{Name: "probe.example", Mode: probestest.ZoneServFail})
			d.SetListed("bl.example", "192.0.2.10", "")
			if c.zone != "" {
				d.SetMode(c.zone, probestest.ZoneParked)
			}
			check := Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{list4("bl")}, Options: Options{Probe: c.probe}}
			got := runCheck(t.Context(), check, none, addr("192.0.2.10"))
			if codes := got.codes(); !slices.Equal(codes, []string{c.want}) {
				t.Fatalf("told %v, want %s", codes, c.want)
			}
			if c.want != "monitor.rewrite" {
				return
			}
			if n := d.Asked("bl.example").All; n != 0 || !got.result.Rewriting || got.list("bl").State != Unknown {
				t.Errorf("the list was asked %d times; result %+v", n, got.result)
			}
			if f := got.findings[0]; f.Severity != checks.Major || f.Evidence[0].Answer != "203.0.113.9" {
				t.Errorf("finding %+v", f)
			}
		})
	}
}

func TestRefusalsAreToldOnceForEachOperator(t *testing.T) {
	zones := []blocklists.Zone{list4("a"), list4("b"), list4("c"), list4("d")}
	for i := range 3 {
		zones[i].Operator = "Example"
	}
	zones[3].Operator = ""
	var served []probestest.Zone
	for _, z := range zones {
		served = append(served, probestest.Zone{Name: z.Zone, Mode: probestest.ZoneRefusalCode})
	}
	d := probestest.StartDNS(t, served...)
	d.SetMode("a.example", probestest.ZoneNormal)
	check := Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: zones}
	told := func(known func(checks.Key) bool) (out []string) {
		for _, f := range runCheck(t.Context(), check, known, addr("192.0.2.10")).findings {
			if f.Target.Kind == checks.KindList {
				out = append(out, f.Target.Name+" "+string(f.Status)+": "+f.Summary)
				if f.Status == checks.Problem && (f.Severity != checks.Minor || !strings.Contains(f.Facts[checks.FactInstruction], "resolver of your own")) {
					t.Errorf("finding %+v", f)
				}
			}
		}
		return out
	}
	want := []string{"b problem: Example refuses our resolver; nothing is known from List b, List c", "d problem: List d refuses our resolver; nothing is known from List d"}
	if diff := cmp.Diff(want, told(none)); diff != "" {
		t.Error(diff)
	}
	// Told about c in an earlier run: it stays with c.
	want[0] = "c" + want[0][1:]
	if diff := cmp.Diff(want, told(func(k checks.Key) bool { return k.Target == "list:c" })); diff != "" {
		t.Error(diff)
	}
	// And a, which was told of before, works.
	want = append([]string{"a ok: List a works again"}, "b"+want[0][1:], want[1])
	if diff := cmp.Diff(want, told(func(k checks.Key) bool { return k.Target == "list:a" })); diff != "" {
		t.Error(diff)
	}
}
