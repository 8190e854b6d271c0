package daemon

import (
	"fmt"
	"log/slog"
	"net/netip"
	"testing"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/reliability"
	"reputed/internal/store"
	"reputed/probes/probestest"
)

// A fifth of all questions is lost, and every address comes to be listed on every list: the round misses none, and none is called gone
// by those that follow.
func TestLossHidesNoListing(t *testing.T) {
	if testing.Short() {
		t.Skip("what is lost is waited for")
	}
	var pool []netip.Addr
	for addr := lab.OurAddress; len(pool) < faultPool; addr = addr.Next() {
		pool = append(pool, addr)
	}
	r := newRigLogging(t, slog.New(slog.DiscardHandler), func(cfg *config.Config, _ *lab.World) {
		for _, addr := range pool[1:] {
			cfg.Outbound[0].Addresses = append(cfg.Outbound[0].Addresses, addr.String())
		}
	})
	r.mustRound()
	for _, z := range r.zones {
		for _, addr := range pool {
			r.world.Lists.SetListed(z.Zone, addr.String(), "", netip.MustParseAddr("127.0.0.2"))
		}
	}
	standing := func() (n int) {
		all, err := r.db.Standings(t.Context(), store.StandingFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if _, err := netip.ParseAddr(s.Key.Target); err == nil {
				n++
			}
		}
		return n
	}
	r.mode(probestest.ZoneLossFifth)
	r.mustRound()
	found := standing()
	r.mustRound()
	r.mustRound()
	gone := 0
	all, _, err := r.db.History(t.Context(), store.TransitionFilter{Check: "dnsbl"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range all {
		if _, err := netip.ParseAddr(tr.Key.Target); err == nil && tr.Status == checks.OK {
			gone++
			t.Errorf("called gone: %s on %s", tr.Key.Target, tr.Key.Source)
		}
	}
	r.mode(probestest.ZoneNormal)
	r.mustRound()
	listings := standing()
	if found != listings || listings < 20*len(pool) {
		t.Errorf("%d listings were found with the loss, %d without", found, listings)
	}
	reliability.Record(t, reliability.Row{Area: reliability.DNS, Fault: "20 % of all questions are lost in a round of the daemon", Tries: listings, Unit: "listings",
		Promised: "none missed in that round, none called gone in the next", Seen: fmt.Sprintf("%d missed, %d called gone", listings-found, gone)})
}
