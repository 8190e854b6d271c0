package dnsbl

import (
	"slices"
	"strings"
	"testing"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

func TestATurnIsAPartOfTheTargets(t *testing.T) {
	all := []string{"192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}
	var targets []checks.Target
	for _, a := range all {
		targets = append(targets, addr(a))
	}
	for name, c := range map[string]struct {
		turn Turn
		want string
		next int
	}{
		"no turn is all":                  {Turn{}, "0 1 2 3 4", 0},
		"more than there are is all":      {Turn{From: 3, Most: 5}, "0 1 2 3 4", 0},
		"from the beginning":              {Turn{Most: 2}, "0 1", 2},
		"from where the last one stopped": {Turn{From: 2, Most: 2}, "2 3", 4},
		"and on from the first":           {Turn{From: 4, Most: 3}, "4 0 1", 2},
		"targets were taken away":         {Turn{From: 13, Most: 1}, "3", 4},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for x := range c.turn.of(slices.Values(targets), len(targets)) {
				got = append(got, strings.TrimPrefix(x.ID(), "192.0.2."))
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("got %s, want %s", g, c.want)
			}
			if n := c.turn.next(len(targets)); n != c.next {
				t.Errorf("next %d, want %d", n, c.next)
			}
		})
	}
}

// Turns one after the other come round to every target, and a run asks no more
// than its turn.
func TestTurnsComeRoundToEveryTarget(t *testing.T) {
	zone := list4("slow")
	d := probestest.StartDNS(t, probestest.Zone{Name: zone.Zone})
	for _, a := range []string{"192.0.2.0", "192.0.2.6"} {
		d.SetListed(zone.Zone, a, "")
	}
	var targets []checks.Target
	for _, a := range []string{"192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"} {
		targets = append(targets, addr(a))
	}
	found := map[string]int{}
	from := 0
	for range 4 { // seven targets, two in each turn
		check := Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{zone},
			Options: Options{Turns: map[string]Turn{"slow": {From: from, Most: 2}}}}
		got := runCheck(t.Context(), check, none, targets...)
		if n := got.list("slow").Asked; n != 2 {
			t.Errorf("asked about %d targets, want 2", n)
		}
		if left := got.list("slow").Left; left != 5 {
			t.Errorf("%d targets were left for later, want 5", left)
		}
		for _, f := range got.findings {
			found[f.Target.ID()]++
		}
		from = got.list("slow").Next
	}
	if found["192.0.2.0"] == 0 || found["192.0.2.6"] == 0 || len(found) != 2 {
		t.Errorf("found %v, want both that are listed", found)
	}
}
