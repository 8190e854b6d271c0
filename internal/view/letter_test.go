package view

import (
	"net/netip"
	"strings"
	"testing"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/remedy"
)

// A list that lets its entries end by themselves gets no letter, and one that can be asked gets it also if it comes second.
func TestNobodyIsToldToWriteToAListThatTakesNoRequests(t *testing.T) {
	zones := map[string]blocklists.Zone{
		"spamcop": {ID: "spamcop", Title: "SpamCop Blocking List", Removal: blocklists.Removal{Method: "automatic"}},
		"brbl":    {ID: "brbl", Title: "Barracuda", Removal: blocklists.Removal{Method: "self-service"}},
	}
	book, err := remedy.Load()
	if err != nil {
		t.Fatal(err)
	}
	listed := func(ids ...string) desk {
		inc := alerts.Incident{ID: 4, State: alerts.Open}
		for _, id := range ids {
			inc.Members = append(inc.Members, alerts.Member{Finding: checks.Finding{Key: checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: id},
				Target: checks.Address(netip.MustParseAddr("192.0.2.10")), Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Major,
				Facts: map[string]string{checks.FactList: id, checks.FactListName: zones[id].Title, checks.FactAddress: "192.0.2.10"}}})
		}
		return desk{incident: inc, book: book, zone: func(id string) (blocklists.Zone, bool) { z, ok := zones[id]; return z, ok }}
	}
	for name, c := range map[string]struct {
		desk     desk
		list     string
		to, fail string
	}{
		"it alone":              {listed("spamcop"), "", "", "SpamCop Blocking List takes no requests"},
		"it by name":            {listed("spamcop", "brbl"), "spamcop", "", "SpamCop Blocking List takes no requests"},
		"the other one instead": {listed("spamcop", "brbl"), "", "Barracuda", ""},
		"the other one by name": {listed("spamcop", "brbl"), "brbl", "Barracuda", ""},
	} {
		l, _, err := c.desk.write(remedy.ToList, "", c.list)
		if (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) || !strings.Contains(l.To, c.to) {
			t.Errorf("%s: to %q, %v", name, l.To, err)
		}
	}
}

// A list that refuses our resolver, or nothing but the trouble of this monitor, calls for no letter: that is no error.
func TestTroubleOfOurOwnCallsForNoLetter(t *testing.T) {
	zone := blocklists.Zone{ID: "brbl", Title: "Barracuda", Removal: blocklists.Removal{Method: "self-service"}}
	for _, target := range []checks.Target{{Kind: checks.KindList, Name: "brbl"}, {Kind: checks.KindMonitor, Name: "resolver"}} {
		d := desk{incident: alerts.Incident{ID: 4, State: alerts.Open, Members: []alerts.Member{{Finding: checks.Finding{Key: checks.Key{Check: "dnsbl", Target: target.ID(), Source: "brbl"}, Target: target,
			Status: checks.Problem, Severity: checks.Minor, Facts: map[string]string{checks.FactList: "brbl"}}}}}, zone: func(string) (blocklists.Zone, bool) { return zone, true }}
		if all, err := d.all(); err != nil || len(all) != 0 {
			t.Errorf("%s: %+v, %v, want none", target, all, err)
		}
	}
}
