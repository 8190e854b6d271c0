package probes

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reputed/internal/reliability"
)

// about counts off n questions to each of some lists, in turn.
func about(n int, lists ...string) iter.Seq[Question] {
	return func(yield func(Question) bool) {
		for i := range n {
			for _, l := range lists {
				if !yield(Question{Name: fmt.Sprintf("%d.%d.2.0.%s.", i%256, i/256, l), Type: TypeA, Group: l, Ref: uint64(i)}) {
					return
				}
			}
		}
	}
}

// outcomes are how many questions of each group were answered, and how many were not.
type outcomes struct{ answered, failed map[string]int }

func ask(t *testing.T, r *Resolver, questions iter.Seq[Question]) outcomes {
	t.Helper()
	o := outcomes{map[string]int{}, map[string]int{}}
	if err := r.Ask(t.Context(), questions, func(q Question, a Answer, err error) {
		switch {
		case err == nil:
			o.answered[q.Group]++
		case errors.Is(err, ErrTimeout):
			o.failed[q.Group]++
		default:
			t.Error(err)
		}
	}); err != nil {
		t.Error(err)
	}
	return o
}

// away is a round trip of 20 ms, more or less.
func away() func() time.Duration {
	r := rand.New(rand.NewPCG(3, 4))
	return func() time.Duration { return 10*time.Millisecond + time.Duration(r.IntN(20e6)) }
}

func TestLossCostsNoAnswerAndNoMorePacketsThanItMust(t *testing.T) {
	for _, c := range []struct {
		lost  float64
		tries int
		n     int
	}{{0, 0, 2000}, {0.02, 0, 20000}, {0.2, 10, 3000}} {
		t.Run(fmt.Sprint(c.lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.trip, n.lost = away(), c.lost
				o := ask(t, n.resolver(t, ResolverOptions{Tries: c.tries}), about(c.n/10, strings.Fields("bl0 bl1 bl2 bl3 bl4 bl5 bl6 bl7 bl8 bl9")...))
				missed := c.n
				for l := range 10 {
					got := o.answered[fmt.Sprint("bl", l)]
					missed -= got
					if got != c.n/10 {
						t.Errorf("bl%d: %d answered, %d not", l, got, o.failed[fmt.Sprint("bl", l)])
					}
				}
				// Each packet is lost as often as any: one question takes 1/(1-lost) of them, give or take.
				most := 1.2*c.lost + 1
				if c.lost > 0.1 {
					most = 1/(1-c.lost) + 0.03
				}
				if got := float64(n.packets) / float64(c.n); got > most {
					t.Errorf("%.4f packets a question, want at most %.4f", got, most)
				}
				if c.lost == 0 {
					return // no fault
				}
				reliability.Record(t, reliability.Row{Area: reliability.DNS, Fault: fmt.Sprintf("%.0f %% of all packets lost", 100*c.lost), Tries: c.n, Unit: "questions",
					Promised: "each is answered, with no more packets than it must", Seen: fmt.Sprintf("%d without an answer", missed)})
			})
		})
	}
}

// Whatever comes late, twice, in another order or not at all: each question is told of once, answered or unknown.
func TestEachQuestionIsToldOfOnce(t *testing.T) {
	for _, c := range []struct {
		fault       string
		lost, twice float64
		slowest     time.Duration
		all         bool // each can be answered
	}{
		{"answers take 1 ms to 2 s and come in any order", 0, 0, 2 * time.Second, true},
		{"every other answer comes twice, the second time up to 2 s later", 0, 0.5, 2 * time.Second, true},
		{"50 % of all packets lost, every other answer twice", 0.5, 0.5, 100 * time.Millisecond, false},
	} {
		t.Run(c.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				r := rand.New(rand.NewPCG(5, 6))
				var mu sync.Mutex
				n.lost, n.twice, n.trip = c.lost, c.twice, func() time.Duration {
					mu.Lock()
					defer mu.Unlock()
					return time.Millisecond + time.Duration(r.Int64N(int64(c.slowest)))
				}
				const questions = 4000
				told := map[string]int{}
				for q := range about(questions/4, "bl1", "bl2", "bl3", "bl4") {
					told[q.Name] = 0
				}
				unanswered, wrong := 0, 0
				if err := n.resolver(t, ResolverOptions{}).Ask(t.Context(), about(questions/4, "bl1", "bl2", "bl3", "bl4"), func(q Question, a Answer, err error) {
					told[q.Name]++
					switch {
					case errors.Is(err, ErrTimeout):
						unanswered++
					case err != nil || a.RCode != "NXDOMAIN" || len(a.Records) > 0:
						wrong++
						t.Errorf("%s: %v, %v", q, a, err)
					}
				}); err != nil {
					t.Fatal(err)
				}
				notOnce := 0
				for name, times := range told {
					if times != 1 {
						notOnce++
						t.Errorf("%s was told of %d times", name, times)
					}
				}
				if c.all && unanswered > 0 {
					t.Errorf("%d without an answer, which came to each", unanswered)
				}
				seen := fmt.Sprintf("%d not once, %d wrong", notOnce, wrong)
				if c.all {
					seen += fmt.Sprintf(", %d unknown", unanswered)
				}
				reliability.Record(t, reliability.Row{Area: reliability.DNS, Fault: c.fault, Tries: questions, Unit: "questions",
					Promised: "each is told of once, by its own answer or as unknown", Seen: seen})
			})
		})
	}
}

// What has arrived is not lost because the caller took its time over another answer.
func TestABusyCallerCostsNoPackets(t *testing.T) {
	for _, n := range []int{manyInFlight / 2, 4 * manyInFlight} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newNetwork()
				net.trip = away()
				err := net.resolver(t, ResolverOptions{}).Ask(t.Context(), about(n/4, "bl1", "bl2", "bl3", "bl4"), func(q Question, _ Answer, err error) {
					if err != nil {
						t.Error(err)
					}
					if q.Ref%16 == 0 {
						time.Sleep(2 * unknownWait)
					}
				})
				if err != nil || net.packets != n {
					t.Errorf("%v: %d packets for %d questions", err, net.packets, n)
				}
			})
		})
	}
}

func TestAPublishedRateIsKept(t *testing.T) {
	for _, rate := range []float64{5, 100, 3000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				if rate < 1000 { // else the bound on what a group has in flight is lower
					n.trip, n.lost = away(), 0.05
				}
				r := n.resolver(t, ResolverOptions{Limits: map[string]float64{"bl-slow": rate}})
				start, quick := time.Now(), time.Duration(0)
				count := int(rate * 3)
				err := r.Ask(t.Context(), about(count, "bl-slow", "bl-quick"), func(q Question, _ Answer, err error) {
					if err != nil {
						t.Error(err)
					}
					if q.Group == "bl-quick" {
						quick = time.Since(start)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if got := n.peak("bl-slow."); float64(got) > 1.1*rate+1 {
					t.Errorf("%d packets in one second, the limit is %v", got, rate)
				}
				if took := time.Since(start); took < 2900*time.Millisecond || took > 5*time.Second {
					t.Errorf("3 s worth of questions took %v", took)
				}
				if rate < 1000 && quick > 2*time.Second {
					t.Errorf("a list without a limit was held up: %v", quick)
				}
			})
		})
	}
}

func TestTwoRoundsShareOnePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		r := n.resolver(t, ResolverOptions{Limits: map[string]float64{"bl": 50}})
		done := make(chan bool)
		for range 2 {
			go func() {
				ask(t, r, about(100, "bl"))
				done <- true
			}()
		}
		<-done
		<-done
		if got := n.peak("bl."); got > 55 {
			t.Errorf("%d packets in one second, the limit is 50", got)
		}
	})
}

func TestRoundsShareWhatMayBeInFlight(t *testing.T) {
	for name, c := range map[string]struct{ concurrency, share int }{"few": {16, 2}, "many": {200, 25}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.trip = func() time.Duration { return 20 * time.Millisecond }
				r := n.resolver(t, ResolverOptions{Concurrency: c.concurrency})
				var rounds sync.WaitGroup
				var most [2]int64
				for i := range most {
					rounds.Go(func() {
						if err := r.Ask(t.Context(), about(300, strings.Fields("bl0 bl1 bl2 bl3 bl4 bl5 bl6 bl7 bl8 bl9")...), func(Question, Answer, error) {
							most[i] = max(most[i], 1+r.flying.Load())
						}); err != nil {
							t.Error(err)
						}
					})
				}
				rounds.Wait()
				// Two may look for room at the same moment.
				if got := int(max(most[0], most[1])); got > c.concurrency+c.share+1 || got < c.concurrency/2 || r.flying.Load() != 0 {
					t.Errorf("%d in flight, want at most %d and a share of %d; in the end %d", got, c.concurrency, c.share, r.flying.Load())
				}
			})
		})
	}
}

func TestASequenceThatWaits(t *testing.T) {
	n := newNetwork()
	r := n.resolver(t, ResolverOptions{})
	var answers int
	// Each question depends on the answer to the one before.
	chain := func(yield func(Question) bool) {
		for i := range 5 {
			if !yield(Question{Name: fmt.Sprintf("%d.bl.", i), Type: TypeA}) || !yield(Question{}) {
				return
			}
			if answers != i+1 {
				t.Errorf("drawn on after %d answers, want %d", answers, i+1)
			}
		}
	}
	if err := r.Ask(t.Context(), chain, func(Question, Answer, error) { answers++ }); err != nil || answers != 5 {
		t.Errorf("%v after %d answers", err, answers)
	}
	// Nothing is to come: that would never end.
	if err := r.Ask(t.Context(), func(yield func(Question) bool) { yield(Question{}) }, nil); !errors.Is(err, errNobodyToWaitFor) {
		t.Errorf("got %v", err)
	}
}

// The engine alone: the network answers at once. What is left to allocate is the
// caller's name.
func BenchmarkEngine(b *testing.B) {
	r := testResolver(b, ResolverOptions{Servers: []string{"192.0.2.53"}})
	r.open = func(_ netip.AddrPort, s *socket, in *inbox) (way, error) { return &mirror{s, in}, nil }
	b.ReportAllocs()
	if err := r.Ask(b.Context(), counted(b.N), func(_ Question, a Answer, err error) {
		if err != nil || a.RCode != "NXDOMAIN" {
			b.Error(a, err)
		}
	}); err != nil {
		b.Fatal(err)
	}
}

func TestAnUnlistedAnswerAllocatesLittle(t *testing.T) {
	if n := testing.Benchmark(BenchmarkEngine).AllocsPerOp(); n > 1 {
		t.Errorf("%d allocations an answer, want the caller's one", n)
	}
}

// What is kept is what is in flight, however many questions there are.
func TestMemoryDoesNotGrowWithTheQuestions(t *testing.T) {
	r := testResolver(t, ResolverOptions{Servers: []string{"192.0.2.53"}})
	r.open = func(_ netip.AddrPort, s *socket, in *inbox) (way, error) { return &mirror{s, in}, nil }
	const questions = 200_000
	kept := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	told, early, late := 0, uint64(0), uint64(0)
	if err := r.Ask(t.Context(), counted(questions), func(Question, Answer, error) {
		switch told++; told {
		case questions / 10:
			early = kept()
		case questions * 9 / 10:
			late = kept()
		}
	}); err != nil {
		t.Fatal(err)
	}
	// A list of the questions would take 80 octets for each.
	if late > early+questions {
		t.Errorf("%d octets are kept after a tenth of the questions, and %d after nine", early, late)
	}
}

// counted is n questions, each with a name of its own.
func counted(n int) iter.Seq[Question] {
	return func(yield func(Question) bool) {
		buf := []byte("000000.2.0.192.bl.example.")
		for i := range n {
			for at, left := 5, i; at >= 0; at, left = at-1, left/10 {
				buf[at] = '0' + byte(left%10)
			}
			if !yield(Question{Name: string(buf), Type: TypeA, Group: "bl"}) {
				return
			}
		}
	}
}

// mirror answers "no such name" by the packet itself.
type mirror struct {
	socket *socket
	in     *inbox
}

func (m *mirror) Send(packets [][]byte) (int, error) {
	for _, p := range packets {
		p[2], p[3] = 0x81, 3
		m.in.put(m.socket, [][]byte{p}, nil)
		p[2], p[3] = byte(FlagRD>>8), 0
	}
	return len(packets), nil
}

func (m *mirror) Receive() ([][]byte, error) { return nil, nil }
func (m *mirror) Await()                     {}
func (m *mirror) Close() error               { return nil }
