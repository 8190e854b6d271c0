package daemon

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reputed/internal/monitor"
)

// told is a service whose supervisor is this test.
type told struct {
	mu  sync.Mutex
	all []string
}

func (o *told) service(t *testing.T, watchdog time.Duration) Service {
	return Service{log: slog.New(slog.NewTextHandler(t.Output(), nil)), watchdog: watchdog, Send: func(s string) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.all = append(o.all, s)
		return nil
	}}
}

// take gives what was told since it was last called.
func (o *told) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() { o.all = nil }()
	return o.all
}

// TestWatchdogIsFedOnlyByProgress is a daemon in which one part hangs: the feeding stops when its time is over, the part
// is named, and all is well again when it has come back.
func TestWatchdogIsFedOnlyByProgress(t *testing.T) {
	hang := func(p *pulse, name string, limit time.Duration) func(ctx context.Context) {
		return func(ctx context.Context) {
			defer p.work(name, limit)()
			<-ctx.Done()
		}
	}
	for name, c := range map[string]struct {
		limit time.Duration
		hangs func(d *Daemon) func(ctx context.Context)
		says  string
	}{
		"a job that ignores its timeout": {time.Minute + jobLimit, func(d *Daemon) func(context.Context) {
			run := d.limited(monitor.Job{Name: "dnsbl", Timeout: time.Minute, Run: func(ctx context.Context, _ time.Time) error { <-ctx.Done(); return nil }})
			return func(ctx context.Context) { _ = run(ctx, time.Now()) }
		}, "job dnsbl"},
		"a channel": {deliverLimit, func(d *Daemon) func(context.Context) { return hang(&d.pulse, "channel slack", deliverLimit) }, "channel slack"},
		"a commit":  {leaseLimit, func(d *Daemon) func(context.Context) { return hang(&d.pulse, "database", leaseLimit) }, "database"},
		"a reader that gives no sign": {5*time.Minute + readerPatience, func(d *Daemon) func(context.Context) {
			m := &mailbox{name: "bounces", poll: 5 * time.Minute}
			return func(ctx context.Context) { d.signOf(m); <-ctx.Done(); d.signOf(m) }
		}, "mailbox bounces"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var supervisor told
				d := &Daemon{service: supervisor.service(t, 3*time.Minute)}
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() { d.service.feed(ctx, d.pulse.stuck) })
				hung, release := context.WithCancel(ctx)
				wg.Go(func() { c.hangs(d)(hung) })

				time.Sleep(c.limit + time.Second)
				synctest.Wait()
				if said := supervisor.take(); len(said) < int(c.limit/time.Minute) || slices.ContainsFunc(said, func(s string) bool { return s != "WATCHDOG=1" }) {
					t.Errorf("within its time: %q, want to be fed each minute and nothing else", said)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				said := supervisor.take()
				if slices.Contains(said, "WATCHDOG=1") || len(said) == 0 || !strings.HasPrefix(said[0], "STATUS=stuck: "+c.says+" for ") {
					t.Errorf("after it: %q, want a status that names %q and no feeding", said, c.says)
				}
				release()
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if said := supervisor.take(); !slices.Contains(said, "WATCHDOG=1") {
					t.Errorf("when it got on: %q, want to be fed again", said)
				}
				cancel()
				wg.Wait()
			})
		})
	}
}

func TestSupervisorWaitsForALongMigration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var supervisor told
		done := supervisor.service(t, 0).Opening()
		time.Sleep(openingEvery / 2)
		if said := supervisor.take(); len(said) > 0 {
			t.Errorf("a start that is quick says %q", said)
		}
		time.Sleep(openingEvery)
		if said := supervisor.take(); !slices.Equal(said, []string{"EXTEND_TIMEOUT_USEC=60000000\nSTATUS=opening the database"}) {
			t.Errorf("a start that takes long says %q", said)
		}
		done()
		time.Sleep(time.Hour)
		if said := supervisor.take(); len(said) > 0 {
			t.Errorf("after it: %q", said)
		}
	})
}
