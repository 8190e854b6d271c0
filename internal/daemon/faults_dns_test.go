package daemon

import (
	"fmt"
	"log/slog"
	"net/netip"
	"testing"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/reliability"
	"reputed/internal/store"
	"reputed/probes/probestest"
)

// dnsFaults are what lists and resolvers do to us. A blinding one hides the truth, through the
// others it can be seen.
var dnsFaults = []struct {
	fault    string
	mode     probestest.ZoneMode
	blinding bool
}{
	{"the first asking of every name is lost", probestest.ZoneLossy, false},
	{"a forged answer with a wrong id comes first", probestest.ZoneForgedID, false},
	{"a forged answer for another name comes first", probestest.ZoneForgedName, false},
	{"a forged answer for another type comes first", probestest.ZoneForgedType, false},
	{"a forged packet that is no answer comes first", probestest.ZoneForgedQR, false},
	{"a forged answer from another port comes first", probestest.ZoneForgedPort, false},
	{"half an answer comes first", probestest.ZoneCutFirst, false},
	{"junk comes before the answer", probestest.ZoneGarbageFirst, false},
	{"letters of the name come back in the other case", probestest.ZoneCaseFlip, false},
	{"every answer over UDP is truncated", probestest.ZoneTruncate, false},
	{"EDNS is answered with FORMERR", probestest.ZoneNoEDNS, false},
	{"entries stand behind two CNAMEs", probestest.ZoneCNAME, false},
	{"silence", probestest.ZoneMute, true},
	{"SERVFAIL", probestest.ZoneServFail, true},
	{"REFUSED", probestest.ZoneRefused, true},
	{"refusal codes, as public resolvers get them", probestest.ZoneRefusalCode, true},
	{"referrals in place of answers", probestest.ZoneReferral, true},
	{"rebinding protection hides 127/8", probestest.ZoneHidden, true},
	{"the zones are gone (NXDOMAIN)", probestest.ZoneDead, true},
	{"the zones are empty, controls too", probestest.ZoneEmpty, true},
	{"a captive portal: every name has a public address", probestest.ZoneParked, true},
	{"the resolver invents an address for every name that does not exist", probestest.ZoneRewriting, true},
	{"the lists list the world", probestest.ZoneListWorld, true},
	{"the lists have a wildcard", probestest.ZoneWildcard, true},
}

// Whatever the lists and the resolver do, before a round or in the middle of one: nothing is called listed that is not,
// nothing listed is called gone, and what can be seen is found.
func TestDNSFaults(t *testing.T) {
	for i, f := range dnsFaults {
		if testing.Short() && i%3 != 0 {
			continue
		}
		// 0 is from the beginning; then after so many questions to each list: within its controls, and among the addresses.
		begins := []int{0, 1, 6, 15}
		if f.mode == probestest.ZoneLossy || f.mode == probestest.ZoneMute {
			begins = []int{6} // each waits for what does not come
		}
		if testing.Short() {
			begins = begins[len(begins)/2:][:1]
		}
		t.Run(f.fault, func(t *testing.T) {
			t.Parallel()
			sum := dnsFaultSum{}
			for _, after := range begins {
				sum.live(t, f.mode, f.blinding, after)
			}
			if testing.Short() {
				return
			}
			promised := "no false listing, none called gone, none missed"
			if f.blinding {
				promised = "no false listing, none called gone, all found once it is over"
			}
			reliability.Record(t, reliability.Row{Area: reliability.DNS, Fault: f.fault + ", from the start and in the middle of a round", Tries: sum.questions, Unit: "verdicts",
				Promised: promised, Seen: fmt.Sprintf("%d false, %d called gone, %d missed", sum.invented, sum.gone, sum.missed)})
		})
	}
}

// dnsFaultSum is what was seen of one fault.
type dnsFaultSum struct{ questions, invented, gone, missed int }

const faultPool = 20 // addresses

// live is one life of the daemon: an address is listed and known, another comes when the fault does.
func (s *dnsFaultSum) live(t *testing.T, mode probestest.ZoneMode, blinding bool, after int) {
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		addr := lab.OurAddress
		for range faultPool - 1 {
			addr = addr.Next()
			cfg.Outbound[0].Addresses = append(cfg.Outbound[0].Addresses, addr.String())
		}
	})
	r.Daemon.log = slog.New(slog.DiscardHandler)
	fresh := func() netip.Addr { // the last address but five
		addr := lab.OurAddress
		for range faultPool - 5 {
			addr = addr.Next()
		}
		return addr
	}()
	const other = "psbl"
	truth := map[string]bool{"spamcop " + lab.OurAddress.String(): true, other + " " + fresh.String(): true}
	r.mustRound()
	r.world.ListAtSpamCop()
	r.mustRound()
	was := r.only("listed")

	r.world.Lists.SetListed("psbl.surriel.com", fresh.String(), "")
	for _, z := range r.zones {
		r.turn(z.Zone, after, mode)
	}
	if resolver := mode == probestest.ZoneParked || mode == probestest.ZoneRewriting; resolver {
		r.turn(".", min(after, 1), mode) // it does so to every name
	}
	rounds := func(n int) {
		for range n {
			r.mustRound()
			s.questions += faultPool * len(r.zones)
			s.standing(t, r, truth, was.ID)
		}
	}
	rounds(2)
	found := func() bool {
		all, err := r.db.Standings(t.Context(), store.StandingFilter{Target: fresh.String(), Source: other})
		if err != nil {
			t.Fatal(err)
		}
		return len(all) == 1
	}
	if !blinding && !found() {
		s.missed++
		t.Errorf("after %d questions: a listing was missed that could be seen", after)
	}
	r.mode(probestest.ZoneNormal)
	r.world.Lists.SetMode(".", probestest.ZoneNormal)
	rounds(2)
	if blinding && !found() {
		s.missed++
		t.Errorf("after %d questions: the fault is over, and the listing is not found", after)
	}
}

// turn lets a zone turn to a mode after so many questions more, or at once.
func (r *rig) turn(zone string, after int, mode probestest.ZoneMode) {
	if after == 0 {
		r.world.Lists.SetMode(zone, mode)
		return
	}
	r.world.Lists.Turn(zone, after, mode)
}

// standing looks for what is called listed or gone and is not.
func (s *dnsFaultSum) standing(t *testing.T, r *rig, truth map[string]bool, was int64) {
	t.Helper()
	all, _, err := r.db.History(t.Context(), store.TransitionFilter{Check: "dnsbl"})
	if err != nil {
		t.Fatal(err)
	}
	invented, gone := 0, 0
	defer func() { s.invented, s.gone = max(s.invented, invented), max(s.gone, gone) }()
	for _, tr := range all {
		if _, err := netip.ParseAddr(tr.Key.Target); err != nil {
			continue // about a list, or about our own resolver
		}
		listed := truth[tr.Key.Source+" "+tr.Key.Target]
		if tr.Status == checks.Problem && !listed {
			invented++
			t.Errorf("false: %s on %s: %s", tr.Key.Target, tr.Key.Source, tr.Summary)
		}
		if tr.Status == checks.OK && listed {
			gone++
			t.Errorf("called gone: %s on %s: %s", tr.Key.Target, tr.Key.Source, tr.Summary)
		}
	}
	for _, inc := range r.open() {
		if inc.ID == was {
			return
		}
	}
	gone++
	t.Errorf("the incident of the listing has ended: open are %v", daemontest.Titles(r.open()))
}
