package probes

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Deadlines come out in order, whatever is taken out of their midst.
func TestDeadlinesComeInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d deadlines
		var want []time.Time
		var in []*flight
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if len(in) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				i := rapid.IntRange(0, len(in)-1).Draw(t, "which")
				d.remove(in[i])
				in = slices.Delete(in, i, i+1)
				continue
			}
			f := &flight{due: time.Unix(rapid.Int64Range(0, 50).Draw(t, "due"), 0)}
			d.push(f)
			in = append(in, f)
		}
		for _, f := range in {
			want = append(want, f.due)
		}
		slices.SortFunc(want, time.Time.Compare)
		for i, w := range want {
			if next, ok := d.next(); !ok || !next.Equal(w) {
				t.Fatalf("number %d is due at %v, want %v", i, next, w)
			}
			f := d[0]
			d.remove(f)
			if f.place != -1 {
				t.Fatal("removed, and still has a place")
			}
		}
		if _, ok := d.next(); ok {
			t.Fatal("something is left")
		}
	})
}

func TestTheWindowFindsOut(t *testing.T) {
	now := time.Unix(1e9, 0)
	for name, c := range map[string]struct {
		most     int
		steps    int
		answers  int
		timeouts int
		trip     time.Duration
		full     bool
		want     int
	}{
		"grows by a half":                          {1024, 1, 100, 0, 20 * time.Millisecond, true, 192},
		"to the most":                              {1024, 40, 5000, 0, 20 * time.Millisecond, true, 1024},
		"not while it is not used up":              {1024, 5, 100, 0, 20 * time.Millisecond, false, 128},
		"not past 256 if the trip is short":        {1024, 40, 9000, 0, 100 * time.Microsecond, true, 256},
		"a few losses do not stop it":              {1024, 1, 98, 2, 20 * time.Millisecond, true, 192},
		"more than that do":                        {1024, 5, 93, 7, 20 * time.Millisecond, true, 128},
		"a tenth makes it shrink":                  {1024, 1, 80, 20, 20 * time.Millisecond, true, 89},
		"not below the least":                      {1024, 40, 50, 50, 20 * time.Millisecond, true, 32},
		"of a few outcomes nothing is learnt":      {1024, 9, 1, 8, 20 * time.Millisecond, true, 128},
		"never above what the caller has set":      {10, 9, 100, 0, 20 * time.Millisecond, true, 10},
		"nor forced up to the least by the losses": {10, 9, 50, 50, 20 * time.Millisecond, true, 10},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWindow(c.most, now)
			at := now
			for range c.steps {
				for range c.answers {
					w.answered(c.trip)
				}
				for range c.timeouts {
					w.timedOut()
				}
				if c.full {
					w.room(1 << 20)
				}
				w.step(at.Add(windowStep - 1)) // too early
				at = at.Add(windowStep)
				w.step(at)
			}
			if int(w.size) != c.want {
				t.Errorf("%v in flight, want %d", w.size, c.want)
			}
		})
	}
}

func TestTheWindowGrowsMoreSlowlyOnceItHasMetABound(t *testing.T) {
	at := time.Unix(1e9, 0)
	w := newWindow(1024, at)
	for i, c := range []struct{ timeouts, want int }{{0, 192}, {20, 134}, {0, 168}} {
		for range 100 - c.timeouts {
			w.answered(20 * time.Millisecond)
		}
		for range c.timeouts {
			w.timedOut()
		}
		w.room(1 << 20)
		at = at.Add(windowStep)
		w.step(at)
		if int(w.size+0.5) != c.want {
			t.Errorf("step %d: %v in flight, want %d", i, w.size, c.want)
		}
	}
}

func TestHowLongAPacketIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		tries int
		first time.Duration
		want  []time.Duration
	}{
		"twice as long each time, the last to the end": {5, 200 * time.Millisecond, []time.Duration{200, 400, 800, 800, 800}},
		"as many as fit": {10, 200 * time.Millisecond, []time.Duration{200, 311, 311, 311, 311, 311, 311, 311, 311, 312}},
		"one":            {1, 200 * time.Millisecond, []time.Duration{3000}},
		"a slow list":    {3, 5 * time.Second, []time.Duration{1000, 1000, 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			left := 3 * time.Second
			var got []time.Duration
			for nth := 1; nth <= c.tries; nth++ {
				w := waitFor(c.first, nth, c.tries, left)
				got = append(got, w.Round(time.Millisecond)/time.Millisecond)
				left -= w
			}
			if left != 0 {
				t.Errorf("%v of the time is left", left)
			}
			for i := range c.want {
				if (got[i] - c.want[i]).Abs() > 1 {
					t.Fatalf("got %v, want %v ms", got, c.want)
				}
			}
		})
	}
}

func TestAGroupIsHeldInOrder(t *testing.T) {
	g := &group{}
	next := uint64(0)
	for i := range uint64(2000) {
		g.hold(Question{Ref: i})
		if i%3 > 0 {
			if q := g.release(); q.Ref != next {
				t.Fatalf("got %d, want %d", q.Ref, next)
			}
			next++
		}
	}
	for g.waiting() > 0 {
		if q := g.release(); q.Ref != next {
			t.Fatalf("got %d, want %d", q.Ref, next)
		}
		next++
	}
	if next != 2000 {
		t.Errorf("%d came out", next)
	}
}
