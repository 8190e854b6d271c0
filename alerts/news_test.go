package alerts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

// newsOf is what the changes say in threads, or "." for nothing.
func newsOf(changes []Change) string {
	for _, c := range changes {
		if c.News != nil {
			return fmt.Sprintf("%s to %s", c.News, strings.Join(c.Channels, " "))
		}
	}
	return "."
}

func threaded(t *testing.T) *world {
	w := newWorld(t)
	w.policy.Channels, w.policy.Threads = []string{"chat", "mail"}, []string{"chat", "other chat"}
	w.policy.MinSeverity = checks.Major
	return w
}

func TestWhatJoinsIsSaidInTheThreadAndNobodyIsCalled(t *testing.T) {
	w := threaded(t)
	w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	before := w.open[0]
	joined := w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor), refusal("192.0.2.10", "example.net", checks.Problem, checks.Major))
	if c := joined[0]; c.Tell || c.Kind != Updated || !strings.Contains(c.Why, "in the thread of its message") {
		t.Errorf("at once: told %v, %s because %q", c.Tell, c.Kind, c.Why)
	}
	said := w.run()
	if got, want := newsOf(said), "example.net refuses mail from 192.0.2.10 and 1 more to chat"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if c := said[0]; !c.Tell || c.Kind != Updated || c.Why != "" {
		t.Errorf("%+v", c)
	}
	if after := w.open[0]; !after.LastTold.Equal(before.LastTold) || after.Reminded != before.Reminded || !after.Paged.Equal(before.Paged) || !slices.Equal(after.Told, before.Told) {
		t.Errorf("it counts as a message: before %+v\nafter %+v", before, after)
	}
	if got := w.run(); len(got) != 0 {
		t.Errorf("said twice: %+v", got)
	}
}

func TestARoundThatGoesOnIsOneAnswer(t *testing.T) {
	w := threaded(t)
	w.run(listing("192.0.2.1", "spamcop", checks.Problem, checks.Major), listing("192.0.2.2", "spamcop", checks.Problem, checks.Major))
	said := map[string]int{}
	for i := range 30 { // ten each 50 s, for 25 minutes
		var more []checks.Finding
		for k := range 10 {
			more = append(more, listing(fmt.Sprintf("198.51.%d.%d", 100+i, k), "spamcop", checks.Problem, checks.Major))
		}
		w.now = w.now.Add(-10*time.Minute + 50*time.Second)
		if s := newsOf(w.run(more...)); s != "." {
			said[s]++
		}
	}
	for range 3 {
		if s := newsOf(w.run()); s != "." {
			said[s]++
		}
	}
	if len(said) != 1 || said["198.51.100.0 is listed by spamcop and 299 more to chat"] != 1 {
		t.Errorf("%v", said)
	}
}

func TestWhatNeverEndsIsSaidInBetween(t *testing.T) {
	w := threaded(t)
	w.run(listing("192.0.2.1", "spamcop", checks.Problem, checks.Major), listing("192.0.2.2", "spamcop", checks.Problem, checks.Major))
	n := 0
	for i := range 120 { // two hours
		w.now = w.now.Add(-9*time.Minute - 30*time.Second)
		if newsOf(w.run(listing(fmt.Sprintf("198.51.100.%d", i), "spamcop", checks.Problem, checks.Major))) != "." {
			n++
		}
		w.now = w.now.Add(-9*time.Minute - 30*time.Second)
		if newsOf(w.run()) != "." {
			n++
		}
	}
	if n != 3 && n != 4 {
		t.Errorf("said %d times in two hours, want every %v", n, NewsWait)
	}
}

func TestNewsThatIsNotSaid(t *testing.T) {
	psbl := func(s checks.Status) checks.Finding {
		f := listing("192.0.2.10", "psbl", s, checks.Minor)
		f.Settle = 0
		return f
	}
	for rule, c := range map[string]struct {
		prepare func(*world)
		runs    []checks.Finding
		want    string
	}{
		"where no channel of it can answer": {func(w *world) { w.policy.Threads = nil }, []checks.Finding{psbl(checks.Problem)}, "."},
		"while it is silenced": {func(w *world) {
			w.open[0].Silence = Silence{Since: start, Until: w.now.Add(24 * time.Hour)}
		}, []checks.Finding{psbl(checks.Problem)}, "."},
		"while it flaps":                     {func(w *world) { w.open[0].Flapping = w.now }, []checks.Finding{psbl(checks.Problem)}, "."},
		"in quiet hours, of what is no page": {func(w *world) { w.policy.Quiet = QuietHours{From: 0, To: 23 * 60} }, []checks.Finding{psbl(checks.Problem)}, "."},
		"what came and went in between":      {nil, []checks.Finding{psbl(checks.Problem), psbl(checks.OK)}, "."},
		"what is unknown":                    {nil, []checks.Finding{psbl(checks.Unknown)}, "."},
		"what a message that was told shows": {func(w *world) { w.policy.RemindMajor = 11 * time.Minute }, []checks.Finding{psbl(checks.Problem)}, "."},
		"but not what somebody has taken on": {func(w *world) { w.open[0] = apply(w.t, w.open[0], Action{Kind: Ack, By: "kim", At: w.now}) }, []checks.Finding{psbl(checks.Problem)}, "192.0.2.10 is listed by psbl to chat"},
		"nor what is a page, at night or not": {func(w *world) {
			w.open[0].Severity = checks.Critical
			w.open[0].Members[0].Finding.Severity = checks.Critical
			w.policy.Quiet = QuietHours{From: 0, To: 23 * 60}
		}, []checks.Finding{psbl(checks.Problem)}, "192.0.2.10 is listed by psbl to chat"},
	} {
		t.Run(rule, func(t *testing.T) {
			w := threaded(t)
			w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
			if c := c.prepare; c != nil {
				c(w)
			}
			got := "."
			for _, f := range c.runs {
				w.now = w.now.Add(-8 * time.Minute) // two minutes apart
				w.run(f)
			}
			for range 3 {
				if s := newsOf(w.run()); s != "." {
					got = s
				}
			}
			if got != c.want {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
}

func TestASecondListIsGoneWhileTheFirstGoesOn(t *testing.T) {
	w := threaded(t)
	both := func(s checks.Status) []checks.Finding {
		return []checks.Finding{listing("192.0.2.10", "spamcop", checks.Problem, checks.Major), listing("192.0.2.10", "psbl", s, checks.Minor)}
	}
	w.run(both(checks.Problem)...)
	w.run(both(checks.OK)...)
	w.run(both(checks.OK)...)
	if got, want := newsOf(w.run()), "clear again: 192.0.2.10 is listed by psbl to chat"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A clock that ran ahead when something joined holds nothing back for as long as it ran ahead.
func TestNewsOfAClockThatRanAhead(t *testing.T) {
	w := threaded(t)
	w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	w.now = w.now.Add(48 * time.Hour)
	w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor))
	w.now = w.now.Add(-48 * time.Hour)
	if got, want := newsOf(w.run()), "192.0.2.10 is listed by psbl to chat"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNewsOfTwoAnswersIsOne(t *testing.T) {
	at := func(list string, s checks.Severity) Member {
		return Member{Finding: listing("192.0.2.10", list, checks.Problem, s)}
	}
	older := News{Joined: []Member{at("a", checks.Minor), at("b", checks.Major)}, MoreJoined: 3, Left: []Member{at("c", checks.Minor)}}
	newer := News{Joined: []Member{at("c", checks.Major)}, Left: []Member{at("a", checks.Minor)}, MoreLeft: 1}
	got := newer.After(older)
	if s := got.String(); s != "192.0.2.10 is listed by b and 4 more; clear again: 192.0.2.10 is listed by a and 1 more" {
		t.Errorf("got %q", s)
	}
	var many News
	for i := range maxNews {
		many.Joined = append(many.Joined, at(fmt.Sprintf("x%d", i), checks.Minor))
	}
	if got := many.After(older); len(got.Joined) != maxNews || got.MoreJoined != 5 {
		t.Errorf("%d joined and %d more", len(got.Joined), got.MoreJoined)
	}
}

// What is told in the thread is about what joined: its answers, and its runbook.
func TestANotificationOfNewsIsAboutTheNews(t *testing.T) {
	w := threaded(t)
	w.run(listing("192.0.2.10", "spamcop", checks.Problem, checks.Major))
	w.run(listing("192.0.2.10", "psbl", checks.Problem, checks.Minor))
	c := w.run()[0]
	if got := c.Findings(); len(got) != 1 || got[0].Key.Source != "psbl" {
		t.Errorf("findings %v", got)
	}
	if n := c.Notification(nil); n.News == nil || n.Kind != Updated || len(n.Incident.Members) != 2 {
		t.Errorf("%+v", n)
	}
}
