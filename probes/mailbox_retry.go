package probes

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// retry says how long to wait before trying a mailbox again.
type retry struct {
	opts  MailboxOptions
	any   *backoff.ExponentialBackOff
	login *backoff.ExponentialBackOff // after ErrLogin
	last  time.Duration
}

func newRetry(opts MailboxOptions) *retry {
	grow := func(from, to time.Duration) *backoff.ExponentialBackOff {
		return &backoff.ExponentialBackOff{
			InitialInterval: from, MaxInterval: to, Multiplier: 2, RandomizationFactor: 0.5,
		}
	}
	return &retry{
		opts:  opts,
		any:   grow(opts.RetryMin, opts.RetryMax),
		login: grow(opts.LoginRetryMin, opts.LoginRetryMax),
	}
}

// after returns how long to wait after err. lived is how long the session lasted, or 0 if it
// did not get through a whole round.
//
// A session that lasted longer than the wait before it resets the delays. A shorter one does
// not: we would log in every second at a server that drops us at once.
func (r *retry) after(err error, lived time.Duration) time.Duration {
	if lived > r.last {
		r.any.Reset()
		r.login.Reset()
	}
	// The library adds the jitter after applying its limit.
	r.last = min(r.any.NextBackOff(), r.opts.RetryMax)
	if errors.Is(err, ErrLogin) {
		r.last = min(r.login.NextBackOff(), r.opts.LoginRetryMax)
	}
	return r.last
}
