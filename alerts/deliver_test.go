package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memoryOutbox is an Outbox in memory with the order that the store keeps.
type memoryOutbox struct {
	mu    sync.Mutex
	rows  []*row
	fails int           // so many records fail
	takes time.Duration // each record
}

type row struct {
	Delivery
	due   time.Time
	state string // waiting, sent, refused
	why   string
}

func (o *memoryOutbox) queue(channel string, incident int64, note string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := Notification{ID: note, Incident: Incident{ID: incident}}
	o.rows = append(o.rows, &row{Delivery: Delivery{ID: int64(len(o.rows) + 1), Channel: channel, Notification: n}, due: time.Now(), state: "waiting"})
}

func (o *memoryOutbox) waiting(channel string) []*row {
	var out []*row
	held := map[int64]bool{}
	for _, r := range o.rows {
		if r.Channel == channel && r.state == "waiting" && !held[r.Notification.Incident.ID] {
			held[r.Notification.Incident.ID] = true
			out = append(out, r)
		}
	}
	return out
}

func (o *memoryOutbox) Due(_ context.Context, channel string, now time.Time, limit int) ([]Delivery, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []Delivery
	for _, r := range o.waiting(channel) {
		if !r.due.After(now) && len(out) < limit {
			out = append(out, r.Delivery)
		}
	}
	slices.SortStableFunc(out, func(a, b Delivery) int { return a.Tries - b.Tries })
	return out, nil
}

func (o *memoryOutbox) NextDue(_ context.Context, channel string) (time.Time, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.waiting(channel)
	if len(w) == 0 {
		return time.Time{}, false, nil
	}
	return slices.MinFunc(w, func(a, b *row) int { return a.due.Compare(b.due) }).due, true, nil
}

func (o *memoryOutbox) set(ctx context.Context, id int64, f func(*row)) error {
	select {
	case <-ctx.Done():
	case <-time.After(o.takes):
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fails > 0 {
		o.fails--
		return errors.New("disk full")
	}
	f(o.rows[id-1])
	return nil
}

func (o *memoryOutbox) Sent(ctx context.Context, id int64, _ time.Time) error {
	return o.set(ctx, id, func(r *row) { r.state = "sent" })
}

func (o *memoryOutbox) Retry(ctx context.Context, id int64, next time.Time, tries int, why string) error {
	return o.set(ctx, id, func(r *row) {
		r.due, r.Tries, r.why = next, tries, why
		for _, other := range o.waiting(r.Channel) {
			if other.due.Before(next) {
				other.due = next
			}
		}
	})
}

func (o *memoryOutbox) Refuse(ctx context.Context, id int64, _ time.Time, why string) error {
	return o.set(ctx, id, func(r *row) { r.state, r.why = "refused", why })
}

// script is a channel that answers as told and writes down what it heard.
type script struct {
	mu     sync.Mutex
	heard  []string
	at     []time.Time
	answer func(try int, n Notification) error
}

func (s *script) Notify(ctx context.Context, n Notification) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, n.ID)
	s.at = append(s.at, time.Now())
	if s.answer == nil {
		return nil
	}
	return s.answer(len(s.heard), n)
}

func deliver(d *Deliverer, length time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	d.Run(ctx)
}

func TestAChannelThatFailsForAnHourHearsEverythingInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		box := &memoryOutbox{}
		slack := &script{answer: func(int, Notification) error {
			if time.Since(began) < time.Hour {
				return errors.New("500 internal server error")
			}
			return nil
		}}
		box.queue("slack", 1, "1/opened")
		box.queue("slack", 1, "1/worsened")
		box.queue("slack", 2, "2/opened")
		deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}, 3*time.Hour)
		for _, r := range box.rows {
			if r.state != "sent" {
				t.Errorf("%s is %s", r.Notification.ID, r.state)
			}
		}
		if slices.Index(slack.heard, "1/worsened") < slices.Index(slack.heard, "1/opened") {
			t.Errorf("out of order: %v", slack.heard)
		}
		if n := len(slack.heard); n > 60 {
			t.Errorf("%d calls in three hours: a channel that is down is being beaten", n)
		}
	})
}

// A notice that the channel never takes, and never refuses, is not in the way of any other.
func TestANoticeThatIsNeverTakenHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{}
		slack := &script{answer: func(_ int, n Notification) error {
			if n.ID == "1/opened" {
				return errors.New("500 internal server error")
			}
			return nil
		}}
		for i := range 5 {
			box.queue("slack", int64(i+1), fmt.Sprintf("%d/opened", i+1))
		}
		deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}, time.Hour)
		for i, r := range box.rows {
			if want := map[bool]string{true: "waiting", false: "sent"}[i == 0]; r.state != want {
				t.Errorf("%s is %s, want %s", r.Notification.ID, r.state, want)
			}
		}
	})
}

func TestOneDeadChannelDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{}
		hang := notifierFunc(func(ctx context.Context, _ Notification) error { <-ctx.Done(); return ctx.Err() })
		good := &script{}
		began := time.Now()
		for i := range 5 {
			box.queue("hang", int64(i), fmt.Sprint(i))
			box.queue("good", int64(i), fmt.Sprint(i))
		}
		deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"hang": hang, "good": good}}, time.Minute)
		if len(good.heard) != 5 || good.at[4].Sub(began) > time.Second {
			t.Errorf("good channel heard %v", good.heard)
		}
	})
}

type notifierFunc func(context.Context, Notification) error

func (f notifierFunc) Notify(ctx context.Context, n Notification) error { return f(ctx, n) }

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{}
		slack := &script{answer: func(try int, _ Notification) error {
			if try == 1 {
				return &RetryError{After: 37 * time.Second, Err: errors.New("429")}
			}
			return nil
		}}
		box.queue("slack", 1, "1/opened")
		deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}, 10*time.Minute)
		if len(slack.at) != 2 || slack.at[1].Sub(slack.at[0]) < 37*time.Second || slack.at[1].Sub(slack.at[0]) > 38*time.Second {
			t.Errorf("called at %v", slack.at)
		}
	})
}

func TestWhatIsRefusedIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{}
		slack := &script{answer: func(_ int, n Notification) error {
			if n.ID == "1/opened" {
				return fmt.Errorf("channel_not_found: %w", ErrRefused)
			}
			return nil
		}}
		box.queue("slack", 1, "1/opened")
		box.queue("slack", 1, "1/worsened")
		deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}, time.Hour)
		if want := []string{"1/opened", "1/worsened"}; !slices.Equal(slack.heard, want) {
			t.Errorf("heard %v, want %v", slack.heard, want)
		}
		if box.rows[0].state != "refused" || box.rows[0].why == "" {
			t.Errorf("row %+v", box.rows[0])
		}
	})
}

// A full disk keeps the outbox from taking down what was told. Whoever knows it does not tell it again, and what
// waits behind it waits; only a process that begins anew cannot know.
func TestWhatIsNotRecordedIsToldAgainByTheNextProcessOnly(t *testing.T) {
	for name, c := range map[string]struct{ refuse bool }{"taken": {false}, "refused": {true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box := &memoryOutbox{fails: 1 << 30}
				slack := &script{answer: func(int, Notification) error {
					if c.refuse {
						return fmt.Errorf("channel_not_found: %w", ErrRefused)
					}
					return nil
				}}
				box.queue("slack", 1, "1/opened")
				box.queue("slack", 1, "1/resolved")
				run := func(length time.Duration) {
					deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}, length)
				}
				run(12 * time.Hour)
				if len(slack.heard) != 1 {
					t.Errorf("in 12 hours without an outbox: heard %v, want it once", slack.heard)
				}
				box.fails = 1
				run(time.Hour)
				want := []string{"1/opened", "1/opened", "1/resolved"}
				if !slices.Equal(slack.heard, want) || box.rows[0].state == "waiting" || box.rows[1].state == "waiting" {
					t.Errorf("heard %v, want %v; rows are %s, %s", slack.heard, want, box.rows[0].state, box.rows[1].state)
				}
			})
		})
	}
}

// An outbox on a slow disk takes its time over each record. That is waited for, and costs no more; once we are being stopped it is
// waited for a moment.
func TestASlowOutboxIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{takes: 20 * time.Second}
		slack := &script{}
		began := time.Now()
		for i := range int64(4) {
			box.queue("slack", i+1, fmt.Sprintf("%d/opened", i+1))
		}
		const length = 65 * time.Second // in the middle of the last record
		deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}, length)
		var after []time.Duration
		for _, at := range slack.at {
			after = append(after, at.Sub(began))
		}
		if want := []time.Duration{0, 20 * time.Second, 40 * time.Second, 60 * time.Second}; !slices.Equal(after, want) {
			t.Errorf("told after %v, want %v", after, want)
		}
		if took := time.Since(began); took != length+recordTimeout {
			t.Errorf("stopped after %v, want %v", took, length+recordTimeout)
		}
	})
}

func TestAPanicInAChannelIsAFailedTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{}
		slack := &script{answer: func(try int, _ Notification) error {
			if try == 1 {
				panic("nil map")
			}
			return nil
		}}
		box.queue("slack", 1, "1/opened")
		deliver(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}, time.Hour)
		if box.rows[0].state != "sent" {
			t.Errorf("row is %s", box.rows[0].state)
		}
	})
}

func TestPokeWakesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{}
		slack := &script{}
		d := &Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { d.Run(ctx) })
		synctest.Wait()
		box.queue("slack", 1, "1/opened")
		queued := time.Now()
		d.Poke()
		synctest.Wait()
		if len(slack.at) != 1 || slack.at[0] != queued {
			t.Errorf("heard at %v, queued %v", slack.at, queued)
		}
		cancel()
		wg.Wait()
	})
}

func TestWhatWasTakenWhileWeStopIsNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memoryOutbox{}
		ctx, stop := context.WithCancel(context.Background())
		slack := &script{answer: func(int, Notification) error { stop(); return nil }}
		box.queue("slack", 1, "1/opened")
		(&Deliverer{Outbox: box, Channels: map[string]Notifier{"slack": slack}}).Run(ctx)
		if box.rows[0].state != "sent" {
			t.Errorf("the channel said yes, and the row is %s: it would be told again", box.rows[0].state)
		}
	})
}
