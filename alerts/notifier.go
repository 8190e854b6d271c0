package alerts

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Notifier tells one channel. It must be safe to call again with the same
// Notification after an error: delivery is at least once.
type Notifier interface {
	// Notify returns nil once the channel has said yes. An error that wraps
	// [ErrRefused] means that the same notification will never be taken (a wrong
	// token, an unknown channel); a [*RetryError] says how long to wait; every
	// other error is tried again with growing delay.
	Notify(ctx context.Context, n Notification) error
}

// ErrRefused: the channel will never take this. Do not try again.
var ErrRefused = errors.New("refused by the channel")

// RetryError says that the channel named a time before which not to try again.
type RetryError struct {
	After time.Duration
	Err   error
}

func (e *RetryError) Error() string { return fmt.Sprintf("%v (try again after %s)", e.Err, e.After) }

func (e *RetryError) Unwrap() error { return e.Err }

// Reacher is a [Notifier] that can look whether its channel is there without telling it anything.
type Reacher interface {
	Notifier
	// Reach connects as Notify would, and logs in where a login tells nobody anything. Its errors
	// are those of Notify.
	Reach(ctx context.Context) (Reached, error)
}

// Reached is what came of that.
type Reached struct {
	Login bool      // the credentials were taken; else whether they are good only a message tells
	Clock time.Time // what the other side takes the time for; zero: it did not say
}

// Follower is a [Notifier] that keeps a picture of what is open in another system, beside
// being told what is news: one that forgets what is not repeated, or that shows who has
// taken an incident.
type Follower interface {
	Notifier
	// Follow is called about every [FollowEvery] with every incident that this channel
	// told of and that is not resolved, each with its kind [Updated]. It must cost little
	// where nothing has changed. An error is tried again at the next call.
	Follow(ctx context.Context, open []Notification) error
}

// FollowEvery is how often a [Follower] is called.
const FollowEvery = time.Minute
