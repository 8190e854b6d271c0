package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/checks"
	"reputed/internal/guard"
)

// Options is one webhook.
type Options struct {
	Name    string // of the channel in the configuration; stands in errors. Default "webhook"
	URL     string // secret
	Secret  string // for the signature; empty: not signed
	Token   string // sent as "Authorization: Bearer"; may be empty
	Private bool   // the name in URL may lead to an address of a private network
	// Incident is the incident of a notification in the form that all JSON of the
	// product has; required.
	Incident func(alerts.Notification) (json.RawMessage, error)

	Rules     guard.Rules       // of all HTTP clients
	Timeout   time.Duration     // of one request with its whole reply; default 10 s
	Transport http.RoundTripper // nil: our own
}

// Notifier posts to one webhook. It keeps nothing between calls and may be used from
// several goroutines.
type Notifier struct {
	options Options
	client  *post.Client
}

var _ alerts.Reacher = (*Notifier)(nil)

// New checks the options. Errors say what to set and never hold a secret; they
// do not pass by trying again. No request is made.
func New(o Options) (*Notifier, error) {
	if o.Name = checks.Line(o.Name, 80); o.Name == "" {
		o.Name = "webhook"
	}
	if o.Incident == nil {
		return nil, errors.New("webhook: nothing says how an incident is written as JSON")
	}
	client, err := post.New("the url", post.Options{URL: o.URL, Secrets: []string{o.Secret, o.Token}, Private: o.Private, Rules: o.Rules, Timeout: o.Timeout, Transport: o.Transport})
	if err != nil {
		return nil, fmt.Errorf("webhook %q: %w", o.Name, err)
	}
	return &Notifier{o, client}, nil
}

// Notify posts one document. Every 2xx status is a yes.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	incident := json.RawMessage("null")
	if !note.General() {
		var err error
		if incident, err = n.options.Incident(note); err != nil {
			return fmt.Errorf("webhook %q: %w", n.options.Name, err)
		}
	}
	body, err := json.Marshal(documentOf(note, incident))
	if err != nil {
		return fmt.Errorf("webhook %q: write the alert as JSON: %w", n.options.Name, err)
	}
	header := http.Header{}
	if n.options.Secret != "" {
		header.Set(SignatureHeader, Sign([]byte(n.options.Secret), body, time.Now()))
	}
	if n.options.Token != "" {
		header.Set("Authorization", "Bearer "+n.options.Token)
	}
	if err := n.client.JSON(ctx, header, body); err != nil {
		return fmt.Errorf("webhook %q: %w", n.options.Name, err)
	}
	return nil
}

// Reach implements [alerts.Reacher]: it asks the server for nothing but its headers.
func (n *Notifier) Reach(ctx context.Context) (alerts.Reached, error) {
	r, err := n.client.Reach(ctx)
	if err != nil {
		return r, fmt.Errorf("webhook %q: %w", n.options.Name, err)
	}
	return r, nil
}
