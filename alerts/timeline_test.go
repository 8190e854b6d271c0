package alerts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reputed/checks"
)

// A timeline is one letter a step, ten minutes apart:
//
//	L  192.0.2.10 is listed by SpamCop (major)     o  every list answers clean about it
//	C  by Spamhaus ZEN (critical)                  ?  no list answers
//	m  by PSBL (minor)                             X  no list answers, and that is told as our own blindness
//	B  a refusal that the mail proves              v  they answer again: clean about the blindness
//	M  200 addresses of one network are listed     w  and all of these are clean
//	n  a neighbour is listed by the same operator  -  nothing but time
//	a  kim acknowledges it                         s  kim silences it for two hours
//	r  kim resolves it by hand                     >  four hours pass        }  a day passes
//
// The story is what people hear, "." for nothing; the incidents open at the end follow in brackets.
func TestTimelines(t *testing.T) {
	for _, c := range []struct{ rule, runs, want string }{
		{"a problem opens at once, two clean answers close it", "Loo", "opened . resolved [0]"},
		{"unknown neither opens nor closes", "?L?L?o?o", ". opened . . . . . resolved [0]"},
		{"one clean answer closes nothing", "LoLoL", "opened . . . . [1]"},
		{"unknown between clean answers proves nothing", "Lo?o", "opened . . resolved [0]"},
		{"clean without a problem is no news", "ooo", ". . . [0]"},
		{"a step that does not ask moves nothing", "L---o-o", "opened . . . . . resolved [0]"},
		{"unknown for ever keeps it open", "L?????????", "opened . . . . . . . . . [1]"},

		{"a bounce and a listing are one incident, and worse together", "LB", "opened worsened [1]"},
		{"a worse list worsens it, a lesser one joins in silence", "LCm", "opened worsened . [1]"},
		{"what is minor is for the digest", "moo", ". . . [0]"},
		{"a minor matter that becomes harm is told", "mC", ". worsened [1]"},

		{"a return is a relapse of the same history", "LooL", "opened . resolved opened [1]"},
		{"what comes and goes is told once and held", "LooLooLooL", "opened . resolved opened . flapping . . . . [1]"},
		{"and ends when it has been clean for a day", "LooLoo}-", "opened . resolved opened . flapping . resolved [0]"},
		{"once a day is no flapping", "Loo}Loo}Loo}Loo", "opened . resolved . opened . resolved . opened . resolved . opened . resolved [0]"},

		{"200 addresses listed at once are one message", "Mww", "opened . resolved [0]"},
		{"one more of them joins in silence", "MM", "opened . [1]"},
		{"a neighbour at the same operator joins", "Ln", "opened . [1]"},

		{"blindness is one incident and freezes the rest", "CXX>X", "opened opened . . . [2]"},
		{"when it is over all goes on as it was", "CXvvC", "opened opened . resolved . [1]"},
		{"blind for a day, nothing is closed and nothing is new", "LX}X", "opened opened . reminder [2]"},

		{"a critical one goes to the second channel, and is told again every four hours", "C>C>C>C", "opened . escalated . reminder . reminder [1]"},
		{"not while somebody has it", "Ca>C>C", "opened . . . . . [1]"},
		{"until it gets worse", "La-C", "opened . . worsened [1]"},
		{"acknowledged, its end is told all the same", "Laoo", "opened . . resolved [0]"},
		{"silenced, nobody hears of it, and of the end of that before", "Cs----------->CC", "opened . . . . . . . . . silence ending . . . . escalated [1]"},
		{"a silence holds back a rise too", "LsC", "opened . . [1]"},
		{"a page that nobody takes goes to the second channel, once", "C------", "opened . . . . . escalated [1]"},
		{"not if somebody has taken it", "Ca------", "opened . . . . . . . [1]"},
		{"resolved by hand, it is back if it is still there", "LrL", "opened . opened [1]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w := newWorld(t)
			w.policy.MinSeverity = checks.Major
			w.policy.Escalate = Escalation{After: time.Hour, Channels: []string{"pager"}}
			var story []string
			for _, letter := range c.runs {
				story = append(story, w.step(letter))
			}
			if got := fmt.Sprintf("%s [%d]", strings.Join(story, " "), len(w.open)); got != c.want {
				t.Errorf("runs %s\n got %s\nwant %s", c.runs, got, c.want)
			}
		})
	}
}

func (w *world) step(letter rune) string {
	const ours = "192.0.2.10"
	is := func(list string, s checks.Severity) checks.Finding {
		f := listing(ours, list, checks.Problem, s)
		f.Facts[checks.FactOperator] = list
		return f
	}
	lists := func(status checks.Status) []checks.Finding {
		return []checks.Finding{listing(ours, "spamcop", status, ""), listing(ours, "zen", status, ""), listing(ours, "psbl", status, "")}
	}
	network := func(status checks.Status) (all []checks.Finding) {
		for i := range 200 {
			all = append(all, listing(fmt.Sprintf("198.51.100.%d", i), "spamcop", status, checks.Major))
		}
		return all
	}
	blind := func(status checks.Status) checks.Finding {
		return checks.Finding{Key: checks.Key{Check: "resolver", Target: "monitor:resolver"}, Target: checks.Monitor("resolver"), Code: checks.CodeBlind,
			Status: status, Severity: checks.Major, Settle: 5 * time.Minute, Summary: "most lists could not be asked"}
	}
	person := func(do func(*Incident)) string {
		do(&w.open[0])
		w.now = w.now.Add(10 * time.Minute)
		return "."
	}
	switch letter {
	case 'L':
		return told(w.run(is("spamcop", checks.Major)))
	case 'C':
		return told(w.run(is("zen", checks.Critical)))
	case 'm':
		return told(w.run(is("psbl", checks.Minor)))
	case 'n':
		f := listing("192.0.2.77", "spamcop", checks.Problem, checks.Major)
		f.Facts[checks.FactOperator] = "spamcop"
		return told(w.run(f))
	case 'B':
		w.impacts = []checks.Impact{refused(ours, "example.net")}
		return told(w.run(refusal(ours, "cisco", checks.Problem, checks.Major)))
	case 'o':
		return told(w.run(lists(checks.OK)...))
	case '?':
		return told(w.run(lists(checks.Unknown)...))
	case 'X':
		return told(w.run(append(lists(checks.Unknown), blind(checks.Problem))...))
	case 'v':
		return told(w.run(blind(checks.OK)))
	case 'M':
		return told(w.run(network(checks.Problem)...))
	case 'w':
		return told(w.run(network(checks.OK)...))
	case 'a':
		return person(func(i *Incident) { *i = apply(w.t, *i, Action{Kind: Ack, By: "kim", At: w.now}) })
	case 's':
		return person(func(i *Incident) {
			*i = apply(w.t, *i, Action{Kind: Mute, By: "kim", Note: "moving", At: w.now, Until: w.now.Add(2 * time.Hour)})
		})
	case 'r':
		over := apply(w.t, w.open[0], Action{Kind: ResolveHand, By: "kim", At: w.now})
		w.open, w.resolved = w.open[1:], append(w.resolved, over)
		w.now = w.now.Add(10 * time.Minute)
		return "."
	case '>', '}':
		w.now = w.now.Add(map[rune]time.Duration{'>': 4 * time.Hour, '}': 24 * time.Hour}[letter])
		return "."
	}
	return told(w.run())
}

func apply(t *testing.T, inc Incident, a Action) Incident {
	t.Helper()
	after, err := inc.Apply(a)
	if err != nil {
		t.Fatal(err)
	}
	return after
}
