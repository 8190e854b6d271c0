package daemon

import (
	"testing"
	"time"

	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/probes/probestest"
)

// TestAScorePlanIsWhatIsAsked is the same for scores.
func TestAScorePlanIsWhatIsAsked(t *testing.T) {
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Outbound = []config.Outbound{{Pool: "bulk", Addresses: []string{"198.51.100.0/28"}, Domains: []string{"example.org"}}}
	})
	if len(r.raters.scores.Scores) == 0 {
		t.Fatal("the rig asks no score: this test sees nothing")
	}
	for _, s := range r.raters.scores.Scores {
		r.world.Lists.AddZone(probestest.Zone{Name: s.Zone, NoControls: true})
	}
	loads := r.raters.scores.Loads(time.Now(), r.watch.Load().targets.All())
	if err := r.askScores(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	for i, s := range r.raters.scores.Scores {
		// Packets that are sent again count at the server, so that it may be a few more.
		if asked, planned := r.world.Lists.Asked(s.Zone).All, loads[i].Questions+loads[i].Controls; planned == 0 || asked < planned || asked > 2*planned {
			t.Errorf("%s: %d planned, %d asked", s.ID, planned, asked)
		}
	}
}
