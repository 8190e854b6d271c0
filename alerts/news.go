package alerts

import (
	"fmt"
	"slices"
	"time"

	"reputed/checks"
)

// What changes in an incident without making it worse is shown by its message, where that can be edited, and said in the
// thread of it: to whoever looks there, and nobody is called for it. What changed is said together: once nothing more
// has changed for NewsCalm, or NewsWait after the first of it if it goes on. A round over a network that lists
// one address after the other is one answer.
const (
	NewsCalm = 5 * time.Minute
	NewsWait = 30 * time.Minute
)

// maxNews is how many members of each kind a [News] holds.
const maxNews = 20

// News is what changed in an incident since it was last told or said, without making it worse.
type News struct {
	Joined     []Member // bad since then, worst first; at most 20
	Left       []Member // clear since then
	MoreJoined int      // how many there are besides
	MoreLeft   int
}

// Empty says that nothing changed after all: what came was gone before anything was said of it.
func (n News) Empty() bool { return len(n.Joined)+len(n.Left) == 0 }

// String is one line: "192.0.2.10 has no name in the DNS and 2 more; clear again: 192.0.2.10 is listed by SpamCop".
func (n News) String() string {
	said := func(members []Member, more int) string {
		if len(members) == 0 {
			return ""
		}
		s := checks.Line(members[0].Finding.Summary, 200)
		if more += len(members) - 1; more > 0 {
			s += fmt.Sprintf(" and %d more", more)
		}
		return s
	}
	joined, left := said(n.Joined, n.MoreJoined), said(n.Left, n.MoreLeft)
	switch {
	case left == "":
		return joined
	case joined == "":
		return "clear again: " + left
	}
	return joined + "; clear again: " + left
}

// After is what is said of both, where the older was not said before this was. What both name is as this says.
func (n News) After(older News) News {
	named := map[checks.Key]bool{}
	for _, m := range slices.Concat(n.Joined, n.Left) {
		named[m.Finding.Key] = true
	}
	add := func(members []Member, more int, older []Member, olderMore int) ([]Member, int) {
		all := slices.Clone(members)
		for _, m := range older {
			if !named[m.Finding.Key] {
				all = append(all, m)
			}
		}
		slices.SortStableFunc(all, compareMembers)
		return atMost(all, more+olderMore)
	}
	n.Joined, n.MoreJoined = add(n.Joined, n.MoreJoined, older.Joined, older.MoreJoined)
	n.Left, n.MoreLeft = add(n.Left, n.MoreLeft, older.Left, older.MoreLeft)
	return n
}

func atMost(members []Member, more int) ([]Member, int) {
	if rest := len(members) - maxNews; rest > 0 {
		return members[:maxNews:maxNews], more + rest
	}
	return members, more
}

// said is until when people know what changed in the incident.
func (inc *Incident) said() time.Time {
	if inc.Said.IsZero() {
		return inc.LastTold
	}
	return inc.Said
}

// news is what changed in it since, and when the first of it did.
func (inc *Incident) news() (n News, first time.Time) {
	said := inc.said()
	for _, m := range inc.Members {
		switch {
		case !m.Turned.After(said):
			continue
		case !m.Clear:
			n.Joined = append(n.Joined, m)
		case m.First.After(said): // it came and went
			continue
		default:
			n.Left = append(n.Left, m)
		}
		if first.IsZero() || m.Turned.Before(first) {
			first = m.Turned
		}
	}
	n.Joined, n.MoreJoined = atMost(n.Joined, 0)
	n.Left, n.MoreLeft = atMost(n.Left, 0)
	return n, first
}

// threads are the channels that told of an incident and can answer their own message.
func (p Policy) threads(inc *Incident) []string {
	return slices.DeleteFunc(slices.Clone(inc.Told), func(name string) bool { return !slices.Contains(p.Threads, name) })
}

// newsDue says what is to be said by now of what changed without getting worse, and where.
func (f *folder) newsDue(inc *Incident) (*News, []string) {
	now := f.in.Now
	channels := f.in.Policy.threads(inc)
	if len(channels) == 0 || !inc.Changed.After(inc.said()) || inc.Silence.Holds(now) || !inc.Flapping.IsZero() || inc.State == Clearing {
		return nil, nil
	}
	if _, quiet := f.in.Policy.Quiet.Until(now); quiet && f.in.Policy.Class(inc) != Page {
		return nil, nil
	}
	n, first := inc.news()
	calm := now.Sub(inc.Changed)
	// A change in the future is that of a clock which was wrong.
	if n.Empty() || calm < NewsCalm && calm >= -clockStep && now.Sub(first) < NewsWait {
		return nil, nil
	}
	return &n, channels
}
