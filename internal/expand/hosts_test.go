package expand

import (
	"fmt"
	"testing"
	"time"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/probes"
	"reputed/probes/probestest"
)

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
	var h HostNames
	walk := func(at time.Time, words ...string) (asked int) {
		t.Helper()
		ts, err := checks.ParseTargets(words...)
		if err != nil {
			t.Fatal(err)
		}
		before := d.Asked("in-addr.arpa").All
		if err := h.Find(t.Context(), asker, Reversible(cfg, ts.All()), ours, at); err != nil || h.Owed {
			t.Fatalf("owed %v, %v", h.Owed, err)
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
	if names, left := h.Names(Reversible(cfg, ts.All())); len(names) != MaxHostNames || left != 256 {
		t.Errorf("%d names are asked about and %d left, want %d and 256", len(names), left, MaxHostNames)
	}
	n := 0
	wide, err := checks.ParseTargets("198.18.0.0/15")
	if err != nil {
		t.Fatal(err)
	}
	for range Reversible(cfg, wide.All()) {
		n++
	}
	if n != MaxReverse {
		t.Errorf("%d addresses of a /15 are looked up, want %d", n, MaxReverse)
	}
}
