package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
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

func (o *told) service(t *testing.T, watchdog time.Duration) service {
	return service{log: slog.New(slog.NewTextHandler(t.Output(), nil)), watchdog: watchdog, send: func(s string) error {
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
		hangs func(d *daemon) func(ctx context.Context)
		says  string
	}{
		"a job that ignores its timeout": {time.Minute + jobLimit, func(d *daemon) func(context.Context) {
			run := d.limited(monitor.Job{Name: "dnsbl", Timeout: time.Minute, Run: func(ctx context.Context, _ time.Time) error { <-ctx.Done(); return nil }})
			return func(ctx context.Context) { _ = run(ctx, time.Now()) }
		}, "job dnsbl"},
		"a channel": {deliverLimit, func(d *daemon) func(context.Context) { return hang(&d.pulse, "channel slack", deliverLimit) }, "channel slack"},
		"a commit":  {leaseLimit, func(d *daemon) func(context.Context) { return hang(&d.pulse, "database", leaseLimit) }, "database"},
		"a reader that gives no sign": {5*time.Minute + readerPatience, func(d *daemon) func(context.Context) {
			m := &mailbox{name: "bounces", poll: 5 * time.Minute}
			return func(ctx context.Context) { d.signOf(m); <-ctx.Done(); d.signOf(m) }
		}, "mailbox bounces"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var supervisor told
				d := &daemon{service: supervisor.service(t, 3*time.Minute)}
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
		done := supervisor.service(t, 0).opening()
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

// TestSupervisorIsTold runs the real program with a socket of sd_notify(3): it is ready when it works, is fed, reloads
// well and badly, and stops.
func TestSupervisorIsTold(t *testing.T) {
	v := newVictim(t, "keep")
	// A path of a socket may have 107 bytes: the folder of a test is too deep now and then.
	dir, err := os.MkdirTemp("", "reputed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	said := ""
	// await reads until something with this beginning was told.
	await := func(want string) {
		t.Helper()
		buf := make([]byte, 4096)
		for {
			for line := range strings.Lines(said) {
				if strings.HasPrefix(line, want) {
					_, said, _ = strings.Cut(said, line)
					return
				}
			}
			if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			n, err := socket.Read(buf)
			if err != nil {
				t.Fatalf("%q was never told, but %q: %v\n%s", want, said, err, v.log)
			}
			said += string(buf[:n]) + "\n"
		}
	}
	for key, value := range map[string]string{"NOTIFY_SOCKET": filepath.Join(dir, "notify"), "WATCHDOG_USEC": "300000"} {
		t.Setenv(key, value)
	}
	daemon := v.start()
	await("READY=1")
	await("STATUS=")
	await("WATCHDOG=1")
	await("WATCHDOG=1")

	file := filepath.Join(v.dir, "reputed.toml")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reload := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := daemon.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		await("RELOADING=1")
		await("MONOTONIC_USEC=")
		await("READY=1")
		await("WATCHDOG=1")
	}
	// What is wrong, and since when, is in status for as long as it is: also for somebody who looks with a
	// configuration that is in order.
	reload(append([]byte("nonsense = 1\nmore = 2\n"), good...))
	if err := os.WriteFile(filepath.Join(v.dir, "other.toml"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	status := func() string {
		t.Helper()
		show := exec.Command("reputed", "status", "--config", filepath.Join(v.dir, "other.toml"))
		show.Env = append(os.Environ(), "KILL_TEST_PASSWORD=x")
		said, err := show.Output()
		if err != nil && show.ProcessState.ExitCode() > 3 {
			t.Fatal(err)
		}
		return string(said)
	}
	if said := status(); !regexp.MustCompile(`config +since .*: not reloaded, the daemon goes on with the one before \(2 mistakes, reputed config check says all\): .*reputed.toml:1: .*nonsense`).MatchString(said) {
		t.Errorf("status after a bad reload:\n%s", said)
	}
	reload(good)
	if said := status(); strings.Contains(said, "not reloaded") {
		t.Errorf("status after a good one:\n%s", said)
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("STOPPING=1")
	var exit *exec.ExitError
	if err := <-daemon.ended; errors.As(err, &exit) {
		t.Errorf("told to stop: %v\n%s", err, v.log)
	}
}
