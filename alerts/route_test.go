package alerts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// in is a finding about an address of a pool.
func in(pool string, f checks.Finding, tags ...string) checks.Finding {
	f.Target.Pool, f.Target.Tags = pool, tags
	return f
}

// An incident over several pools is told by the owner of each: which route is the first is asked of each finding.
func TestAnIncidentIsToldByAllWhomItsFindingsName(t *testing.T) {
	bad := func(pool, address, list string, tags ...string) Member {
		return Member{Finding: in(pool, listing(address, list, checks.Problem, checks.Major), tags...)}
	}
	bounced := Member{Finding: refusal("192.0.2.1", "microsoft", checks.Problem, checks.Major)} // of an address and no pool
	over := bad("mail", "192.0.2.3", "zen")
	over.Clear = true
	routes := []Route{
		{Pools: []string{"bulk"}, Lists: []string{"psbl"}},
		{Pools: []string{"bulk"}, Channels: []string{"bulk-team", "chat"}},
		{Pools: []string{"mail"}, Severities: []checks.Severity{checks.Critical}, Channels: []string{"pager"}},
		{Pools: []string{"mail"}, Classes: []Class{Notice}, Channels: []string{"mail-team"}},
		{Tags: []string{"vip"}, Lists: []string{"zen"}, Channels: []string{"vip-team"}},
		{Pools: []string{"lab"}},
	}
	for name, c := range map[string]struct {
		members []Member
		none    bool // no channels by default
		want    string
	}{
		"each pool by its own route, each channel once":    {[]Member{bad("bulk", "192.0.2.1", "zen"), bad("mail", "192.0.2.3", "zen"), bad("bulk", "192.0.2.2", "zen")}, false, "bulk-team+chat+mail-team"},
		"what no route fits, by the default":               {[]Member{bad("mail", "192.0.2.3", "zen"), bad("else", "192.0.2.4", "zen")}, false, "chat+mail-team"},
		"for one finding the first that fits, and no more": {[]Member{bad("bulk", "192.0.2.1", "zen", "vip")}, false, "bulk-team+chat"},
		"all keys of a route have to fit one finding":      {[]Member{bad("else", "192.0.2.4", "psbl", "vip"), bad("else", "192.0.2.5", "zen")}, false, "chat"},
		"and they do":                             {[]Member{bad("else", "192.0.2.4", "zen", "vip")}, false, "vip-team"},
		"a muted pool mutes nobody else":          {[]Member{bad("lab", "192.0.2.6", "zen"), bad("mail", "192.0.2.3", "zen")}, false, "mail-team"},
		"all of it muted":                         {[]Member{bad("lab", "192.0.2.6", "zen"), bad("bulk", "192.0.2.1", "psbl")}, false, ": route 6 sends it to no channel"},
		"muted, and none by default":              {[]Member{bad("else", "192.0.2.4", "zen"), bad("lab", "192.0.2.6", "zen")}, true, ": no channel is configured to tell"},
		"who is clean again is not told":          {[]Member{bad("bulk", "192.0.2.1", "zen"), over}, false, "bulk-team+chat"},
		"but of what is all clean":                {[]Member{over}, false, "mail-team"},
		"a refusal is of the pool of its address": {[]Member{bad("mail", "192.0.2.1", "zen"), bounced}, false, "mail-team"},
		"and of none where nobody knows one":      {[]Member{bounced}, false, "chat"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Policy{Routes: routes, Channels: []string{"chat"}}
			if c.none {
				p.Channels = nil
			}
			got, why := p.route(&Incident{Severity: checks.Major, Members: c.members}, Opened)
			text := strings.Join(got, "+")
			if len(got) == 0 {
				text = ": " + why
			}
			if text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

// What joins an incident and is somebody else's is told to them as opened, once; who knew of it hears of it in the thread, and
// nobody is reminded sooner than he was promised. The end goes to all.
func TestWhoseAddressesJoinLaterHearsThatItOpened(t *testing.T) {
	w := newWorld(t)
	w.policy.RemindMajor, w.policy.Threads = 2*time.Hour, []string{"mail-team"}
	w.policy.Routes = []Route{{Pools: []string{"mail"}, Channels: []string{"mail-team"}}, {Pools: []string{"bulk"}, Channels: []string{"bulk-team"}}}
	var got []string
	step := func(after time.Duration, findings ...checks.Finding) {
		w.now = w.now.Add(after)
		at := w.now.Sub(start).Round(time.Minute)
		for _, c := range w.run(findings...) {
			if c.Tell {
				s := fmt.Sprintf("%s %s by %s", at, c.Kind, strings.Join(c.Channels, "+"))
				if len(c.First) > 0 {
					s += ", new to " + strings.Join(c.First, "+")
				}
				if c.News != nil {
					s += ": " + c.News.String()
				}
				got = append(got, s)
			}
		}
		w.now = start.Add(at) // run goes on by itself
	}
	one := in("mail", listing("192.0.2.1", "zen", checks.Problem, checks.Major))
	two := in("mail", listing("192.0.2.2", "zen", checks.Problem, checks.Major))
	three := in("bulk", listing("192.0.2.3", "zen", checks.Problem, checks.Major))
	four := in("bulk", listing("192.0.2.4", "zen", checks.Problem, checks.Major))
	step(0, one, two)
	step(30*time.Minute, three)
	step(time.Minute, four)
	step(7 * time.Minute)
	step(91 * time.Minute) // more than two hours after the first message, less than that after the last
	step(22 * time.Minute)
	clean := []checks.Finding{}
	for _, f := range []checks.Finding{one, two, three, four} {
		clean = append(clean, in(f.Target.Pool, listing(f.Key.Target, "zen", checks.OK, "")))
	}
	step(10*time.Minute, clean...)
	step(10*time.Minute, clean...)
	want := []string{
		"0s opened by mail-team",
		"30m0s updated by bulk-team, new to bulk-team",
		"38m0s updated by mail-team: 192.0.2.3 is listed by zen and 1 more",
		"2h31m0s reminder by bulk-team+mail-team",
		"2h51m0s resolved by bulk-team+mail-team",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhoHearsOfWhatJoins(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   string // kinds, channels, and to whom it is new
	}{
		"to whom it is new":             {func(*world) {}, "updated by bulk-team, new to bulk-team"},
		"also if another has taken it":  {func(w *world) { w.open[0].AckedBy, w.open[0].AckedAt = "kim", w.now }, "updated by bulk-team, new to bulk-team"},
		"also if nobody was to hear":    {func(w *world) { w.open[0].Told, w.open[0].LastTold = nil, time.Time{} }, "updated by bulk-team+mail-team, new to bulk-team+mail-team"},
		"once":                          {func(w *world) { w.open[0].Told = []string{"bulk-team", "mail-team"} }, "updated: no rise in severity: told once, shown by status"},
		"nobody, of what is silenced":   {func(w *world) { w.open[0].Silence = Silence{Since: w.now, Until: w.now.Add(time.Hour)} }, "updated: silenced until 2026-03-01 10:10 UTC"},
		"nobody, of what is for digest": {func(w *world) { w.policy.MinSeverity = checks.Critical }, "updated: severity major is below min_severity critical: for the daily digest"},
		"nobody, where it is muted":     {func(w *world) { w.policy.Routes[1].Channels = nil }, "updated: no rise in severity: told once, shown by status"},
		"nobody, where there are no routes: a channel that is new in the configuration": {func(w *world) { w.policy.Routes, w.policy.Channels = nil, []string{"chat"} },
			"updated: no rise in severity: told once, shown by status"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.policy.Routes = []Route{{Pools: []string{"mail"}, Channels: []string{"mail-team"}}, {Pools: []string{"bulk"}, Channels: []string{"bulk-team"}}}
			w.run(in("mail", listing("192.0.2.1", "zen", checks.Problem, checks.Major)), in("mail", listing("192.0.2.2", "zen", checks.Problem, checks.Major)))
			c.change(w)
			for _, got := range w.run(in("bulk", listing("192.0.2.3", "zen", checks.Problem, checks.Major))) {
				text := string(got.Kind) + ": " + got.Why
				if got.Tell {
					text = fmt.Sprintf("%s by %s, new to %s", got.Kind, strings.Join(got.Channels, "+"), strings.Join(got.First, "+"))
				}
				if text != c.want {
					t.Errorf("got %q, want %q", text, c.want)
				}
			}
		})
	}
}

// A rise is a rise for those who knew of it, and news to whom it is new.
func TestARiseIsNewToWhomItIsNew(t *testing.T) {
	w := newWorld(t)
	w.policy.Routes = []Route{{Pools: []string{"bulk"}, Channels: []string{"bulk-team"}}}
	w.run(in("mail", listing("192.0.2.1", "zen", checks.Problem, checks.Major)), in("mail", listing("192.0.2.2", "zen", checks.Problem, checks.Major)))
	c := w.run(in("bulk", listing("192.0.2.3", "zen", checks.Problem, checks.Critical)))[0]
	if c.Kind != Worsened || !slices.Equal(c.Channels, []string{"bulk-team", "chat"}) || !slices.Equal(c.First, []string{"bulk-team"}) {
		t.Errorf("%s by %q, new to %q", c.Kind, c.Channels, c.First)
	}
}

// Invariant 3 for each channel: it hears once that an incident opened, is reminded no sooner than promised after what it
// heard last, and hears of the end of what it heard of, and of nothing else.
func TestInvariant3ForEachChannel(t *testing.T) {
	type heard struct {
		channel string
		id      int64
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.policy.RemindCritical, w.policy.Threads = time.Hour, []string{"a-team"}
		w.policy.Routes = []Route{{Pools: []string{"a"}, Channels: []string{"a-team"}}, {Pools: []string{"b"}, Channels: []string{"b-team", "pager"}},
			{Severities: []checks.Severity{checks.Critical}, Channels: []string{"pager"}}, {Lists: []string{"psbl"}}}
		pools := map[string]string{"192.0.2.1": "a", "192.0.2.2": "b", "198.51.100.7": "c", "2001:db8::25": "a"}
		last := map[heard]time.Time{}
		for range rapid.IntRange(1, 30).Draw(rt, "runs") {
			findings := drawRun(rt, checks.Problem, checks.OK)
			for i := range findings {
				findings[i].Target.Pool = pools[findings[i].Key.Target]
			}
			at := w.now
			for _, c := range w.run(findings...) {
				if !c.Tell || c.News != nil {
					continue
				}
				for _, channel := range c.Channels {
					kind, h := c.Kind, heard{channel, c.Incident.ID}
					if slices.Contains(c.First, channel) {
						kind = Opened
					}
					before, knew := last[h]
					switch {
					case kind == Opened && knew:
						rt.Fatalf("%s hears again that %d opened", channel, h.id)
					case kind == Reminder && (!knew || at.Sub(before) < w.policy.RemindCritical):
						rt.Fatalf("%s is reminded of %d after %s (knew of it: %v)", channel, h.id, at.Sub(before), knew)
					case kind == Ended && !knew:
						rt.Fatalf("%s hears of the end of %d, and of nothing before", channel, h.id)
					}
					last[h] = at
					if kind == Ended {
						delete(last, h)
					}
				}
				for h := range last {
					if c.Kind == Ended && h.id == c.Incident.ID {
						rt.Fatalf("%s does not hear of the end of %d", h.channel, h.id)
					}
				}
			}
		}
	})
}

// BenchmarkRoutes is who is told of a network in 40 pools that each have a route.
func BenchmarkRoutes(b *testing.B) {
	var p Policy
	for i := range 40 {
		p.Routes = append(p.Routes, Route{Pools: []string{fmt.Sprint("pool-", i)}, Channels: []string{fmt.Sprint("team-", i)}})
	}
	inc := Incident{Severity: checks.Major}
	for i := range 1 << 16 {
		inc.Members = append(inc.Members, Member{Finding: in(fmt.Sprint("pool-", i%40), listing(fmt.Sprintf("10.0.%d.%d", i/256, i%256), "zen", checks.Problem, checks.Major), "a", "b")})
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := p.route(&inc, Opened); len(got) != 40 {
			b.Fatal(got)
		}
	}
}
