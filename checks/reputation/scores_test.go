package reputation

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

// rated asks the scores at a server about one address and gives what they said, and how they did.
func rated(t *testing.T, server *probestest.DNS, ids ...string) (map[string]Reading, map[string]ScoreResult) {
	t.Helper()
	catalog, err := blocklists.BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	var scores []blocklists.Score
	for _, s := range catalog.Scores {
		if slices.Contains(ids, s.ID) {
			scores = append(scores, s)
		}
	}
	resolver, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{server.Addr().String()}, Timeout: time.Second, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	readings, results := map[string]Reading{}, map[string]ScoreResult{}
	list, err := Scores{Asker: resolver, Scores: scores}.Ask(context.Background(), begin, slices.Values([]checks.Target{ours}), func(r Reading) { readings[r.Source] = r })
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		results[r.ID] = r
	}
	return readings, results
}

func world(t *testing.T) *probestest.DNS {
	t.Helper()
	d, err := probestest.NewDNS(
		probestest.Zone{Name: "score.senderscore.com", NoControls: true}, probestest.Zone{Name: "rep.mailspike.net", NoControls: true},
		probestest.Zone{Name: "list.dnswl.org", NoControls: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestScoresAreRead(t *testing.T) {
	d := world(t)
	set := func(zone, code string) {
		d.SetListed(zone, "192.0.2.10", "", netip.MustParseAddr(code))
	}
	set("score.senderscore.com", "127.0.4.62")
	set("rep.mailspike.net", "127.0.0.19")
	readings, results := rated(t, d, "senderscore", "mailspike-rep", "dnswl")
	for id, want := range map[string]struct {
		value string
		level Level
	}{"senderscore": {"62, poor", Poor}, "mailspike-rep": {"19, very good", Good}, "dnswl": {"no entry", None}} {
		if got := readings[id]; got.Value != want.value || got.Level != want.level || got.Evidence.Question == "" {
			t.Errorf("%s: got %q %s, want %q %s", id, got.Value, got.Level, want.value, want.level)
		}
		if results[id].State != Working || results[id].Answered != 1 {
			t.Errorf("%s: %+v", id, results[id])
		}
	}
}

// Over the quota an operator gives refusal codes, or praise for everybody: neither is a rating.
func TestOverQuotaIsNoRating(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(d *probestest.DNS)
		id     string
		state  State
	}{
		"a refusal code": {func(d *probestest.DNS) { d.SetMode("score.senderscore.com", probestest.ZoneRefusalCode) }, "senderscore", Refused},
		"the operator's own code": {func(d *probestest.DNS) {
			d.SetListed("list.dnswl.org", "192.0.2.10", "", netip.MustParseAddr("127.0.0.255"))
		}, "dnswl", Refused},
		"the rcode": {func(d *probestest.DNS) { d.SetMode("score.senderscore.com", probestest.ZoneRefused) }, "senderscore", Refused},
		"praise for who cannot exist": {func(d *probestest.DNS) {
			d.SetListed("list.dnswl.org", "127.0.0.1", "", netip.MustParseAddr("127.0.10.3"))
		}, "dnswl", Refused},
		"a parked zone":                 {func(d *probestest.DNS) { d.SetMode("score.senderscore.com", probestest.ZoneParked) }, "senderscore", Unusable},
		"no answer":                     {func(d *probestest.DNS) { d.SetMode("score.senderscore.com", probestest.ZoneServFail) }, "senderscore", Unknown},
		"a resolver that invents names": {func(d *probestest.DNS) { d.SetMode(".", probestest.ZoneParked) }, "senderscore", Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			d := world(t)
			c.break_(d)
			readings, results := rated(t, d, c.id)
			if len(readings) > 0 || results[c.id].State != c.state {
				t.Errorf("got %v, %+v, want no reading and %s", readings, results[c.id], c.state)
			}
			f, told := results[c.id].Finding(begin)
			if told != (c.state == Refused || c.state == Unusable) || told && (f.Status != checks.Problem || f.Facts[checks.FactInstruction] == "") {
				t.Errorf("told %v: %+v", told, f)
			}
		})
	}
}

func TestTheKeyOfAScoreIsNotTold(t *testing.T) {
	const key = "k3yc4n4ryk3y"
	catalog, err := blocklists.BuiltinCatalog()
	if err != nil {
		t.Fatal(err)
	}
	d, err := probestest.NewDNS(probestest.Zone{Name: "white.mail.abusix.zone", NoControls: true, Mode: probestest.ZoneServFail})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	for _, s := range catalog.Scores {
		if s.ID != "abusix-white" {
			continue
		}
		if s, err = s.WithKey(key); err != nil {
			t.Fatal(err)
		}
		resolver, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{d.Addr().String()}, Tries: 1})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := Scores{Asker: resolver, Scores: []blocklists.Score{s}}.Ask(context.Background(), begin, slices.Values([]checks.Target{ours}), func(Reading) {})
		text := got[0].Why + got[0].Evidence.Question + got[0].Evidence.Answer
		if strings.Contains(text, key) || !strings.Contains(text, "<key>") {
			t.Errorf("got %s", text)
		}
	}
}

// With a limit of its operator, the runs of some days together ask about every target, and
// none of them more than its share.
func TestALimitIsKept(t *testing.T) {
	sc := blocklists.Score{ID: "s", Operator: "o", PerDay: 1000}
	s := Scores{Scores: []blocklists.Score{sc}, Span: 6 * time.Hour}
	const total = 4000
	seen := map[int]bool{}
	for run := range 64 {
		from, most := s.part(sc, total, begin.Add(time.Duration(run)*s.Span))
		if most > 125 {
			t.Fatalf("run %d asks %d, want a quarter of half of a day's 1000", run, most)
		}
		for i := from; i < min(from+most, total); i++ {
			seen[i] = true
		}
	}
	if len(seen) != total {
		t.Errorf("asked about %d of %d in 64 runs", len(seen), total)
	}
	if from, most := s.part(blocklists.Score{ID: "s"}, total, begin); from != 0 || most != total {
		t.Errorf("without a limit: %d from %d", most, from)
	}
}
