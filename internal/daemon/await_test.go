package daemon

import (
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
)

// One column a minute 0, 10, 20, 40 and then after the removal.
func TestAListIsAskedOftenWhileSomebodyWaits(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	a := alerts.Asked{Request: alerts.Request{List: "psbl", Key: checks.Key{Check: monitor.JobDNSBL, Target: "192.0.2.10", Source: "psbl"}}, At: at}
	other := alerts.Asked{Request: alerts.Request{List: "microsoft", Key: checks.Key{Check: "bounce", Target: "192.0.2.11", Source: "microsoft"}}, At: at}
	last := map[string]time.Time{}
	for _, c := range []struct {
		minute int
		want   int
	}{{0, 1}, {10, 0}, {20, 1}, {30, 0}, {40, 1}} {
		if got := awaited([]alerts.Asked{a, other, a}, last, at.Add(time.Duration(c.minute)*time.Minute)); len(got) != c.want {
			t.Errorf("minute %d: asks about %v, want %d", c.minute, got, c.want)
		}
	}
	a.Cleared = at.Add(50 * time.Minute)
	if got := awaited([]alerts.Asked{a}, last, at.Add(time.Hour)); len(got) != 0 || len(last) != 0 {
		t.Errorf("asks about %v after the removal, and remembers %v", got, last)
	}
}
