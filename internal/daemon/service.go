package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"reputed/checks"
	"reputed/internal/report"
)

// What systemd is told, sd_notify(3): that the daemon is ready, how it stands in one line, that it
// reloads and that it stops; and, if the unit has WatchdogSec=, that all its parts
// get on. Where nobody listens, nothing is told.

const (
	// openingEvery is how often systemd is told that opening the database takes longer than
	// a start should: to kill a migration only makes it begin again.
	openingEvery = 20 * time.Second
	// openingMore is how much longer each time.
	openingMore = time.Minute
	// statusBytes bounds the line of STATUS=.
	statusBytes = 200
)

// Service is the way to whoever supervises the process. The zero service tells nobody.
type Service struct {
	log      *slog.Logger
	Send     func(assignments string) error // nil: nobody listens
	watchdog time.Duration                  // within which it wants to hear that we get on; 0: it does not
}

// NewService reads from the environment who listens.
func NewService(log *slog.Logger) Service {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return Service{log: log}
	}
	watchdog, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		log.LogAttrs(context.Background(), slog.LevelWarn, "watchdog of systemd not understood", slog.Any("err", err))
	}
	return Service{log: log, watchdog: watchdog, Send: func(assignments string) error {
		_, err := sd.SdNotify(false, assignments)
		return err
	}}
}

// tell sends what sd_notify(3) calls assignments, one each line.
func (s Service) tell(assignments ...string) {
	if s.Send == nil {
		return
	}
	if err := s.Send(strings.Join(assignments, "\n")); err != nil {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "systemd not told", slog.Any("err", err))
	}
}

// Ready says that the daemon works, at its start and after each reload.
func (s Service) Ready() { s.tell(sd.SdNotifyReady) }

// Reloading says that the configuration is being read again; ready ends it. With Type=notify-reload
// systemd tells by the time which of two reloads is meant.
func (s Service) Reloading() {
	s.tell(sd.SdNotifyReloading, sd.SdNotifyMonotonicUsec())
}

func (s Service) Stopping() { s.tell(sd.SdNotifyStopping) }

// sayStatus says how things stand, in one line.
func (d *Daemon) sayStatus(ctx context.Context) {
	if d.service.Send == nil {
		return
	}
	if parts := d.pulse.stuck(time.Now()); len(parts) > 0 {
		d.service.status(stuckLine(parts))
		return
	}
	r := d.view.Status(ctx, time.Now().UTC())
	d.service.status(r.Standing(report.Term{Location: d.cfg.Alerts.Zone()}))
}

// status is how the daemon stands, in one line.
func (s Service) status(line string) { s.tell("STATUS=" + checks.Line(line, statusBytes)) }

// Opening keeps systemd from giving the start up until the caller calls done.
func (s Service) Opening() (done func()) {
	if s.Send == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(openingEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				s.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", openingMore.Microseconds()), "STATUS=opening the database")
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// feed says until ctx ends that the parts get on, as long as they do. It says in the log and
// in the status which do not, and systemd, not hearing any more, ends the process and starts
// it anew. Without a watchdog the log says it all the same.
func (s Service) feed(ctx context.Context, stuck func(now time.Time) []string) {
	every := time.Minute
	if s.watchdog > 0 {
		every = min(every, s.watchdog/3)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	told := ""
	for {
		line := ""
		if parts := stuck(time.Now()); len(parts) > 0 {
			line = stuckLine(parts)
		}
		switch {
		case line == "" && s.watchdog > 0:
			s.tell(sd.SdNotifyWatchdog)
		case line != "" && told == "":
			s.log.LogAttrs(ctx, slog.LevelError, "a part of the daemon is stuck", slog.String("parts", line), slog.Bool("watchdog", s.watchdog > 0))
		}
		if line != "" {
			s.status(line)
		}
		told = line
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
