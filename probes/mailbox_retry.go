package probes

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// retry says how long to wait before a mailbox is tried again.
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

// after gives the wait after err. lived is how long the session held that got
// through a whole round before it failed, 0 for one that did not.
//
// A session that held longer than the wait before it starts the delays anew.
// A shorter one does not: a server that lets us in and drops us at once would
// be logged in to every second.
func (r *retry) after(err error, lived time.Duration) time.Duration {
	if lived > r.last {
		r.any.Reset()
		r.login.Reset()
	}
	// The library's limit is one before the jitter.
	r.last = min(r.any.NextBackOff(), r.opts.RetryMax)
	if errors.Is(err, ErrLogin) {
		r.last = min(r.login.NextBackOff(), r.opts.LoginRetryMax)
	}
	return r.last
}
