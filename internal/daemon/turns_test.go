package daemon

import (
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

func TestTurnsKeepARoundWithinItsTime(t *testing.T) {
	var many, few checks.Targets
	for word, ts := range map[string]*checks.Targets{"198.18.0.0/16": &many, "192.0.2.0/28": &few} {
		if err := ts.Add(word, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	v4 := []blocklists.Family{blocklists.IPv4}
	slow := blocklists.Zone{ID: "slow", Operator: "Slow", Families: v4, Rate: 5}
	twin := blocklists.Zone{ID: "twin", Operator: "Slow", Families: v4, Rate: 5}
	daily := blocklists.Zone{ID: "daily", Operator: "Daily", Families: v4, PerDay: 100_000}
	free := blocklists.Zone{ID: "free", Operator: "Free", Families: v4}
	names := blocklists.Zone{ID: "names", Operator: "Slow", Families: []blocklists.Family{blocklists.Name}, Rate: 5}
	last := store.Summary{Lists: []store.ListSummary{{List: "slow", Next: 7000}}}
	for name, c := range map[string]struct {
		zones   []blocklists.Zone
		targets checks.Targets
		want    map[string]dnsbl.Turn
	}{
		"without limits all are asked":         {[]blocklists.Zone{free}, many, nil},
		"few are asked whatever the limits":    {[]blocklists.Zone{slow, twin, daily}, few, nil},
		"a slow list goes on where it stopped": {[]blocklists.Zone{slow, free}, many, map[string]dnsbl.Turn{"slow": {From: 7000, Most: 7188}}},
		"lists of one operator share":          {[]blocklists.Zone{slow, twin}, many, map[string]dnsbl.Turn{"slow": {From: 7000, Most: 3588}, "twin": {Most: 3588}}},
		"a limit a day is spread over it":      {[]blocklists.Zone{daily}, many, map[string]dnsbl.Turn{"daily": {Most: 1654}}},
		"a list that serves none of them":      {[]blocklists.Zone{names, slow}, many, map[string]dnsbl.Turn{"slow": {From: 7000, Most: 7188}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Turns(c.zones, c.targets.All(), 30*time.Minute, last)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for id, want := range c.want {
				if got[id] != want {
					t.Errorf("%s: got %+v, want %+v", id, got[id], want)
				}
			}
		})
	}
}

func TestSpanIsFromSlotToSlot(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"@every 30m": 30 * time.Minute, "0 */10 * * * *": 10 * time.Minute, "@daily": RoundTimeout} {
		s, err := monitor.ParseSchedule(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := Span(s, now); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := Span(monitor.Schedule{}, now); got != RoundTimeout {
		t.Errorf("no schedule: %s", got)
	}
}
