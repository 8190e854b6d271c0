package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/probes/probestest"
)

func names(n int, pulled *int) iter.Seq[Question] {
	return func(yield func(Question) bool) {
		for i := range n {
			*pulled++
			if !yield(Question{Name: fmt.Sprintf("%d.2.0.192.bl.example.", i), Type: TypeA, Ref: uint64(i)}) {
				return
			}
		}
	}
}

func TestAskAnswersEachQuestionOnceAndHoldsFew(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d, err := probestest.NewDNS(blExample(""))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range 3 {
		d.SetListed("bl.example", fmt.Sprintf("192.0.2.%d", 10*i), "")
	}
	r := testResolver(t, ResolverOptions{Concurrency: 7}, d)
	const n = 500
	pulled, answered, most := 0, map[uint64]int{}, 0
	err = r.Ask(t.Context(), names(n, &pulled), func(q Question, a Answer, err error) {
		if err != nil {
			t.Error(err)
		}
		most = max(most, pulled-len(answered))
		answered[q.Ref]++
		if want := q.Ref <= 20 && q.Ref%10 == 0; a.Exists() != want {
			t.Errorf("%s: exists %v, want %v", q.Name, a.Exists(), want)
		}
	})
	if err != nil || len(answered) != n || pulled != n {
		t.Errorf("%v: %d pulled, %d answered, want %d", err, pulled, len(answered), n)
	}
	for ref, times := range answered {
		if times != 1 {
			t.Errorf("question %d answered %d times", ref, times)
		}
	}
	if most > 7 {
		t.Errorf("%d questions were held at once, want at most 7", most)
	}
}

func TestCancellationEndsEveryQuestionAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d, err := probestest.NewDNS(blExample(probestest.ZoneMute))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	// A timeout of an hour: a cancellation that is not heeded never ends this test.
	r := testResolver(t, ResolverOptions{Concurrency: 5, Timeout: time.Hour}, d)
	var ctx context.Context
	var cancel context.CancelFunc
	for _, n := range []int{100, 3} { // more than can be in flight, and all of them in flight
		d.AddZone(blExample(probestest.ZoneMute)) // counts from zero again
		ctx, cancel = context.WithCancel(t.Context())
		want := min(n, 5)
		go func() {
			for d.Asked("bl.example").All < want {
				runtime.Gosched()
			}
			cancel()
		}()
		pulled, got := 0, 0
		err = r.Ask(ctx, names(n, &pulled), func(q Question, _ Answer, err error) {
			got++
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want the context's error", q.Name, err)
			}
		})
		if !errors.Is(err, context.Canceled) || pulled != got || pulled != want {
			t.Errorf("%d questions: %v, %d drawn, %d answered", n, err, pulled, got)
		}
	}
	pulled := 0
	if err := r.Ask(ctx, names(3, &pulled), func(Question, Answer, error) { t.Error("asked after the end") }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := r.AskOne(ctx, Question{Name: listedName, Type: TypeA}); !errors.Is(err, context.Canceled) {
		t.Errorf("one question after the end: %v", err)
	}
}

func TestCancellationEndsAQuestionOverTCP(t *testing.T) {
	// A server that truncates, takes the connection and then says nothing.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.ReadFull(c, make([]byte, 2))
		cancel()
		_, _ = io.Copy(io.Discard, c) // until the client goes
	}()
	rawDNS(t, ln.Addr().String(), func(q []byte) [][]byte {
		r := slices.Clone(q)
		r[2] |= 0x82 // QR, TC
		return [][]byte{r}
	})
	r := testResolver(t, ResolverOptions{Servers: []string{ln.Addr().String()}, Timeout: time.Hour})
	if _, err := r.AskOne(ctx, Question{Name: listedName, Type: TypeA}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAPanicInTheCallersCodeReachesTheCaller(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d, err := probestest.NewDNS(blExample(""))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := testResolver(t, ResolverOptions{}, d)
	pulled := 0
	for name, ask := range map[string]func(){
		"in got": func() {
			_ = r.Ask(t.Context(), names(200, &pulled), func(Question, Answer, error) { panic("mine") })
		},
		"in questions": func() {
			_ = r.Ask(t.Context(), func(yield func(Question) bool) {
				yield(Question{Name: listedName, Type: TypeA})
				panic("mine")
			}, func(Question, Answer, error) {})
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != "mine" {
					t.Errorf("recovered %v", p)
				}
			}()
			ask()
		})
	}
}

func BenchmarkAsk(b *testing.B) {
	d, err := probestest.NewDNS(blExample(""))
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	r := testResolver(b, ResolverOptions{}, d)
	b.ReportAllocs()
	pulled := 0
	_ = r.Ask(b.Context(), names(b.N, &pulled), func(q Question, _ Answer, err error) {
		if err != nil {
			b.Error(err)
		}
	})
}

// A list that truncates and is silent over TCP must not hold up a round for as many timeouts
// as there are tries.
func TestSilenceOverTCPIsWaitedForOnce(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var streams atomic.Int32
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			streams.Add(1)
			serving.Go(func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c) // until the client goes
			})
		}
	})
	rawDNS(t, ln.Addr().String(), func(q []byte) [][]byte {
		r := slices.Clone(q)
		r[2] |= 0x82 // QR, TC
		return [][]byte{r}
	})
	r := testResolver(t, ResolverOptions{Servers: []string{ln.Addr().String()}, Timeout: 200 * time.Millisecond, Tries: 5})
	_, err = r.AskOne(t.Context(), Question{Name: listedName, Type: TypeA})
	ln.Close()
	serving.Wait()
	if !errors.Is(err, ErrTimeout) || streams.Load() != 1 {
		t.Errorf("got %v after %d streams, want silence after 1", err, streams.Load())
	}
}
