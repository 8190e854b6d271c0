package dnsbl

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

// Every way in which a list, a resolver or somebody on the path is known to lead a
// client astray, each over a real socket: what is then said of an address that is listed and
// of one that is not, and of the list itself. "Right" is what the list knows; in every other row
// nothing is said of either address.
func TestTraps(t *testing.T) {
	const listedAddr, cleanAddr = "192.0.2.10", "192.0.2.11"
	right := [2]blocklists.Class{blocklists.Listed, blocklists.Clean}
	refused := [2]blocklists.Class{blocklists.Refused, blocklists.Refused}
	unusable := [2]blocklists.Class{blocklists.Unusable, blocklists.Unusable}
	unknown := [2]blocklists.Class{blocklists.Unknown, blocklists.Unknown}
	turned := [2]blocklists.Class{blocklists.Unknown, ""} // it said "listed", and then did not work any more
	for trap, c := range map[string]struct {
		zone  probestest.Zone
		want  [2]blocklists.Class // of the listed address and of the other
		state State
	}{
		"no trap": {probestest.Zone{}, right, Working},

		// Lists that list the world or nobody.
		"lists the world, by a wildcard":         {probestest.Zone{Mode: probestest.ZoneWildcard}, unusable, Unusable},
		"lists the world, with 127.0.0.2":        {probestest.Zone{Mode: probestest.ZoneListWorld}, unusable, Unusable},
		"parked: a public address for all names": {probestest.Zone{Mode: probestest.ZoneParked}, unusable, Unusable},
		"dead: the zone is gone":                 {probestest.Zone{Mode: probestest.ZoneDead}, unusable, Unusable},

		// Lists, and resolvers, that do not let us know.
		"refusal by a code":                 {probestest.Zone{Mode: probestest.ZoneRefusalCode}, refused, Refused},
		"refusal by NXDOMAIN for all names": {probestest.Zone{Mode: probestest.ZoneEmpty}, refused, Refused},
		"refusal by REFUSED":                {probestest.Zone{Mode: probestest.ZoneRefused}, refused, Refused},
		"a resolver that hides 127/8":       {probestest.Zone{Mode: probestest.ZoneHidden}, refused, Refused},
		"SERVFAIL":                          {probestest.Zone{Mode: probestest.ZoneServFail}, unknown, Unknown},
		"a referral in place of an answer":  {probestest.Zone{Mode: probestest.ZoneReferral}, unknown, Unknown},
		"mute":                              {probestest.Zone{Mode: probestest.ZoneMute}, unknown, Unknown},

		// Lists that tell the truth in a way that trips a careless client.
		"TC: the answer is to be had over TCP":  {probestest.Zone{Mode: probestest.ZoneTruncate}, right, Working},
		"FORMERR to EDNS":                       {probestest.Zone{Mode: probestest.ZoneNoEDNS}, right, Working},
		"the entry at the end of a CNAME chain": {probestest.Zone{Mode: probestest.ZoneCNAME}, right, Working},
		"the name in other letters":             {probestest.Zone{Mode: probestest.ZoneCaseFlip}, right, Working},
		"the first packet is lost":              {probestest.Zone{Mode: probestest.ZoneLossy}, right, Working},

		// Somebody else's packets before the answer, each saying the opposite.
		"garbage":                   {probestest.Zone{Mode: probestest.ZoneGarbageFirst}, right, Working},
		"cut off in the middle":     {probestest.Zone{Mode: probestest.ZoneCutFirst}, right, Working},
		"forged, with another id":   {probestest.Zone{Mode: probestest.ZoneForgedID}, right, Working},
		"forged, for another name":  {probestest.Zone{Mode: probestest.ZoneForgedName}, right, Working},
		"forged, for another type":  {probestest.Zone{Mode: probestest.ZoneForgedType}, right, Working},
		"forged, without QR":        {probestest.Zone{Mode: probestest.ZoneForgedQR}, right, Working},
		"forged, from another port": {probestest.Zone{Mode: probestest.ZoneForgedPort}, right, Working},

		// Lists that turn bad in the middle of a round, after their controls have passed. Whether "clean"
		// came before or after that is chance; nothing is told of it either way.
		"turns to listing the world": {probestest.Zone{Then: probestest.ZoneListWorld, After: turnsAfter}, turned, Unusable},
		"turns to a wildcard":        {probestest.Zone{Then: probestest.ZoneWildcard, After: turnsAfter}, turned, Unusable},
		"turns to being parked":      {probestest.Zone{Then: probestest.ZoneParked, After: turnsAfter}, turned, Unusable},
		"turns to refusing":          {probestest.Zone{Then: probestest.ZoneRefusalCode, After: turnsAfter}, turned, Refused},
		"turns to listing nobody":    {probestest.Zone{Then: probestest.ZoneEmpty, After: turnsAfter}, turned, Refused},
		"turns to being gone":        {probestest.Zone{Then: probestest.ZoneDead, After: turnsAfter}, turned, Unusable},
		"turns mute":                 {probestest.Zone{Then: probestest.ZoneMute, After: turnsAfter}, turned, Unknown},
	} {
		t.Run(trap, func(t *testing.T) {
			t.Parallel()
			// The listed address comes first, so that its answer is had before a list turns bad.
			targets := []checks.Target{addr(listedAddr), addr(cleanAddr)}
			for i := range 20 {
				targets = append(targets, addr(fmt.Sprintf("198.51.100.%d", i)))
			}
			for name, known := range map[string]func(checks.Key) bool{"nothing known": none, "all known": all} {
				c.zone.Name = "bl.example"
				d := probestest.StartDNS(t, c.zone, probestest.Zone{Name: "second.example"}, probestest.Zone{Name: "third.example"})
				d.SetListed("bl.example", listedAddr, "")
				patient := resolver(t, d, probes.ResolverOptions{Timeout: time.Minute})
				var asker Asker = patient
				switch {
				case c.zone.Mode == probestest.ZoneMute || c.zone.Then == probestest.ZoneMute:
					hasty := resolver(t, d, probes.ResolverOptions{Timeout: 30 * time.Millisecond, Tries: 1})
					asker = impatient{group: "Operator of bl", with: hasty, patient: patient}
				case c.zone.After > 0: // one question after the other, so that they come to the list in order
					asker = impatient{with: patient, patient: patient}
				}
				got := runCheck(t.Context(), Check{Asker: asker, Zones: []blocklists.Zone{list4("bl"), list4("second"), list4("third")}}, known, targets...)
				if got.err != nil {
					t.Fatal(got.err)
				}
				for i, a := range []string{listedAddr, cleanAddr} {
					v := got.each[checks.Key{Check: "dnsbl", Target: a, Source: "bl"}]
					if v.Class != c.want[i] && c.want[i] != "" {
						t.Errorf("%s: %s is %s (%s), want %s", name, a, v.Class, v.Why, c.want[i])
					}
				}
				for key, v := range got.each {
					if key.Source == "bl" && v.Class == blocklists.Listed && key.Target != listedAddr {
						t.Errorf("%s: %s is called listed", name, key.Target)
					}
				}
				for _, f := range got.findings {
					if f.Key.Source == "bl" && f.Status != checks.Unknown && c.want != right {
						t.Errorf("%s: told %s: %s", name, f.Status, f.Summary)
					}
				}
				if c.zone.Mode == probestest.ZoneHidden && !strings.Contains(got.list("bl").Why, "private-address of unbound") {
					t.Errorf("%s: it is not said what hides the entries: %s", name, got.list("bl").Why)
				}
				if l := got.list("bl"); l.State != c.state || l.Pairs() != len(targets) {
					t.Errorf("%s: list %s (%s), %d pairs; want %s", name, l.State, l.Why, l.Pairs(), c.state)
				}
			}
		})
	}
}

// turnsAfter is more than the two controls and the first target, and less than all.
const turnsAfter = 8
