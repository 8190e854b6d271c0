package dnsbl

import (
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

func TestQuarantineRetestsMoreAndMoreSlowly(t *testing.T) {
	last := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for runs, want := range map[int]time.Duration{3: time.Hour, 4: 2 * time.Hour, 5: 4 * time.Hour, 7: 16 * time.Hour, 8: 24 * time.Hour, 1000: 24 * time.Hour} {
		if got := (Failing{Runs: runs, Last: last}).Retest().Sub(last); got != want {
			t.Errorf("after %d failures: again after %s, want %s", runs, got, want)
		}
	}
	for runs := range 3 {
		if f := (Failing{Runs: runs, Last: last}); f.Lasts() || !f.Retest().IsZero() {
			t.Errorf("%d failures are no quarantine yet: %v", runs, f.Retest())
		}
	}
}

func TestListNoticesAreAsLoudAsTheListMatters(t *testing.T) {
	for name, c := range map[string]struct {
		mode     probestest.ZoneMode
		severity blocklists.Severity
		failed   int
		want     checks.Severity
	}{
		"a list that matters refuses":                {probestest.ZoneRefusalCode, blocklists.SeverityCritical, 0, checks.Minor},
		"a list that matters lists the world":        {probestest.ZoneListWorld, blocklists.SeverityMajor, 0, checks.Minor},
		"a user's own list is parked":                {probestest.ZoneParked, blocklists.SeverityMinor, 0, checks.Minor},
		"a list nobody rejects on refuses":           {probestest.ZoneRefusalCode, blocklists.SeverityInformational, 9, checks.Informational},
		"a list that matters is silent once":         {probestest.ZoneServFail, blocklists.SeverityCritical, 0, checks.Informational},
		"a list that matters is silent twice":        {probestest.ZoneServFail, blocklists.SeverityCritical, 1, checks.Informational},
		"a list that matters is silent a third time": {probestest.ZoneServFail, blocklists.SeverityCritical, 2, checks.Minor},
	} {
		t.Run(name, func(t *testing.T) {
			bad, good := list4("bad"), list4("good")
			bad.Severity = c.severity
			d := probestest.StartDNS(t, probestest.Zone{Name: bad.Zone, Mode: c.mode}, probestest.Zone{Name: good.Zone})
			check := Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{bad, good},
				Options: Options{Failing: map[string]Failing{"bad": {Runs: c.failed}}}}
			found := runCheck(t.Context(), check, none, addr("192.0.2.10")).findings
			if len(found) != 1 || found[0].Target.Name != "bad" || found[0].Severity != c.want {
				t.Errorf("got %+v, want one finding about the list, %s", found, c.want)
			}
		})
	}
}
