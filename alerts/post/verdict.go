package post

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

const (
	defaultWait = time.Minute // for a 429 that does not say how long
	maxWait     = time.Hour   // whatever a 429 says: alerts must not wait for a typing error
)

// Verdict reads a reply by its status alone: 2xx is yes and nil. A 4xx that is about us and
// not about the moment wraps alerts.ErrRefused, with advice on what to do; 429 is an
// *alerts.RetryError; everything else is worth another try.
func (r Reply) Verdict(advice string) error {
	said := r.Said()
	switch {
	case r.Status >= 200 && r.Status < 300:
		return nil
	case r.Status == http.StatusTooManyRequests:
		return r.TooFast()
	case r.Status >= 300 && r.Status < 400:
		return fmt.Errorf("answered with a redirect (status %d), which is not followed; check the address", r.Status)
	case r.Status >= 400 && r.Status < 500 && !Passes(r.Status):
		if advice == "" {
			advice = adviceFor(r.Status)
		}
		return fmt.Errorf("status %d: %q: %s: %w", r.Status, said, advice, alerts.ErrRefused)
	}
	return fmt.Errorf("answered with status %d: %q", r.Status, said)
}

func adviceFor(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "the key or address is not valid there any more; make a new one and reload"
	case http.StatusNotFound, http.StatusGone, http.StatusMethodNotAllowed:
		return "nothing takes alerts at this address; copy it again and reload"
	case http.StatusRequestEntityTooLarge:
		return "the receiver takes only smaller messages; raise its limit"
	}
	return "it does not take this message; its log says why"
}

// Passes says whether a 4xx is about the moment and not about us: time-out,
// misdirected, too early, too many requests (RFC 9110, RFC 8470, RFC 6585).
func Passes(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return false
}

// TooFast reads Retry-After (RFC 9110 section 10.2.3): seconds or a date. A date counts
// from the server's own, where it tells: our clock may be wrong.
func (r Reply) TooFast() error {
	wait := defaultWait
	value := strings.TrimSpace(r.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		now, err := http.ParseTime(r.Header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		wait = at.Sub(now)
	}
	return &alerts.RetryError{After: min(max(wait, time.Second), maxWait), Err: errors.New("no more messages are taken for now")}
}

// Said is the reply as one short line.
func (r Reply) Said() string { return checks.Line(string(r.Body), 60) }
