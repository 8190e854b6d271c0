package dnsbl

import (
	"testing"
	"testing/synctest"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// A bounce that names the list is the second witness: nobody waits for another.
func TestWhatABounceNamedIsNotAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		named checks.Key
		waits time.Duration
	}{
		"named":                          {checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "bl"}, 0},
		"another list was named":         {checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "other"}, 15 * time.Second},
		"another target was named there": {checks.Key{Check: "dnsbl", Target: "192.0.2.11", Source: "bl"}, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asker := &script{answer: history(map[string][2]string{positive: {"127.0.0.2", "127.0.0.2"}, question: {"127.0.0.4", "127.0.0.4"}})}
				start := time.Now()
				got := runCheck(t.Context(), Check{Asker: asker, Zones: []blocklists.Zone{list4("bl")},
					Options: Options{Confirm: 15 * time.Second, Named: func(k checks.Key) bool { return k == c.named }}}, none, addr("192.0.2.10"))
				if fs := got.about("192.0.2.10"); len(fs) != 1 || fs[0].Code != checks.CodeListed {
					t.Fatalf("told %+v, want the listing", fs)
				}
				if waited := time.Since(start); waited != c.waits {
					t.Errorf("waited %v, want %v", waited, c.waits)
				}
			})
		})
	}
}
