package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"reputed/checks"
)

// job is a Job in a Monitor.
type job struct {
	Job
	log    *slog.Logger
	jitter time.Duration
	poke   chan struct{}
}

// loop is the only one to start j, so that it cannot run twice at once. It ends with ctx, and
// says whether everything that it started has ended.
func (j *job) loop(ctx context.Context) bool {
	now := clock()
	p := newPlan(j.Schedule, j.jitter, j.Last, now)
	poked := false // somebody has asked for a run
	var lastStart time.Time
	var done <-chan struct{} // closed when the run has ended; nil: nothing runs

	if j.First && ctx.Err() == nil && (p.fresh || !p.next.After(now)) {
		p.next = j.Schedule.Next(now)
		done, lastStart = j.start(ctx, now), now
	}
	for {
		wait := maxSleep
		if at := p.at(); !at.IsZero() {
			wait = min(wait, at.Sub(now))
		}
		if poked && done == nil {
			wait = min(wait, lastStart.Add(j.Gap).Sub(now))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-done:
			done = nil
		case <-j.poke:
			poked = true
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil { // nothing new is started, whatever else was ready
			return j.drain(done)
		}
		select { // an end and a slot at the same instant: the end comes first
		case <-done:
			done = nil
		default:
		}

		now = clock()
		slot, missed, due := p.due(now)
		if missed > 0 {
			j.logSkip(ctx, slot, missed, skipMissed, lastStart)
		}
		switch gapOver := now.Sub(lastStart) >= j.Gap || now.Before(lastStart); {
		case due && done != nil:
			j.logSkip(ctx, slot, 1, skipRunning, lastStart)
		case due:
			done, lastStart, poked = j.start(ctx, slot), now, false // what starts now covers every event so far
		case poked && done == nil && gapOver:
			done, lastStart, poked = j.start(ctx, now), now, false
		}
	}
}

// drain waits for what runs, at most StopTimeout.
func (j *job) drain(done <-chan struct{}) bool {
	if done == nil {
		return true
	}
	timer := time.NewTimer(StopTimeout)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// clock is the wall clock without Go's monotonic reading, which stands still while the machine
// sleeps: slots are times of day.
func clock() time.Time { return time.Now().Round(0).UTC() }

// start runs j once in a goroutine of its own, so that the loop sees the slots that pass
// meanwhile. The channel is closed when the run has ended, in whatever way.
func (j *job) start(ctx context.Context, slot time.Time) <-chan struct{} {
	done := make(chan struct{})
	begun := clock()
	go func() {
		defer close(done)
		err := errExited
		defer func() { j.logEnd(ctx, slot, clock().Sub(begun), err) }()
		err = j.once(ctx, slot)
	}()
	return done
}

// errExited: Run neither returned nor panicked, but called runtime.Goexit.
var errExited = errors.New("the job ended its own goroutine")

// once calls Run under its deadline and turns a panic into an error.
func (j *job) once(ctx context.Context, slot time.Time) (err error) {
	run := ctx
	if j.Timeout > 0 {
		var cancel context.CancelFunc
		run, cancel = context.WithTimeout(ctx, j.Timeout)
		defer cancel()
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %s", checks.Fault(r))
			j.log.LogAttrs(ctx, slog.LevelError, "job panicked", slog.Time("slot", slot), slog.Any("err", err),
				slog.String("stack", string(debug.Stack())))
		}
	}()
	err = j.Run(run, slot)
	if err != nil && ctx.Err() == nil && errors.Is(run.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("stopped after %s: %w", FormatDuration(j.Timeout), err)
	}
	return err
}
