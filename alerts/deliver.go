package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"reputed/checks"
)

// How long a delivery waits after a failed try: doubled from FirstRetry up to
// MaxRetry, for ever. A channel that is down for a week gets what it missed.
const (
	FirstRetry = 5 * time.Second
	MaxRetry   = 15 * time.Minute
	// NotifyTimeout bounds one call of a channel.
	NotifyTimeout = 30 * time.Second
	// recordTimeout bounds writing down what came of a call once we are being stopped. Until then
	// the outbox takes the time that it needs: on a slow disk that is seconds.
	recordTimeout = 2 * time.Second
	// idle is how long a channel's worker sleeps when nothing waits and nobody
	// pokes it: another process (`reputed incident ack`) may have queued something.
	idle = time.Minute
)

// Deliverer carries notices from the outbox to their channels, at least once
// each and in order for each incident.
type Deliverer struct {
	Outbox   Outbox
	Channels map[string]Notifier
	Log      *slog.Logger
	// Observe, if set, hears of every try: err is nil when the channel said yes.
	// It is called from several goroutines.
	Observe func(channel string, n Notification, err error)
	// Working, if set, is called before each piece of work of a channel's worker, and what it
	// gives back when that has ended: what does not end within minutes hangs. It is called from several goroutines.
	Working func(channel string) (done func())

	once  sync.Once
	pokes map[string]chan struct{}
}

// Run delivers until ctx ends. Each channel has a worker of its own, so that one
// that is slow or down delays no other. What was being told when ctx ended is
// told again after a restart.
func (d *Deliverer) Run(ctx context.Context) {
	d.init()
	var wg sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(d.Channels)) {
		wg.Go(func() { d.work(ctx, name, d.Channels[name]) })
	}
	wg.Wait()
}

// Poke says that something was queued. It never blocks and may be called before Run.
func (d *Deliverer) Poke() {
	d.init()
	for _, poke := range d.pokes {
		select {
		case poke <- struct{}{}:
		default: // it is awake already and will see what was queued
		}
	}
}

func (d *Deliverer) init() {
	d.once.Do(func() {
		d.pokes = map[string]chan struct{}{}
		for name := range d.Channels {
			d.pokes[name] = make(chan struct{}, 1)
		}
	})
}

func (d *Deliverer) work(ctx context.Context, name string, channel Notifier) {
	w := worker{Deliverer: d, name: name, channel: channel, unrecorded: map[int64]outcome{}}
	for ctx.Err() == nil {
		wait, err := w.drain(ctx)
		poke := d.pokes[name]
		if err != nil {
			// The channel is in trouble as a whole: what else waits for it is not tried
			// either, and news does not shorten the wait.
			wait, poke = max(wait, backoff(w.failures)), nil
			w.failures++
			if len(w.unrecorded) > 0 {
				wait = min(wait, idle) // the outbox is ours, and asking it disturbs nobody
			}
		} else {
			w.failures = 0
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-poke:
		}
		timer.Stop()
	}
}

// outcome writes down what came of a call of a channel.
type outcome func(ctx context.Context) error

// worker delivers to one channel.
type worker struct {
	*Deliverer
	name     string
	channel  Notifier
	failures int // of the channel or of the outbox, in a row
	// What the channel has answered for good and the outbox could not take down, by delivery. It stays due
	// as long, and a disk may be full for hours: it is not told anew every few minutes.
	unrecorded map[int64]outcome
}

// drain delivers what is due to the channel until nothing is or a try fails, and
// gives how long to sleep.
func (d *worker) drain(ctx context.Context) (time.Duration, error) {
	name := d.name
	for {
		done := d.working(name)
		due, err := d.Outbox.Due(ctx, name, time.Now(), 20)
		done()
		if err != nil {
			d.warn(ctx, "outbox not read", name, err)
			return FirstRetry, err
		}
		if len(due) == 0 {
			clear(d.unrecorded) // something else has ended them
			break
		}
		for _, delivery := range due {
			if wait, err := d.deliver(ctx, delivery); err != nil {
				return wait, err
			}
		}
	}
	next, waiting, err := d.Outbox.NextDue(ctx, name)
	switch {
	case err != nil:
		d.warn(ctx, "outbox not read", name, err)
		return FirstRetry, err
	case !waiting:
		return idle, nil
	}
	return min(max(time.Until(next), 10*time.Millisecond), idle), nil
}

// deliver makes one try and records its outcome. An error says that the channel
// or the outbox failed, with how long to leave it alone.
func (d *worker) deliver(ctx context.Context, delivery Delivery) (time.Duration, error) {
	name := d.name
	defer d.working(name)()
	if write, told := d.unrecorded[delivery.ID]; told {
		if err := d.record(ctx, write); err != nil {
			d.warn(ctx, "delivery still not recorded", name, err)
			return FirstRetry, err
		}
		delete(d.unrecorded, delivery.ID)
		return 0, nil
	}
	try, cancel := context.WithTimeout(ctx, NotifyTimeout)
	err := notify(try, d.channel, delivery.Notification)
	cancel()
	if ctx.Err() != nil && err != nil {
		return 0, err // we are stopping; it was not the channel's fault, and the notice stays due
	}
	if d.Observe != nil {
		d.Observe(name, delivery.Notification, err)
	}
	now := time.Now()
	wait := time.Duration(0)
	var write outcome
	var retry *RetryError
	final := true
	switch {
	case err == nil:
		write = func(ctx context.Context) error { return d.Outbox.Sent(ctx, delivery.ID, now) }
	case errors.Is(err, ErrRefused):
		// Refused is an end: the channel works, and what comes after may be taken.
		d.warn(ctx, "alert refused by the channel", name, err)
		why := checks.Line(err.Error(), 300)
		write, err = func(ctx context.Context) error { return d.Outbox.Refuse(ctx, delivery.ID, now, why) }, nil
	default:
		final = false
		wait = backoff(max(delivery.Tries, d.failures)) // as long as the channel is left alone
		if errors.As(err, &retry) && retry.After > 0 {
			wait = min(retry.After, 24*time.Hour)
		}
		d.warn(ctx, "alert not delivered, will try again", name, err)
		write = func(ctx context.Context) error {
			return d.Outbox.Retry(ctx, delivery.ID, now.Add(wait), delivery.Tries+1, checks.Line(err.Error(), 300))
		}
	}
	if failed := d.record(ctx, write); failed != nil {
		d.warn(ctx, "delivery not recorded", name, failed)
		if final { // this process does not tell it again; after a restart twice is better than never
			d.unrecorded[delivery.ID] = write
		}
		return max(wait, FirstRetry), failed
	}
	return wait, err
}

// record writes down what the channel said even if we are being stopped: it would be
// told a second time after the restart.
func (d *worker) record(ctx context.Context, write outcome) error {
	last, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(recordTimeout, done) })()
	return write(last)
}

// notify calls the channel and turns a panic in it into an error: one broken
// renderer must not silence the others.
func notify(ctx context.Context, channel Notifier, n Notification) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the channel panicked: %s", checks.Fault(r))
		}
	}()
	return channel.Notify(ctx, n)
}

// backoff is how long to wait after so many failed tries before this one.
func backoff(tries int) time.Duration {
	wait := FirstRetry
	for range tries {
		if wait *= 2; wait >= MaxRetry {
			return MaxRetry
		}
	}
	return wait
}

func (d *Deliverer) working(channel string) (done func()) {
	if d.Working == nil {
		return func() {}
	}
	return d.Working(channel)
}

func (d *Deliverer) warn(ctx context.Context, msg, channel string, err error) {
	if d.Log != nil && ctx.Err() == nil {
		d.Log.LogAttrs(ctx, slog.LevelWarn, msg, slog.String("channel", channel), slog.Any("err", err))
	}
}
