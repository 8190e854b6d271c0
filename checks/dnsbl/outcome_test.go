package dnsbl

import (
	"fmt"
	"iter"
	"net/netip"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

func TestWhatAnAnswerCountsFor(t *testing.T) {
	zone := list4("bl")
	own := no("bl.example.")
	own.Authoritative = true
	heir := no("example.")
	heir.Authoritative = true
	proved := standing{state: Working, proved: true}
	for name, c := range map[string]struct {
		stands standing
		answer probes.Answer
		err    error
		want   blocklists.Class
		proved bool
	}{
		"an entry":                                {proved, yes("127.0.0.2"), nil, blocklists.Listed, false},
		"an entry without controls":               {standing{state: Working}, yes("127.0.0.2"), nil, blocklists.Listed, false},
		"none":                                    {proved, no("bl.example."), nil, blocklists.Clean, true},
		"no records":                              {proved, probes.Answer{RCode: "NOERROR"}, nil, blocklists.Clean, true},
		"none, without controls":                  {standing{state: Working}, no("bl.example."), nil, blocklists.Clean, false},
		"none, said by its own servers":           {standing{state: Working}, own, nil, blocklists.Clean, true},
		"none, said by its parent's servers":      {standing{state: Working}, heir, nil, blocklists.Clean, false},
		"an entry after it began to refuse":       {standing{state: Refused}, yes("127.0.0.2"), nil, blocklists.Refused, false},
		"none after it began to refuse":           {standing{state: Refused, proved: true}, own, nil, blocklists.Refused, false},
		"an entry after it began to list all":     {standing{state: Unusable}, yes("127.0.0.2"), nil, blocklists.Unusable, false},
		"an entry after it fell silent":           {standing{state: Unknown}, yes("127.0.0.2"), nil, blocklists.Unknown, false},
		"a name too long for the DNS":             {proved, probes.Answer{}, probes.ErrName, blocklists.Unknown, false},
		"an error of somebody who breaks promise": {proved, yes("127.0.0.2"), fmt.Errorf("odd"), blocklists.Unknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			v, ok := read(&zone, &c.stands, c.answer, c.err)
			if v.Class != c.want || ok && v.Class == blocklists.Clean != c.proved || v.Class == blocklists.Clean && ok != c.proved {
				t.Errorf("got %s, proved %v; want %s, %v", v.Class, ok, c.want, c.proved)
			}
		})
	}
}

func TestACachedAnswerDoesNotShortenTheWait(t *testing.T) {
	zone := list4("bl")
	cached := no("bl.example.")
	cached.SOA.Minimum, cached.SOA.Ceiling = 3*time.Second, 10*time.Minute // three seconds left of ten minutes
	zero := no("bl.example.")
	zero.SOA.Minimum, zero.SOA.Ceiling = 0, 0
	for name, c := range map[string]struct {
		answer  probes.Answer
		longest time.Duration
		want    time.Duration
	}{
		"what is left in a cache":     {cached, 0, 10 * time.Minute},
		"another answer showed more":  {cached, time.Hour, time.Hour},
		"not cached at all":           {zero, 0, time.Second},
		"no SOA, but seen before":     {probes.Answer{RCode: "NXDOMAIN"}, time.Minute, time.Minute},
		"no SOA at all":               {probes.Answer{RCode: "NXDOMAIN"}, 0, unknownSettle},
		"a parent's SOA says nothing": {no("example."), 0, unknownSettle},
	} {
		t.Run(name, func(t *testing.T) {
			if got := settle(&zone, c.answer, c.longest); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestOfTwoNamesOneSpeaksForTheDomain(t *testing.T) {
	of := func(c blocklists.Class) outcome { return outcome{verdict: blocklists.Verdict{Class: c}, proved: true} }
	order := []blocklists.Class{blocklists.Clean, blocklists.Good, blocklists.Unknown, blocklists.Refused, blocklists.Unusable, blocklists.Informational, blocklists.Policy, blocklists.Listed}
	for i, low := range order {
		for _, high := range order[i:] {
			if a, b := graver(of(low), of(high)), graver(of(high), of(low)); a.verdict.Class != high || b.verdict.Class != high {
				t.Errorf("%s and %s: got %s, %s", low, high, a.verdict.Class, b.verdict.Class)
			}
		}
	}
	unproved := of(blocklists.Clean)
	unproved.proved = false
	if graver(of(blocklists.Clean), unproved).proved || graver(unproved, of(blocklists.Clean)).proved {
		t.Error("half a proof was taken for a whole one")
	}
}

func TestAFamilyWithoutItsTestEntryIsAloneInThat(t *testing.T) {
	zone := list4("bl")
	zone.Families, zone.Controls = []blocklists.Family{blocklists.IPv4, blocklists.IPv6}, blocklists.RFC5782Controls(blocklists.IPv4, blocklists.IPv6)
	d := probestest.StartDNS(t, probestest.Zone{Name: "bl.example"})
	d.Delist("bl.example", "::ffff:127.0.0.2")
	got := runCheck(t.Context(), Check{Asker: resolver(t, d, probes.ResolverOptions{}), Zones: []blocklists.Zone{zone}}, all, addr("192.0.2.10"), addr("2001:db8::25"))
	for target, want := range map[string]checks.Status{"192.0.2.10": checks.OK, "2001:db8::25": checks.Unknown} {
		if fs := got.about(target); len(fs) != 1 || fs[0].Status != want {
			t.Errorf("%s: %+v, want %s", target, fs, want)
		}
	}
	if l := got.list("bl"); l.State != Refused || l.Clean != 1 || l.Refused != 1 {
		t.Errorf("list %+v", l)
	}
}

// many counts off addresses and says how many it has given out.
func many(n int, drawn *int) iter.Seq[checks.Target] {
	return func(yield func(checks.Target) bool) {
		a := netip.MustParseAddr("10.0.0.0")
		for range n {
			*drawn++
			if !yield(checks.Address(a)) {
				return
			}
			a = a.Next()
		}
	}
}

// working is an asker for lists that work and hold nothing else.
func working(window int) *script {
	return &script{window: window, answer: func(q probes.Question, _ int) (probes.Answer, error) {
		if controlOf(q.Name) == "127.0.0.2" {
			return yes("127.0.0.2"), nil
		}
		return no("bl.example."), nil
	}}
}

func TestTargetsAreDrawnOnlyAsAnswersCome(t *testing.T) {
	const targets, lists, window = 300, 5, 8
	var zones []blocklists.Zone
	for i := range lists {
		zones = append(zones, list4(fmt.Sprintf("l%d", i)))
	}
	drawn, done, most, last := 0, 0, 0, 0
	check := Check{Asker: working(window), Zones: zones, Options: Options{Progress: func(n, total int) {
		if total != targets*lists || n != done+1 {
			t.Errorf("progress %d of %d after %d", n, total, done)
		}
		done = n
		// Each list draws every target once, after the first walk.
		most = max(most, drawn-targets-done)
		last = n
	}}}
	if _, err := check.Run(t.Context(), runAt, many(targets, &drawn), nil, nil); err != nil {
		t.Fatal(err)
	}
	if most > window+lists+1 || last != targets*lists {
		t.Errorf("up to %d pairs were held, want at most %d; %d done", most, window+lists+1, last)
	}
}

func BenchmarkPair(b *testing.B) {
	var zones []blocklists.Zone
	for i := range 60 {
		zones = append(zones, list4(fmt.Sprintf("l%d", i)))
	}
	b.ReportAllocs()
	drawn := 0
	asker := &plain{}
	res, err := Check{Asker: asker, Zones: zones}.Run(b.Context(), runAt, many(max(1, b.N/60), &drawn), nil, nil)
	if err != nil || res.Lists[0].Clean == 0 {
		b.Fatal(err, res.Lists[0])
	}
}
