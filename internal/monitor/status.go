package monitor

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Status is how one job stands. Times are UTC; zero is never.
type Status struct {
	Name     string
	Schedule string // as written; empty: runs only first and when poked
	Running  bool
	Started  time.Time // last start
	Ended    time.Time // last end
	Err      error     // of the last run that ended; nil: it went well
	Next     time.Time // when it is due, jitter included; in the past: it is late
	Runs     int       // runs that ended
	Failed   int       // of these, with an error or a panic
	Skipped  int       // slots without a run of their own
	SkipWhy  string    // why the last of these was skipped
	Ticked   time.Time // when its loop last looked at the clock; it does so twice a minute
}

// Status gives all jobs in the order they were added.
func (m *Monitor) Status() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Status, 0, len(m.jobs))
	for _, j := range m.jobs {
		j.mu.Lock()
		all = append(all, j.status)
		j.mu.Unlock()
	}
	return all
}

func (j *job) tick(now, next time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status.Ticked, j.status.Next = now, next
}

func (j *job) begin(now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status.Running, j.status.Started = true, now
}

// end records how a run ended and logs it; ctx is the Monitor's.
func (j *job) end(ctx context.Context, slot, begun time.Time, err error) {
	now := clock()
	// Being told to stop is no failure.
	stopped := ctx.Err() != nil && errors.Is(err, context.Canceled)
	j.mu.Lock()
	j.status.Running, j.status.Ended = false, now
	j.status.Runs++
	if j.status.Err = err; stopped {
		j.status.Err = nil
	} else if err != nil {
		j.status.Failed++
	}
	j.mu.Unlock()

	attrs := []slog.Attr{slog.Time("slot", slot), slog.Duration("took", now.Sub(begun))}
	switch {
	case stopped:
		j.log.LogAttrs(ctx, slog.LevelInfo, "job stopped", attrs...)
	case err != nil:
		j.log.LogAttrs(ctx, slog.LevelWarn, "job failed", append(attrs, slog.Any("err", err))...)
	default:
		j.log.LogAttrs(ctx, slog.LevelDebug, "job done", attrs...)
	}
}

// skip counts and logs slots, the last of them given, that get no run of their own.
func (j *job) skip(slot time.Time, n int, why string) {
	j.mu.Lock()
	j.status.Skipped += n
	j.status.SkipWhy = why
	running := j.status.Started
	j.mu.Unlock()
	j.log.LogAttrs(context.Background(), slog.LevelWarn, "slot skipped", slog.Time("slot", slot), slog.Int("slots", n),
		slog.String("reason", why), slog.Time("last_start", running))
}
