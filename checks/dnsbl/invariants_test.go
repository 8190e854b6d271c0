package dnsbl

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// Whatever lists, resolvers and targets do, in whatever order the answers come:
//
//   - Unknown, refused and unusable never open, worsen or close anything about a
//     target (invariant 1): a Problem stands on an entry, an OK on its absence.
//   - No answer outside 127/8, no refusal code, and no answer of a list that failed
//     its controls is ever a listing (invariant 2).
//   - Every pair is told and counted once.
//
// The oracle looks at the literal answers given, not at how the check read them.
func TestInvariants(t *testing.T) {
	answers := []string{"none", "none", "127.0.0.2", "127.0.0.3", "127.0.0.2 127.0.0.3", "127.0.0.1", "127.255.255.254", "127.0.0.2 127.255.255.252",
		"203.0.113.9", "127.0.0.2 203.0.113.9", "empty", "gone", "timeout", "servfail", "refused", "unreachable"}
	rapid.Check(t, func(t *rapid.T) {
		var zones []blocklists.Zone
		for i := range rapid.IntRange(1, 4).Draw(t, "lists") {
			z := list4(fmt.Sprintf("l%d", i))
			if rapid.IntRange(0, 4).Draw(t, "controls") == 0 {
				z.Controls = blocklists.Controls{}
			}
			zones = append(zones, z)
		}
		var targets []checks.Target
		a := netip.MustParseAddr("192.0.2.10")
		for range rapid.IntRange(1, 5).Draw(t, "targets") {
			targets = append(targets, checks.Address(a))
			a = a.Next()
		}
		knownSeed := rapid.Uint64().Draw(t, "known")
		known := func(k checks.Key) bool { return len(k.Target+k.Source)*7%3 == int(knownSeed%3) || knownSeed%5 == 0 }
		confirm := time.Duration(rapid.IntRange(0, 1).Draw(t, "confirm"))

		// given holds every answer about a name, in order.
		given := map[string][]string{}
		asker := &script{window: rapid.IntRange(0, 9).Draw(t, "window"), rand: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))}
		asker.answer = func(q probes.Question, nth int) (probes.Answer, error) {
			says := "none"
			switch control := controlOf(q.Name); {
			case q.Type == probes.TypeTXT:
				return probes.Answer{RCode: "NOERROR", Records: []probes.Record{{Text: "why"}}}, nil
			case q.Type == probes.TypeSOA:
				says = rapid.SampledFrom([]string{"empty", "gone", "timeout", "refused"}).Draw(t, q.String())
			case control != "" && rapid.IntRange(0, 3).Draw(t, "control of "+q.Name) > 0:
				says = control
			default:
				says = rapid.SampledFrom(answers).Draw(t, q.String())
			}
			given[q.Name] = append(given[q.Name], says)
			return literally(says, q.Name)
		}
		working := map[checks.Key]bool{} // the list had passed all its controls when the finding came
		got := runWatched(t.Context(), Check{Asker: asker, Zones: zones, Options: Options{Confirm: confirm}}, known, func(f checks.Finding) {
			if i := slices.IndexFunc(zones, func(z blocklists.Zone) bool { return z.ID == f.Key.Source }); i >= 0 {
				working[f.Key] = passed(zones[i], given)
			}
		}, targets...)
		if got.err != nil {
			t.Fatal(got.err)
		}

		for _, f := range got.findings {
			if f.Target.Kind != checks.KindAddress {
				continue
			}
			zone := zones[slices.IndexFunc(zones, func(z blocklists.Zone) bool { return z.ID == f.Key.Source })]
			said := given[zone.QueryName(f.Target.Addr)]
			context := fmt.Sprintf("%s %s on %s: answers %q, controls %q %q", f.Status, f.Target, zone.ID, said, given["2.0.0.127."+zone.Zone+"."], given["1.0.0.127."+zone.Zone+"."])
			switch f.Status {
			case checks.Problem:
				last := said[len(said)-1]
				if last != "127.0.0.2" && last != "127.0.0.3" && last != "127.0.0.2 127.0.0.3" || !working[f.Key] {
					t.Errorf("no entry of a working list: %s", context)
				}
				if confirm > 0 && !known(f.Key) && (len(said) != 2 || said[0] == "none") {
					t.Errorf("not confirmed: %s", context)
				}
			case checks.OK:
				if last := said[len(said)-1]; last != "none" && last != "empty" && last != "gone" || !working[f.Key] || !known(f.Key) || !zone.Controls.Listed4.IsValid() {
					t.Errorf("not proved clean: %s", context)
				}
			case checks.Unknown:
				if f.Severity != "" || f.Code != checks.CodeNoAnswer {
					t.Errorf("unknown with severity %q, code %s", f.Severity, f.Code)
				}
			}
		}
		if want := len(zones) * len(targets); len(got.each) != want {
			t.Errorf("told of %d pairs, want %d", len(got.each), want)
		}
		for _, l := range got.result.Lists {
			if l.Pairs() != len(targets) {
				t.Errorf("%s: %d pairs counted, want %d: %+v", l.ID, l.Pairs(), len(targets), l.Counts)
			}
		}
		if codes := got.codes(); got.result.Blind && (!slices.Contains(codes, "monitor.resolver") || slices.Contains(codes, "list.unknown")) || !got.result.Blind && slices.Contains(codes, "monitor.resolver") {
			t.Errorf("blind, and told %v", codes)
		}
	})
}

// controlOf is what a working list answers to the name, if it is a control.
func controlOf(name string) string {
	switch {
	case len(name) > 10 && name[:10] == "2.0.0.127.":
		return "127.0.0.2"
	case len(name) > 10 && name[:10] == "1.0.0.127.":
		return "none"
	case len(name) > 9 && name[len(name)-9:] == ".invalid.":
		return "none"
	}
	return ""
}

// passed says whether every control of the list was answered as it must be,
// every time it was asked.
func passed(zone blocklists.Zone, given map[string][]string) bool {
	for _, said := range given["2.0.0.127."+zone.Zone+"."] {
		if said != "127.0.0.2" && said != "127.0.0.3" && said != "127.0.0.2 127.0.0.3" {
			return false
		}
	}
	for _, said := range given["1.0.0.127."+zone.Zone+"."] {
		if said != "none" && said != "empty" && said != "gone" {
			return false
		}
	}
	return true
}

func literally(says, name string) (probes.Answer, error) {
	switch says {
	case "none":
		return no(name[len("2.0.0.127."):]), nil
	case "gone":
		return no("."), nil
	case "empty":
		return probes.Answer{RCode: "NOERROR"}, nil
	case "timeout":
		return probes.Answer{}, probes.ErrTimeout
	case "servfail":
		return probes.Answer{}, probes.ErrServFail
	case "refused":
		return probes.Answer{}, probes.ErrRefused
	case "unreachable":
		return probes.Answer{}, probes.ErrUnreachable
	}
	return yes(strings.Fields(says)...), nil
}
