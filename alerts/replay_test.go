package alerts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

// A past is written as "9:00 P zen, 9:40 ack, 10:00 o zen".
func past(t *testing.T, text string) Past {
	var p Past
	for _, step := range strings.Split(text, ", ") {
		var hour, minute int
		var what, list string
		if _, err := fmt.Sscanf(step, "%d:%d %s %s", &hour, &minute, &what, &list); err != nil && what != "ack" {
			t.Fatalf("%q: %v", step, err)
		}
		at := time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC)
		if what == "ack" {
			p.Actions = append(p.Actions, PastAction{Action{Kind: Ack, By: "kim", At: at}, []checks.Key{{Check: "dnsbl", Target: "192.0.2.10", Source: "zen"}}})
			continue
		}
		f := listing("192.0.2.10", list, map[string]checks.Status{"P": checks.Problem, "o": checks.OK, "?": checks.Unknown}[what],
			map[string]checks.Severity{"zen": checks.Critical, "spamcop": checks.Major, "psbl": checks.Minor}[list])
		f.At = at
		p.Findings = append(p.Findings, f)
	}
	return p
}

func TestReplay(t *testing.T) {
	calm := Policy{RemindCritical: 4 * time.Hour, MinSeverity: checks.Major, Channels: []string{"chat"}}
	for name, c := range map[string]struct {
		past   string
		policy func(*Policy)
		want   string
	}{
		"what happened is told as it would have been":          {"9:00 P spamcop, 10:00 o spamcop", func(*Policy) {}, "9:02 opened, 10:07 resolved"},
		"the new policy tells what the old one did not":        {"9:00 P psbl", func(p *Policy) { p.MinSeverity = checks.Minor }, "9:02 opened"},
		"and the other way round":                              {"9:00 P spamcop", func(p *Policy) { p.MinSeverity = checks.Critical }, ""},
		"reminders come by time alone":                         {"9:00 P zen", func(*Policy) {}, "9:02 opened, 13:02 reminder, 17:02 reminder, 21:02 reminder"},
		"what people did is done":                              {"9:00 P zen, 9:40 ack", func(*Policy) {}, "9:02 opened"},
		"an answer that was clean for a moment closes nothing": {"9:00 P spamcop, 10:00 o spamcop, 10:03 P spamcop", func(*Policy) {}, "9:02 opened"},
		"a rise": {"9:00 P spamcop, 9:30 P zen", func(p *Policy) { p.RemindCritical = 0 }, "9:02 opened, 9:32 worsened"},
	} {
		t.Run(name, func(t *testing.T) {
			p := calm
			c.policy(&p)
			var got []string
			for _, x := range Replay(past(t, c.past), p, start, start.Add(14*time.Hour)) {
				if x.Tell {
					got = append(got, fmt.Sprintf("%d:%02d %s", x.At.Hour(), x.At.Minute(), x.Kind))
				}
			}
			if g := strings.Join(got, ", "); g != c.want {
				t.Errorf("got %s\nwant %s", g, c.want)
			}
		})
	}
}

func TestReplayTellsNothingOfWhatWasThereBefore(t *testing.T) {
	known := listing("192.0.2.10", "zen", checks.Problem, checks.Critical)
	known.At = start.Add(-time.Hour)
	p := past(t, "10:00 o zen")
	p.Known = []checks.Finding{known}
	p.Impacts = func(targets []string, now time.Time) []checks.Impact {
		return []checks.Impact{refused("192.0.2.10", "example.net")}
	}
	got := Replay(p, Policy{Channels: []string{"chat"}}, start, start.Add(3*time.Hour))
	if len(got) == 0 || got[0].Kind == Opened || got[len(got)-1].Kind != Ended || got[len(got)-1].Incident.Impact.Refusals() != 1 {
		t.Errorf("%+v", got)
	}
}
