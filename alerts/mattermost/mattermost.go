// Package mattermost tells a channel of Mattermost or Rocket.Chat, whose incoming webhooks
// take the form that Slack once had: a text in Markdown, no blocks
// (developers.mattermost.com/integrate/webhooks/incoming and
// docs.rocket.chat/docs/integrations, read 2026-11-22).
package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/alerts/wording"
	"reputed/checks"
	"reputed/internal/guard"
)

// maxTextRunes is below what Rocket.Chat takes (5,000); Mattermost takes 16,383.
const maxTextRunes = 4500

// Options is one incoming webhook.
type Options struct {
	Name    string // of the channel in the configuration; stands in errors. Default "mattermost"
	Webhook string // secret
	Channel string // in place of the webhook's own; may be empty
	Private bool   // the name in Webhook may lead to an address of a private network

	Rules     guard.Rules       // of all HTTP clients
	Timeout   time.Duration     // of one request with its whole reply; default 10 s
	Transport http.RoundTripper // nil: our own
}

// Notifier tells one channel. It keeps nothing between calls and may be used from several
// goroutines.
type Notifier struct {
	options Options
	client  *post.Client
}

var _ alerts.Reacher = (*Notifier)(nil)

// New checks the options. Errors say what to set and never hold a secret; they
// do not pass by trying again. No request is made.
func New(o Options) (*Notifier, error) {
	if o.Name = checks.Line(o.Name, 80); o.Name == "" {
		o.Name = "mattermost"
	}
	client, err := post.New("the webhook", post.Options{URL: o.Webhook, Private: o.Private, Rules: o.Rules, Timeout: o.Timeout, Transport: o.Transport})
	if err != nil {
		return nil, fmt.Errorf("mattermost %q: %w", o.Name, err)
	}
	return &Notifier{o, client}, nil
}

// message is what the webhook takes.
type message struct {
	Text    string `json:"text"`
	Channel string `json:"channel,omitempty"`
}

// Notify posts one message. It returns nil only when the chat has said yes.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	body, err := json.Marshal(message{text(note), n.options.Channel})
	if err != nil {
		return fmt.Errorf("mattermost %q: write the message as JSON: %w", n.options.Name, err)
	}
	reply, err := n.client.Send(ctx, http.MethodPost, http.Header{"Content-Type": {"application/json"}}, body)
	if err == nil {
		err = verdict(reply)
	}
	if err != nil {
		return n.client.Scrub(fmt.Errorf("mattermost %q: %w", n.options.Name, err))
	}
	return nil
}

// verdict reads a reply: Mattermost says "ok", Rocket.Chat {"success":true}. Any other 200 is
// no yes: it is a page to log in with, or one that says that all is being repaired.
func verdict(r post.Reply) error {
	if err := r.Verdict(""); err != nil {
		return err
	}
	var rocket struct {
		Success bool `json:"success"`
	}
	if strings.TrimSpace(string(r.Body)) == "ok" || json.Unmarshal(r.Body, &rocket) == nil && rocket.Success {
		return nil
	}
	return fmt.Errorf("answered %d, but not yes: %q", r.Status, r.Said())
}

// text is what is posted. It is a pure function.
func text(n alerts.Notification) string {
	says := wording.Of(n)
	title := "**" + plain(checks.Line(says.Title, 300)) + "**\n"
	const mark = "(The alert is longer than this chat takes; the command shows all of it.)\n"
	blocks, cut := says.Fit(maxTextRunes-utf8.RuneCountInString(title)-len(mark), func(b wording.Block) int { return utf8.RuneCountInString(render(b)) + 1 })
	parts := []string{title}
	for _, b := range blocks {
		parts = append(parts, render(b))
	}
	if cut {
		parts = append(parts, mark)
	}
	return strings.Join(parts, "\n")
}

// Reach implements [alerts.Reacher]: it asks the server for nothing but its headers.
func (n *Notifier) Reach(ctx context.Context) (alerts.Reached, error) {
	r, err := n.client.Reach(ctx)
	if err != nil {
		return r, fmt.Errorf("mattermost %q: %w", n.options.Name, err)
	}
	return r, nil
}
