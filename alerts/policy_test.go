package alerts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone database: ", err)
	}
	for name, c := range map[string]struct {
		from, to int
		now, end string // end is "" where it is not quiet
	}{
		"over midnight, before":                    {22 * 60, 7 * 60, "2026-03-02T21:59:00+01:00", ""},
		"over midnight, in the evening":            {22 * 60, 7 * 60, "2026-03-02T22:00:00+01:00", "2026-03-03T07:00:00+01:00"},
		"over midnight, in the morning":            {22 * 60, 7 * 60, "2026-03-03T06:59:00+01:00", "2026-03-03T07:00:00+01:00"},
		"over midnight, at their end":              {22 * 60, 7 * 60, "2026-03-03T07:00:00+01:00", ""},
		"within a day":                             {12 * 60, 13 * 60, "2026-03-03T12:30:00+01:00", "2026-03-03T13:00:00+01:00"},
		"equal is never":                           {7 * 60, 7 * 60, "2026-03-03T07:00:00+01:00", ""},
		"the night that is an hour shorter":        {22 * 60, 7 * 60, "2026-03-29T01:30:00+01:00", "2026-03-29T07:00:00+02:00"},
		"the night that is an hour longer":         {22 * 60, 7 * 60, "2026-10-25T02:30:00+02:00", "2026-10-25T07:00:00+01:00"},
		"another zone's morning is the same night": {22 * 60, 7 * 60, "2026-03-03T00:30:00-05:00", "2026-03-03T07:00:00+01:00"},
	} {
		t.Run(name, func(t *testing.T) {
			now, _ := time.Parse(time.RFC3339, c.now)
			end, quiet := QuietHours{From: c.from, To: c.to, Zone: berlin}.Until(now)
			want, _ := time.Parse(time.RFC3339, c.end)
			if quiet != (c.end != "") || !end.Equal(want) {
				t.Errorf("got %v %v, want %q", end, quiet, c.end)
			}
		})
	}
}

func TestPagesAreToldAtAnyHourAndNoticesInTheMorning(t *testing.T) {
	night := QuietHours{From: 0, To: 12 * 60} // the tests begin at nine
	for name, c := range map[string]struct {
		finding checks.Finding
		impact  checks.Impact
		want    string
	}{
		"critical is a page":                         {listing("192.0.2.10", "zen", checks.Problem, checks.Critical), checks.Impact{}, "now"},
		"major without harm waits for the morning":   {listing("192.0.2.10", "spamcop", checks.Problem, checks.Major), checks.Impact{}, "held"},
		"harm that was counted makes a page of it":   {refusal("192.0.2.10", "cisco", checks.Problem, checks.Major), refused("192.0.2.10", "example.net"), "now"},
		"four of ten thousand wait for the morning":  {refusal("192.0.2.10", "cisco", checks.Problem, checks.Major), refusedOf(4, 10000), "held"},
		"five of ten thousand do not":                {refusal("192.0.2.10", "cisco", checks.Problem, checks.Major), refusedOf(5, 10000), "now"},
		"nor does one of a hundred":                  {refusal("192.0.2.10", "cisco", checks.Problem, checks.Major), refusedOf(1, 100), "now"},
		"minor is for the digest, by day or night":   {listing("192.0.2.10", "psbl", checks.Problem, checks.Minor), checks.Impact{}, "digest"},
		"harm makes no page of what is minor":        {refusal("192.0.2.10", "tiny", checks.Problem, checks.Minor), refused("192.0.2.10", "example.net"), "digest"},
		"informational is for the digest in any way": {listing("192.0.2.10", "uceprotect-3", checks.Problem, checks.Informational), checks.Impact{}, "digest"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.policy.Quiet, w.policy.MinSeverity = night, checks.Major
			w.impacts = []checks.Impact{c.impact}
			got := w.run(c.finding)[0]
			how := "now"
			switch {
			case !got.Tell && strings.Contains(got.Why, "daily digest"):
				how = "digest"
			case !got.Tell:
				how = "untold: " + got.Why
			case !got.NotBefore.IsZero():
				how = "held"
				if got.NotBefore != start.Add(3*time.Hour) || got.Why == "" {
					t.Errorf("held until %v because %q", got.NotBefore, got.Why)
				}
			}
			if how != c.want {
				t.Errorf("got %s, want %s", how, c.want)
			}
		})
	}
}

// refusedOf is an address of whose mail so many were refused, and so many delivered.
func refusedOf(n, delivered int) checks.Impact {
	i := refused("192.0.2.10", "example.net")
	i.Receivers[0].Refused.N = n
	i.Delivered = checks.Count{N: delivered, Counted: true}
	return i
}

func TestAFewRefusalsThatBecomeManyWakeWhoSleeps(t *testing.T) {
	w := newWorld(t)
	w.policy.Quiet = QuietHours{From: 0, To: 12 * 60} // the tests begin at nine
	count := func(n int) Change {
		w.impacts = []checks.Impact{refusedOf(n, 10000)}
		return w.run(refusal("192.0.2.10", "cisco", checks.Problem, checks.Major))[0]
	}
	if c := count(1); !c.Tell || c.NotBefore.IsZero() {
		t.Errorf("the first: told %v, held until %v", c.Tell, c.NotBefore)
	}
	if c := count(4); c.Tell {
		t.Errorf("a few: told as %s", c.Kind)
	}
	if c := count(5); !c.Tell || c.Kind != Worsened || !c.NotBefore.IsZero() || c.Incident.Paged.IsZero() {
		t.Errorf("many: told %v as %s, held until %v", c.Tell, c.Kind, c.NotBefore)
	}
	for _, n := range []int{6, 4, 7} {
		if c := count(n); c.Tell {
			t.Errorf("%d: told again as %s", n, c.Kind)
		}
	}
	w = newWorld(t)
	w.policy.Quiet = QuietHours{From: 0, To: 12 * 60}
	count(1)
	w.open[0] = apply(t, w.open[0], Action{Kind: Ack, By: "kim", At: w.now})
	if c := count(9); c.Tell {
		t.Errorf("somebody has it: told as %s", c.Kind)
	}
}

func TestAFlappingListIsToldOnceAndHeldUntilItIsCalm(t *testing.T) {
	w := newWorld(t)
	spamcop := func(s checks.Status) string { return told(w.run(listing("192.0.2.10", "spamcop", s, checks.Major))) }
	for range 2 {
		spamcop(checks.Problem)
		spamcop(checks.OK)
		spamcop(checks.OK)
	}
	if inc := w.open[0]; inc.Flapping.IsZero() || inc.State != Clearing {
		t.Fatalf("after four turns in a day: %+v", inc)
	}
	if got := Unreliable(w.open); got["spamcop"] != 1 {
		t.Errorf("unreliable: %v", got)
	}
	if got := told(w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major), listing("192.0.2.10", "zen", checks.Problem, checks.Critical))); got != "opened" {
		t.Errorf("another list hides behind one that flaps: told %q", got)
	}
	w.run(listing("192.0.2.10", "zen", checks.OK, ""))
	w.run(listing("192.0.2.10", "zen", checks.OK, ""))
	spamcop(checks.OK)
	spamcop(checks.OK)
	w.now = w.now.Add(23 * time.Hour)
	if got := spamcop(checks.OK); got != "." {
		t.Errorf("before it was clean for a day: told %q", got)
	}
	w.now = w.now.Add(time.Hour)
	if got := spamcop(checks.OK); got != "resolved" || len(w.open) != 0 {
		t.Errorf("clean for a day: told %q, %d open", got, len(w.open))
	}
}

func TestOneTurnADayIsNotFlapping(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		for _, s := range []checks.Status{checks.Problem, checks.OK, checks.OK} {
			w.run(listing("192.0.2.10", "spamcop", s, checks.Major))
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	if len(w.open) != 0 || !w.resolved[0].Flapping.IsZero() || w.resolved[0].Relapses != 4 {
		t.Errorf("open %d, %+v", len(w.open), w.resolved)
	}
}

func TestNeighboursAtOneOperatorAreOneIncident(t *testing.T) {
	at := func(target, list, operator string) checks.Finding {
		f := listing(target, list, checks.Problem, checks.Major)
		f.Facts[checks.FactOperator] = operator
		return f
	}
	for name, c := range map[string]struct {
		then []checks.Finding
		want int
	}{
		"a neighbour on another of its lists":            {[]checks.Finding{at("192.0.2.77", "other-zone", "op")}, 1},
		"the same network at another operator":           {[]checks.Finding{at("192.0.2.77", "psbl", "surriel")}, 2},
		"another network at the same operator":           {[]checks.Finding{at("198.51.100.7", "other-zone", "op")}, 2},
		"one by one they join":                           {[]checks.Finding{at("192.0.2.77", "a", "op"), at("192.0.2.78", "b", "op")}, 1},
		"a neighbour by /64":                             {[]checks.Finding{at("2001:db8::25", "six", "six-op"), at("2001:db8::26", "six-b", "six-op")}, 2},
		"beyond the /64":                                 {[]checks.Finding{at("2001:db8::25", "six", "six-op"), at("2001:db8:0:1::26", "six-b", "six-op")}, 3},
		"a domain has no neighbours, and no address has": {[]checks.Finding{at("example.org", "dbl", "op")}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.run(at("192.0.2.10", "zone", "op"))
			for _, f := range c.then {
				w.run(f)
			}
			if len(w.open) != c.want {
				t.Errorf("%d incidents, want %d", len(w.open), c.want)
			}
			together := newWorld(t)
			together.run(append([]checks.Finding{at("192.0.2.10", "zone", "op")}, c.then...)...)
			if len(together.open) != c.want {
				t.Errorf("in one run: %d incidents, want %d", len(together.open), c.want)
			}
		})
	}
}

func TestAPageThatNobodyTakesIsEscalatedOnce(t *testing.T) {
	p := func(w *world) []Change { return w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical)) }
	w := newWorld(t)
	w.policy.Escalate = Escalation{After: 30 * time.Minute, Channels: []string{"pager"}}
	var got []string
	for range 6 {
		for _, c := range p(w) {
			if c.Tell {
				got = append(got, fmt.Sprintf("%s to %s at %d", c.Kind, strings.Join(c.Channels, "+"), int(c.At.Sub(start).Minutes())))
			}
		}
	}
	if want := []string{"opened to chat at 0", "escalated to pager at 30"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.run(listing("192.0.2.10", "zen", checks.OK, ""))
	if c := w.run(listing("192.0.2.10", "zen", checks.OK, "")); told(c) != "resolved" || !slices.Equal(c[0].Channels, []string{"chat", "pager"}) {
		t.Errorf("the end goes to all who heard of it: %v", c)
	}
	for name, change := range map[string]func(*Incident){
		"acknowledged": func(i *Incident) { i.AckedBy, i.AckedAt = "kim", start },
		"silenced":     func(i *Incident) { i.Silence = Silence{Since: start, Until: start.Add(48 * time.Hour)} },
		"no page":      func(i *Incident) { i.Paged = time.Time{} },
	} {
		w := newWorld(t)
		w.policy.Escalate = Escalation{After: 30 * time.Minute, Channels: []string{"pager"}}
		p(w)
		change(&w.open[0])
		w.now = w.now.Add(time.Hour)
		if got := told(p(w)); got != "." {
			t.Errorf("%s: told %q", name, got)
		}
	}
}

func TestRoutes(t *testing.T) {
	pooled := func(pool string, severity checks.Severity) checks.Finding {
		f := listing("192.0.2.10", "zen", checks.Problem, severity)
		f.Target.Pool, f.Target.Tags = pool, []string{"vip"}
		return f
	}
	routes := []Route{
		{Pools: []string{"bulk"}, Severities: []checks.Severity{checks.Major}, Channels: []string{"bulk-team"}},
		{Classes: []Class{Page}, Channels: []string{"pager", "chat"}},
		{Lists: []string{"zen"}, Tags: []string{"vip"}, Pools: []string{"nobody"}},
	}
	for name, c := range map[string]struct {
		finding checks.Finding
		want    string
	}{
		"the first that fits":           {pooled("bulk", checks.Major), "bulk-team"},
		"all of a route has to fit":     {pooled("bulk", checks.Critical), "chat+pager"},
		"none fits: the channels named": {pooled("mail", checks.Major), "chat"},
		"a route to nobody says so":     {pooled("nobody", checks.Major), "route 3 sends it to no channel"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.policy.Routes = routes
			got := w.run(c.finding)[0]
			if text := strings.Join(got.Channels, "+") + got.Why; text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

// Who sends a list to nobody has muted the list, and not what joins its incident.
func TestARouteByListMutesNothingElse(t *testing.T) {
	w := newWorld(t)
	w.policy.Routes = []Route{{Lists: []string{"psbl"}}, {Lists: []string{"zen"}, Channels: []string{"pager"}}}
	if c := w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor)); told(c) != "." {
		t.Errorf("a muted list: told %s", told(c))
	}
	c := w.run(refusal("192.0.2.10", "microsoft", checks.Problem, checks.Major))
	if got := strings.Join(c[0].Channels, "+"); told(c) != "worsened" || got != "chat" {
		t.Errorf("refusals beside a muted list: told %s by %q", told(c), got)
	}
	c = w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
	if got := strings.Join(c[0].Channels, "+"); told(c) != "worsened" || got != "chat+pager" {
		t.Errorf("a list that is worse: told %s by %q", told(c), got)
	}
}

func TestWhoHeardOfItHearsOfItsEnd(t *testing.T) {
	w := newWorld(t)
	w.policy.Routes = []Route{{Severities: []checks.Severity{checks.Critical}, Channels: []string{"pager"}}}
	w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	c := w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
	if got := strings.Join(c[0].Channels, "+"); got != "chat+pager" {
		t.Errorf("worsened: %s", got)
	}
	for range 2 {
		c = w.run(listing("192.0.2.10", "zen", checks.OK, ""), listing("192.0.2.10", "spamcop", checks.OK, ""))
	}
	if got := strings.Join(c[0].Channels, "+"); c[0].Kind != Ended || got != "chat+pager" {
		t.Errorf("%s: %s", c[0].Kind, got)
	}
}

func TestASilenceSaysThatItIsAboutToEnd(t *testing.T) {
	w := newWorld(t)
	p := func() []Change { return w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major)) }
	p()
	w.open[0].Silence = Silence{By: "kim", Reason: "moving house", Since: w.now, Until: w.now.Add(24 * time.Hour)}
	until := w.open[0].Silence.Until
	var got []string
	for w.now.Before(until.Add(2 * time.Hour)) {
		at := w.now
		for _, c := range p() {
			if c.Tell {
				got = append(got, fmt.Sprintf("%s %d min before the end", c.Kind, int(until.Sub(at).Minutes())))
			}
		}
	}
	if want := []string{"silence ending 60 min before the end", "reminder -10 min before the end"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatWaitedIsToldTogether(t *testing.T) {
	for name, c := range map[string]struct {
		waiting []Waiting
		next    ChangeKind
		want    ChangeKind
	}{
		"nothing waits":                         {nil, Worsened, Worsened},
		"a rise of what was not told":           {[]Waiting{{Kind: Opened}}, Worsened, Opened},
		"the end of what was not told":          {[]Waiting{{Kind: Opened}, {Kind: Worsened}}, Ended, ""},
		"the end of what may have been told":    {[]Waiting{{Kind: Opened, Tried: true}}, Ended, Ended},
		"the end of what was told":              {[]Waiting{{Kind: Reminder}}, Ended, Ended},
		"a reminder of a rise that was not":     {[]Waiting{{Kind: Worsened}}, Reminder, Worsened},
		"a reminder of what was not told":       {[]Waiting{{Kind: Opened}, {Kind: Worsened}}, Reminder, Opened},
		"reminders for a week are one":          {[]Waiting{{Kind: Reminder, Tried: true}, {Kind: Reminder}}, Reminder, Reminder},
		"an end that waits, and the next begin": {[]Waiting{{Kind: Ended}}, Opened, Opened},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := Collapse(c.waiting, c.next)
			if got != c.want || len(c.waiting) > 0 && why == "" {
				t.Errorf("got %q because %q, want %q", got, why, c.want)
			}
		})
	}
}

func TestDigestHoldsWhatNobodyWasTold(t *testing.T) {
	w := newWorld(t)
	w.policy.MinSeverity = checks.Major
	w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical), listing("198.51.100.7", "psbl", checks.Problem, checks.Minor),
		listing("203.0.113.9", "gone", checks.Problem, checks.Minor))
	w.run(listing("203.0.113.9", "gone", checks.OK, ""))
	w.run(listing("203.0.113.9", "gone", checks.OK, ""))
	d, any := NewDigest(w.open, w.resolved, start, w.now)
	if !any || len(d.New) != 1 || len(d.Ended) != 1 || len(d.Open) != 1 || d.Open[0].Severity != checks.Critical {
		t.Errorf("%v %+v", any, d)
	}
	if d, any := NewDigest(w.open, w.resolved, w.now, w.now.Add(24*time.Hour)); any || len(d.Open) != 2 {
		t.Errorf("the day after there is nothing to say: %v %+v", any, d)
	}
	for now, want := range map[string]string{
		"2026-03-01T07:59:00Z": "2026-02-28T08:00:00Z", "2026-03-01T08:00:00Z": "2026-03-01T08:00:00Z", "2026-03-01T23:00:00Z": "2026-03-01T08:00:00Z",
	} {
		at, _ := time.Parse(time.RFC3339, now)
		if got := DigestAt(at, 8*60, nil).Format(time.RFC3339); got != want {
			t.Errorf("at %s the last one was due at %s, want %s", now, got, want)
		}
	}
}
