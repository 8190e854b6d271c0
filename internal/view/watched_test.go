package view

import (
	"testing"

	"reputed/blocklists"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
)

// Host names that only the DNS knows are domains of a round like any other, and plan counts them too.
func TestStatusCountsWhatTheRoundWatched(t *testing.T) {
	cfg := &config.Config{Outbound: []config.Outbound{{Pool: "office", Addresses: []string{"192.0.2.10"}, Domains: []string{"example.org"}}}}
	for name, c := range map[string]struct {
		last store.Summary
		want report.Watched
	}{
		"no round yet":           {store.Summary{}, report.Watched{Addresses: 1, Domains: 1}},
		"with a host name":       {store.Summary{Targets: 3, Domains: 2}, report.Watched{Addresses: 1, Domains: 2}},
		"of a version before it": {store.Summary{Targets: 3}, report.Watched{Addresses: 1, Domains: 1}},
	} {
		if got := watched(cfg, c.last); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestWhoOnlyRunsAListIsToldApart(t *testing.T) {
	lists := []report.List{{Zone: blocklists.Zone{Title: "SpamCop Blocking List", Operator: "Cisco"}}, {Zone: blocklists.Zone{Title: "ZEN", Operator: "Spamhaus Project"}}, {Zone: blocklists.Zone{Title: "BRBL", Operator: "Barracuda Networks"}}}
	for vendor, want := range map[string]bool{"SpamCop": true, "Spamhaus": true, "Barracuda": false, "Microsoft": false, "Spam": false, "": false} {
		if got := runsList(vendor, lists); got != want {
			t.Errorf("%q: %v", vendor, got)
		}
	}
}
