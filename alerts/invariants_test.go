package alerts

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"reputed/checks"

	"pgregory.net/rapid"
)

var (
	someTargets = []string{"192.0.2.1", "192.0.2.2", "198.51.100.7", "2001:db8::25", "example.org"}
	someLists   = []string{"zen", "spamcop", "psbl", "uceprotect-3"}
)

func drawRun(t *rapid.T, statuses ...checks.Status) []checks.Finding {
	var out []checks.Finding
	seen := map[checks.Key]bool{}
	for range rapid.IntRange(0, 8).Draw(t, "findings") {
		f := listing(rapid.SampledFrom(someTargets).Draw(t, "target"), rapid.SampledFrom(someLists).Draw(t, "list"),
			rapid.SampledFrom(statuses).Draw(t, "status"),
			rapid.SampledFrom([]checks.Severity{checks.Critical, checks.Major, checks.Minor, checks.Informational}).Draw(t, "severity"))
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			f = refusal(f.Target.ID(), f.Key.Source, f.Status, f.Severity)
		}
		if !seen[f.Key] {
			seen[f.Key] = true
			out = append(out, f)
		}
	}
	return out
}

// Invariant 1: unknown never opens, worsens or closes an incident about a
// target. Adding unknown findings to a run changes nothing but the members' Unknown mark.
func TestInvariant1UnknownMovesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.policy.Threads = []string{"chat"}
		for range rapid.IntRange(1, 12).Draw(rt, "runs") {
			w.run(drawRun(rt, checks.Problem, checks.OK, checks.Unknown)...)
		}
		before := slices.Clone(w.open)
		policy := w.policy
		w.policy.RemindCritical, w.policy.RemindMajor, w.policy.Threads = 0, 0, nil // time alone reminds, and says in threads what has joined
		for _, c := range w.run(drawRun(rt, checks.Unknown)...) {
			if c.Tell || c.Kind != Quiet {
				rt.Fatalf("unknown alone made %s (told %v) of %q", c.Kind, c.Tell, c.Incident.Title)
			}
		}
		w.policy = policy
		if len(before) != len(w.open) {
			rt.Fatalf("unknown changed the number of incidents from %d to %d", len(before), len(w.open))
		}
		for _, old := range before {
			i := slices.IndexFunc(w.open, func(x Incident) bool { return x.ID == old.ID })
			if now := w.open[i]; now.State != old.State || now.Severity != old.Severity || len(now.Members) != len(old.Members) || !now.LastSeen.Equal(old.LastSeen) {
				rt.Fatalf("unknown moved incident %d from %s %s to %s %s", old.ID, old.State, old.Severity, now.State, now.Severity)
			}
		}
	})
}

// Invariant 3: between two "opened" of one incident there is a "resolved", and
// no more than one message per incident and reminder time. What is said in the thread of the
// message is none: it calls nobody, and reminders come as if it had not been said.
func TestInvariant3ToldOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.policy.RemindCritical = time.Hour
		w.policy.Channels, w.policy.Threads = []string{"chat", "pager"}, []string{"chat", "a chat that never heard of it"}
		isOpen := map[int64]bool{}
		lastSaid := map[int64]time.Time{}
		lastReminder := map[int64]time.Time{}
		rank := map[int64]int{}
		for i := range rapid.IntRange(1, 40).Draw(rt, "runs") {
			at := w.now
			perIncident := map[int64]int{}
			before := map[int64]Incident{}
			for _, inc := range w.open {
				before[inc.ID] = inc
			}
			for _, c := range w.run(drawRun(rt, checks.Problem, checks.OK, checks.Unknown)...) {
				id := c.Incident.ID
				if perIncident[id]++; perIncident[id] > 1 {
					rt.Fatalf("run %d: two changes of incident %d", i, id)
				}
				if !c.Tell && c.Why == "" {
					rt.Fatalf("run %d: %s of incident %d is not told, and nothing says why", i, c.Kind, id)
				}
				switch c.Kind {
				case Opened:
					if isOpen[id] {
						rt.Fatalf("run %d: incident %d opened twice", i, id)
					}
					isOpen[id] = true
				case Ended:
					if !isOpen[id] {
						rt.Fatalf("run %d: incident %d resolved without being open", i, id)
					}
					isOpen[id] = false
					delete(lastReminder, id)
				case Worsened:
					if c.Incident.Severity.Rank() <= rank[id] {
						rt.Fatalf("run %d: incident %d worsened from %d to %s", i, id, rank[id], c.Incident.Severity)
					}
				case Reminder:
					if last, ok := lastReminder[id]; ok && at.Sub(last) < w.policy.RemindCritical {
						rt.Fatalf("run %d: incident %d reminded again after %s", i, id, at.Sub(last))
					}
				}
				if c.News != nil {
					was, is := before[id], c.Incident
					if was.LastTold != is.LastTold || was.Reminded != is.Reminded || was.Paged != is.Paged || was.Escalated != is.Escalated || !slices.Equal(was.Told, is.Told) {
						rt.Fatalf("run %d: what is said in the thread of incident %d counts as a message", i, id)
					}
					if c.Kind != Updated || !c.Tell || !slices.Equal(c.Channels, []string{"chat"}) || c.News.Empty() {
						rt.Fatalf("run %d: news of incident %d: %+v", i, id, c)
					}
					if last := lastSaid[id]; !c.Incident.Changed.After(last) {
						rt.Fatalf("run %d: news of incident %d of what was said at %v", i, id, last)
					}
					lastSaid[id] = at
				} else if c.Tell {
					lastReminder[id] = at
					lastSaid[id] = at
				}
				rank[id] = c.Incident.Severity.Rank()
			}
			// One question belongs to one open incident.
			owner := map[checks.Key]int64{}
			for _, inc := range w.open {
				for _, m := range inc.Members {
					if other, ok := owner[m.Finding.Key]; ok {
						rt.Fatalf("run %d: %v is a member of incidents %d and %d", i, m.Finding.Key, other, inc.ID)
					}
					owner[m.Finding.Key] = inc.ID
				}
			}
		}
	})
}

// Every problem of the last run is in an open incident, and every incident that
// is open has a member that is not clear.
func TestNothingIsForgotten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 20).Draw(rt, "runs") {
			findings := drawRun(rt, checks.Problem, checks.OK, checks.Unknown)
			w.run(findings...)
			for _, f := range findings {
				if f.Status != checks.Problem {
					continue
				}
				held := slices.ContainsFunc(w.open, func(x Incident) bool { m := x.member(f.Key); return m != nil && !m.Clear })
				if !held {
					rt.Fatalf("%v is a problem and in no open incident", f.Key)
				}
			}
			for _, inc := range w.open {
				if inc.allClear() {
					rt.Fatalf("incident %d is open and all clear", inc.ID)
				}
			}
		}
	})
}

func BenchmarkFold(b *testing.B) {
	var findings []checks.Finding
	for i := range 5000 {
		f := listing(fmt.Sprintf("10.0.%d.%d", i/256, i%256), "spamcop", checks.Problem, checks.Major)
		f.At = start
		findings = append(findings, f)
	}
	open := Fold(Input{Findings: findings, Now: start})
	in := Input{Open: []Incident{open[0].Incident}, Findings: findings, Now: start.Add(time.Hour)}
	b.ReportAllocs()
	for b.Loop() {
		Fold(in)
	}
}

// BenchmarkFoldNetworkReturns is a network that was listed as a whole and is on another
// list now: the fold runs under the lock of the database, so it must not compare
// every question with every other.
func BenchmarkFoldNetworkReturns(b *testing.B) {
	all := func(list string) (out []checks.Finding) {
		for i := range 20000 {
			f := listing(fmt.Sprintf("10.0.%d.%d", i/256, i%256), list, checks.Problem, checks.Major)
			f.At = start
			out = append(out, f)
		}
		return out
	}
	was := Fold(Input{Findings: all("spamcop"), Now: start})[0].Incident
	was.ID, was.State, was.Resolved = 1, Resolved, start.Add(time.Hour)
	in := Input{Recent: []Incident{was}, Findings: all("psbl"), Now: start.Add(2 * time.Hour)}
	b.ReportAllocs()
	for b.Loop() {
		Fold(in)
	}
}

func (inc *Incident) member(key checks.Key) *Member {
	for i := range inc.Members {
		if inc.Members[i].Finding.Key == key {
			return &inc.Members[i]
		}
	}
	return nil
}
