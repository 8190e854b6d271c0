package monitor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is a log that a test reads after Run has returned.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// runs collects at which minute after the start a job was started, and for which slot.
type runs struct {
	mu    sync.Mutex
	start time.Time
	at    []string
}

func (r *runs) note(slot time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Since(r.start).String()+" for "+slot.Sub(r.start).String())
}

// monitored runs jobs in a bubble of fake time for so long, and then stops them.
func monitored(t *testing.T, opt Options, d time.Duration, during func(*Monitor), jobs ...Job) error {
	t.Helper()
	m := New(opt)
	for _, j := range jobs {
		if err := m.Add(j); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	result := make(chan error)
	go func() { result <- m.Run(ctx) }()
	if during != nil {
		during(m)
	}
	time.Sleep(d)
	synctest.Wait()
	stop()
	return <-result
}

func every(t *testing.T, expr string) Schedule {
	t.Helper()
	s, err := ParseSchedule(expr, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMonitorStartsJobsWhenDue(t *testing.T) {
	for name, c := range map[string]struct {
		job    Job
		jitter time.Duration
		takes  time.Duration
		want   []string
	}{
		"first at once, then by schedule": {job: Job{Schedule: every(t, "@every 20m"), First: true},
			want: []string{"0s for 0s", "20m0s for 20m0s", "40m0s for 40m0s", "1h0m0s for 1h0m0s"}},
		"not first": {job: Job{Schedule: every(t, "@hourly")},
			want: []string{"1h0m0s for 1h0m0s"}},
		"only first": {job: Job{First: true},
			want: []string{"0s for 0s"}},
		"never": {job: Job{}},
		"first is not due yet, the last run before the restart counts": {
			job:  Job{Schedule: every(t, "@every 50m"), First: true, Last: start.Add(-20 * time.Minute)},
			want: []string{"30m0s for 30m0s"}},
		"first is overdue": {
			job:  Job{Schedule: every(t, "@every 50m"), First: true, Last: start.Add(-70 * time.Minute)},
			want: []string{"0s for 0s", "50m0s for 50m0s"}},
		"a slot missed before the start": {
			job:  Job{Schedule: every(t, "@every 50m"), Last: start.Add(-70 * time.Minute)},
			want: []string{"0s for -20m0s", "30m0s for 30m0s"}},
		"jitter moves the run, not the slot": {job: Job{Name: "dnsbl", Schedule: every(t, "@every 40m")}, jitter: 10 * time.Minute,
			want: []string{(40*time.Minute + Jitter("dnsbl", 10*time.Minute)).String() + " for 40m0s"}},
		"a run that takes long skips slots": {job: Job{Schedule: every(t, "@every 10m"), First: true}, takes: 25 * time.Minute,
			want: []string{"0s for 0s", "30m0s for 30m0s", "1h0m0s for 1h0m0s"}},
		"a run that ends before the slot skips none": {job: Job{Schedule: every(t, "@every 20m"), First: true}, takes: 20*time.Minute - time.Second,
			want: []string{"0s for 0s", "20m0s for 20m0s", "40m0s for 40m0s", "1h0m0s for 1h0m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &runs{start: time.Now()}
				c.job.Name = cmp.Or(c.job.Name, "job")
				c.job.Run = func(ctx context.Context, slot time.Time) error {
					r.note(slot)
					sleep(ctx, c.takes)
					return nil
				}
				if err := monitored(t, Options{Log: logTo(t.Output()), Jitter: c.jitter}, time.Hour, nil, c.job); err != nil {
					t.Error(err)
				}
				if !slices.Equal(r.at, c.want) {
					t.Errorf("got %v\nwant %v", r.at, c.want)
				}
			})
		})
	}
}

// start is when the fake time of every bubble begins.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func TestMonitorCountsAndLogsSkippedSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		err := monitored(t, Options{Log: logTo(&log)}, 29*time.Minute, nil, Job{Name: "slow", Schedule: every(t, "@every 10m"), First: true,
			Run: func(ctx context.Context, _ time.Time) error { <-ctx.Done(); return ctx.Err() }})
		if err != nil {
			t.Error(err)
		}
		for line, want := range map[string]int{`msg="slot skipped" job=slow`: 2, skipRunning: 2, `msg="job stopped" job=slow`: 1, "level=WARN msg=\"job": 0} {
			if n := strings.Count(log.String(), line); n != want {
				t.Errorf("%d of %d lines with %s:\n%s", n, want, line, &log)
			}
		}
	})
}

func TestMonitorSurvivesPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		n := 0
		err := monitored(t, Options{Log: logTo(&log)}, 45*time.Minute, nil, Job{Name: "wild", Schedule: every(t, "@every 10m"), First: true,
			Run: func(context.Context, time.Time) error {
				switch n++; n {
				case 1:
					panic("boom\x1b[31m")
				case 2:
					none := []int{}
					none[n]++ // a panic of the runtime, not of ours
				case 3:
					runtime.Goexit()
				case 4:
					return errors.New("no luck")
				}
				return nil
			}})
		if err != nil {
			t.Error(err)
		}
		if failed, done := strings.Count(log.String(), `msg="job failed"`), strings.Count(log.String(), `msg="job done"`); n != 5 || failed != 4 || done != 1 {
			t.Errorf("%d runs, %d failed and %d went well, want 5, 4 and 1", n, failed, done)
		}
		for _, want := range []string{"a value of type string", "monitor_test.go", "index out of range", errExited.Error(), "no luck"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log lacks %q:\n%s", want, &log)
			}
		}
		if strings.Contains(log.String(), "\x1b") {
			t.Error("the log holds an escape")
		}
	})
}

func TestPokesCoalesce(t *testing.T) {
	for name, c := range map[string]struct {
		gap   time.Duration
		takes time.Duration
		poke  func(*Monitor)
		want  []string
	}{
		"before the start": {poke: func(m *Monitor) { m.Poke("job"); m.Poke("job") }, want: []string{"0s for 0s"}},
		"at rest": {poke: func(m *Monitor) {
			time.Sleep(5 * time.Minute)
			m.Poke("job")
		}, want: []string{"5m0s for 5m0s"}},
		"while it runs, once more after": {takes: 10 * time.Minute, poke: func(m *Monitor) {
			m.Poke("job")
			for range 3 {
				time.Sleep(time.Minute)
				m.Poke("job")
			}
		}, want: []string{"0s for 0s", "10m0s for 10m0s"}},
		"no sooner than the gap": {gap: 15 * time.Minute, poke: func(m *Monitor) {
			for range 20 {
				m.Poke("job")
				time.Sleep(time.Minute)
			}
		}, want: []string{"0s for 0s", "15m0s for 15m0s", "30m0s for 30m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &runs{start: time.Now()}
				err := monitored(t, Options{Log: logTo(t.Output())}, 30*time.Minute, c.poke, Job{Name: "job", Gap: c.gap,
					Run: func(ctx context.Context, slot time.Time) error {
						r.note(slot)
						sleep(ctx, c.takes)
						return nil
					}})
				if err != nil {
					t.Error(err)
				}
				if !slices.Equal(r.at, c.want) {
					t.Errorf("got %v\nwant %v", r.at, c.want)
				}
			})
		})
	}
	if New(Options{}).Poke("nobody") {
		t.Error("poked a job that there is not")
	}
}

func TestScheduledRunAnswersAPoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &runs{start: time.Now()}
		err := monitored(t, Options{}, 25*time.Minute, func(m *Monitor) {
			time.Sleep(16 * time.Minute)
			m.Poke("job")
			time.Sleep(time.Minute)
			m.Poke("job") // the gap holds it back until the slot has come, which is then enough
		}, Job{Name: "job", Schedule: every(t, "@every 20m"), First: true, Gap: 15 * time.Minute,
			Run: func(_ context.Context, slot time.Time) error { r.note(slot); return nil }})
		want := []string{"0s for 0s", "16m0s for 16m0s", "20m0s for 20m0s", "40m0s for 40m0s"}
		if err != nil || !slices.Equal(r.at, want) {
			t.Errorf("got %v, %v\nwant %v", r.at, err, want)
		}
	})
}

func TestTimeoutEndsOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		err := monitored(t, Options{Log: logTo(&log)}, 12*time.Minute, nil, Job{Name: "hung", Schedule: every(t, "@every 10m"), First: true, Timeout: 5 * time.Minute,
			Run: func(ctx context.Context, _ time.Time) error { <-ctx.Done(); return ctx.Err() }})
		if err != nil {
			t.Error(err)
		}
		// The second run was stopped with the monitor, which is no failure.
		for line, want := range map[string]int{"stopped after 5m: context deadline exceeded": 1, "job failed": 1, "job stopped": 1, "slot skipped": 0} {
			if n := strings.Count(log.String(), line); n != want {
				t.Errorf("%d of %d lines with %q:\n%s", n, want, line, &log)
			}
		}
	})
}

func TestStopWaitsForWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		before := time.Now()
		err := monitored(t, Options{}, time.Minute, nil, Job{Name: "tidy", First: true, Run: func(ctx context.Context, _ time.Time) error {
			<-ctx.Done()
			time.Sleep(StopTimeout - time.Second)
			ended = true
			return nil
		}})
		if took := time.Since(before) - time.Minute; err != nil || !ended || took != StopTimeout-time.Second {
			t.Errorf("ended %v after %v, %v", ended, took, err)
		}
	})
}

func TestStopNamesTheJobThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		stubborn := func(context.Context, time.Time) error { <-let; return nil }
		fine := func(ctx context.Context, _ time.Time) error { <-ctx.Done(); return nil }
		before := time.Now()
		err := monitored(t, Options{}, time.Minute, nil, Job{Name: "mute", First: true, Run: stubborn}, Job{Name: "fine", First: true, Run: fine})
		if took := time.Since(before) - time.Minute; took != StopTimeout {
			t.Errorf("stopped in %v, want %v", took, StopTimeout)
		}
		if !errors.Is(err, ErrStuck) || !strings.Contains(err.Error(), "mute") || strings.Contains(err.Error(), "fine") {
			t.Errorf("error %v", err)
		}
		close(let)
		synctest.Wait()
	})
}

func TestNothingStartsAfterTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		n := 0
		m := New(Options{})
		if err := m.Add(Job{Name: "a", First: true, Schedule: Every(time.Second), Run: func(context.Context, time.Time) error { n++; return nil }}); err != nil {
			t.Fatal(err)
		}
		m.Poke("a")
		if err := m.Run(ctx); err != nil || n != 0 {
			t.Errorf("%d runs, %v", n, err)
		}
		if err := m.Run(ctx); err == nil {
			t.Error("ran twice")
		}
	})
}

func TestAddRefuses(t *testing.T) {
	m := New(Options{})
	run := func(context.Context, time.Time) error { return nil }
	if err := m.Add(Job{Name: "a", Run: run}); err != nil {
		t.Fatal(err)
	}
	for name, j := range map[string]Job{"a name twice": {Name: "a", Run: run}, "no name": {Run: run}, "nothing to run": {Name: "b"}} {
		if err := m.Add(j); err == nil {
			t.Errorf("%s: added", name)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := m.Add(Job{Name: "late", Run: run}); err == nil {
		t.Error("added to a monitor that ran")
	}
}
