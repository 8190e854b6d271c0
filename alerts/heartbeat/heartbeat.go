// Package heartbeat tells somebody outside that this monitor is alive, so that its death is
// noticed: an address is called after each complete round, another after one that was not. Who is called
// (healthchecks.io, a push monitor of Uptime Kuma, a script of one's own) raises the alarm when a call is missing.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/internal/guard"
)

// Options is whom to call.
type Options struct {
	URL     string // after a complete round; secret
	URLFail string // after one that was not; secret; empty: then nobody is called
	Method  string // GET (default) or POST, with a line of text as its body
	Private bool   // the names in them may lead to an address of a private network

	Rules     guard.Rules       // of all HTTP clients
	Timeout   time.Duration     // of one request with its whole reply; default 10 s
	Transport http.RoundTripper // nil: our own
}

// tries is how often a call is made before it is given up: what is missed once makes noise
// at the other end. The next round calls again.
const tries = 3

// Heart calls. It keeps nothing between calls.
type Heart struct {
	method   string
	ok, fail *post.Client
	pause    time.Duration // between two tries
}

// New checks the options. Errors never hold a secret. No request is made.
func New(o Options) (*Heart, error) {
	h := &Heart{method: o.Method, pause: 5 * time.Second}
	switch h.method {
	case "":
		h.method = http.MethodGet
	case http.MethodGet, http.MethodPost:
	default:
		return nil, errors.New("heartbeat: the method is neither GET nor POST")
	}
	var err error
	reach := post.Options{URL: o.URL, Private: o.Private, Rules: o.Rules, Timeout: o.Timeout, Transport: o.Transport}
	if h.ok, err = post.New("the url", reach); err == nil && o.URLFail != "" {
		reach.URL = o.URLFail
		h.fail, err = post.New("the url_fail", reach)
	}
	if err != nil {
		return nil, fmt.Errorf("heartbeat: %w", err)
	}
	return h, nil
}

// Beat says that a round was complete, or that it was not. Text is one line about it, sent
// with POST. It tries three times; an error means that nobody heard, and never holds a secret.
func (h *Heart) Beat(ctx context.Context, complete bool, text string) error {
	client := h.ok
	if !complete {
		client = h.fail
	}
	if client == nil {
		return nil // whoever watches notices that no call came
	}
	var body []byte
	header := http.Header{}
	if h.method == http.MethodPost {
		body = []byte(text)
		header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	var err error
	for try := range tries {
		if try > 0 {
			timer := time.NewTimer(h.pause)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
			timer.Stop()
		}
		if ctx.Err() != nil {
			break
		}
		var reply post.Reply
		if reply, err = client.Send(ctx, h.method, header, body); err == nil {
			if err = client.Scrub(reply.Verdict("")); err == nil {
				return nil
			}
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	return fmt.Errorf("heartbeat: %w", err)
}

// Reach asks the server for nothing but its headers: nobody takes that for a call.
func (h *Heart) Reach(ctx context.Context) (alerts.Reached, error) {
	r, err := h.ok.Reach(ctx)
	if err != nil {
		return r, fmt.Errorf("heartbeat: %w", err)
	}
	return r, nil
}
