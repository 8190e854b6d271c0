package probes

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestASilentGroupIsLeftAloneAndTheOthersAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.trip = away()
		n.mute = func(_, name string) bool { return strings.HasSuffix(name, "bl-dead.") }
		o := ask(t, n.resolver(t, ResolverOptions{}), about(3000, "bl-dead", "bl1", "bl2", "bl3"))
		if o.failed["bl-dead"] != 3000 || o.answered["bl1"]+o.answered["bl2"]+o.answered["bl3"] != 9000 {
			t.Errorf("%+v", o)
		}
		// 32 in flight, each sent a few times until the group is given up, and one a second from then on.
		if got := len(n.sent["bl-dead."]); got > 5*groupInFlight {
			t.Errorf("%d packets to a dead list", got)
		}
		if got := n.most["bl1."]; got > groupInFlight {
			t.Errorf("%d in flight for one group, want at most %d", got, groupInFlight)
		}
	})
}

// A dead list has its whole time if that is all there is to wait for, and no more than
// the others if they are busy for long.
func TestALargeRoundDoesNotWaitForTheDead(t *testing.T) {
	for name, c := range map[string]struct {
		n           int
		least, most time.Duration
	}{
		"small": {20, 3 * time.Second, 3 * time.Second},
		"large": {4000, 2 * time.Second, 2900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.trip = away()
				n.mute = func(_, name string) bool { return strings.HasSuffix(name, "bl-dead.") }
				questions := func(yield func(Question) bool) {
					for q := range about(2, "bl-dead") {
						if !yield(q) {
							return
						}
					}
					about(c.n, "bl1")(yield)
				}
				start := time.Now()
				o := ask(t, n.resolver(t, ResolverOptions{}), questions)
				if took := time.Since(start); took < c.least || took > c.most || o.failed["bl-dead"] != 2 || o.answered["bl1"] != c.n {
					t.Errorf("%v: %+v", took, o)
				}
			})
		})
	}
}

func TestAGroupThatComesBackIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.trip = away()
		back := time.Now().Add(5 * time.Second)
		n.mute = func(_, name string) bool { return strings.HasSuffix(name, "bl-away.") && time.Now().Before(back) }
		// Ten questions a second to each, for ten seconds: the other's pace sets it.
		r := n.resolver(t, ResolverOptions{Limits: map[string]float64{"bl1": 10 / belowLimit}})
		var last []error
		waits := func(yield func(Question) bool) {
			for q := range about(100, "bl1", "bl-away") {
				if !yield(q) || q.Group == "bl1" && !yield(Question{}) {
					return
				}
			}
		}
		if err := r.Ask(t.Context(), waits, func(q Question, _ Answer, err error) {
			if q.Group == "bl-away" && q.Ref >= 80 {
				last = append(last, err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		for _, err := range last {
			if err != nil {
				t.Fatalf("still given up: %v", err)
			}
		}
		if len(last) != 20 {
			t.Errorf("%d answers", len(last))
		}
	})
}

func TestWhenNobodyAnswersNoGroupIsBlamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.trip = away()
		until := time.Now().Add(2 * time.Second)
		n.mute = func(string, string) bool { return time.Now().Before(until) }
		o := ask(t, n.resolver(t, ResolverOptions{}), about(500, "bl1", "bl2"))
		if o.answered["bl1"] != 500 || o.answered["bl2"] != 500 {
			t.Errorf("a resolver that was away for two seconds: %+v", o)
		}
	})
}

func TestAQuestionEndsInItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		tries   int
		packets int
	}{"one try": {1, 1}, "three": {3, 3}, "as many as fit": {10, 10}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.mute = func(string, string) bool { return true }
				start := time.Now()
				_, err := n.resolver(t, ResolverOptions{Timeout: 2 * time.Second, Tries: c.tries}).AskOne(t.Context(), Question{Name: "1.bl.", Type: TypeA, Group: "bl"})
				if took := time.Since(start); !errors.Is(err, ErrTimeout) || took != 2*time.Second || n.packets != c.packets {
					t.Errorf("%v after %v and %d packets", err, took, n.packets)
				}
			})
		})
	}
}

func TestASilentServerIsLeftForAnother(t *testing.T) {
	for name, c := range map[string]struct {
		set     func(*network)
		atFirst time.Duration // what the first question may take
	}{
		"silent": {func(n *network) { n.mute = func(server, _ string) bool { return server == "192.0.2.1:53" } }, unknownWait + 40*time.Millisecond},
		"closed": {func(n *network) {
			n.close = func(server netip.AddrPort) bool { return server == netip.MustParseAddrPort("192.0.2.1:53") }
		}, 40 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.trip = away()
				c.set(n)
				r := n.resolver(t, ResolverOptions{Servers: []string{"192.0.2.1", "2001:db8::53"}})
				for i, atMost := range []time.Duration{c.atFirst, 40 * time.Millisecond} {
					start := time.Now()
					a, err := r.AskOne(t.Context(), Question{Name: "1.bl.", Type: TypeA, Group: "bl"})
					if took := time.Since(start); err != nil || took > atMost || a.Server != "[2001:db8::53]:53" {
						t.Errorf("question %d: %v by %q after %v", i, err, a.Server, took)
					}
				}
				if o := ask(t, r, about(200, "bl")); o.answered["bl"] != 200 {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

// The error of a packet may come back from sending the next one, and then nothing
// else ever comes.
func TestAClosedPortLeavesNothingToWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.close = func(netip.AddrPort) bool { return true }
		failed, start := 0, time.Now()
		err := n.resolver(t, ResolverOptions{}).Ask(t.Context(), about(200, "bl1", "bl2"), func(_ Question, _ Answer, err error) {
			if !errors.Is(err, ErrUnreachable) {
				t.Error(err)
			}
			failed++
		})
		if took := time.Since(start); err != nil || failed != 400 || took > time.Second {
			t.Errorf("%v: %d failed after %v", err, failed, took)
		}
	})
}
