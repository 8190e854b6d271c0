// Package teams tells a channel of Microsoft Teams through a workflow that posts what its
// webhook receives, as an Adaptive Card. The connectors of Office 365, which took another
// form, are retired (learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors,
// read 2026-11-22).
//
// A card's TextBlock is Markdown, its RichTextBlock is not: so everything stands in the
// latter, and a link shows its own address. Nobody is mentioned, since that needs an entity
// that no card here has.
package teams

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/alerts/wording"
	"reputed/checks"
	"reputed/internal/guard"
)

// maxBytes of a message; Teams takes 28 KB.
const maxBytes = 26 << 10

// Options is one workflow.
type Options struct {
	Name    string // of the channel in the configuration; stands in errors. Default "teams"
	Webhook string // secret

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
		o.Name = "teams"
	}
	client, err := post.New("the webhook", post.Options{URL: o.Webhook, Rules: o.Rules, Timeout: o.Timeout, Transport: o.Transport})
	if err != nil {
		return nil, fmt.Errorf("teams %q: %w", o.Name, err)
	}
	return &Notifier{o, client}, nil
}

// Notify posts one card. A workflow says yes before it has posted anything: what fails after
// that only its own history shows.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	body, err := json.Marshal(card(note))
	if err != nil {
		return fmt.Errorf("teams %q: write the card as JSON: %w", n.options.Name, err)
	}
	if err := n.client.JSON(ctx, nil, body); err != nil {
		return fmt.Errorf("teams %q: %w", n.options.Name, err)
	}
	return nil
}

// object is a piece of JSON.
type object map[string]any

// card is the message around one Adaptive Card (adaptivecards.io/explorer, version 1.4).
func card(n alerts.Notification) object {
	says := wording.Of(n)
	title := checks.Line(says.Title, 300)
	body := []object{{"type": "RichTextBlock", "inlines": []object{{"type": "TextRun", "text": title, "weight": "bolder", "size": "medium"}}}}
	blocks, cut := says.Fit(maxBytes-4*len(title)-1000, func(b wording.Block) int {
		raw, err := json.Marshal(render(b))
		if err != nil {
			return maxBytes
		}
		return len(raw)
	})
	for _, b := range blocks {
		body = append(body, render(b)...)
	}
	if cut {
		body = append(body, line("medium", run("The alert is longer than Teams takes; the command shows all of it.")))
	}
	return object{"type": "message", "attachments": []object{{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content": object{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
			"fallbackText": title, "msteams": object{"width": "Full"}, "body": body,
		},
	}}}
}

// render is one block as lines of rich text, the first of them set apart.
func render(b wording.Block) []object {
	var out []object
	spacing := "medium"
	add := func(inlines ...object) {
		if len(inlines) > 0 {
			out = append(out, line(spacing, inlines...))
			spacing = "none"
		}
	}
	for _, p := range b {
		switch {
		case len(p.Lines) > 0:
			for _, l := range p.Lines {
				r := run(l.Show())
				r["fontType"] = "monospace"
				add(r)
			}
		case len(p.Items) > 0:
			for i, item := range p.Items {
				first := "• "
				if p.Ordered {
					first = fmt.Sprintf("%d. ", i+1)
				}
				for _, inlines := range runs(item) {
					add(append([]object{run(first)}, inlines...)...)
					first = "    "
				}
			}
		default:
			for _, inlines := range runs(p.Spans) {
				add(inlines...)
			}
		}
	}
	return out
}

func line(spacing string, inlines ...object) object {
	return object{"type": "RichTextBlock", "spacing": spacing, "inlines": inlines}
}

func run(text string) object { return object{"type": "TextRun", "text": text} }

// runs are the lines of a paragraph.
func runs(spans []wording.Span) [][]object {
	lines := [][]object{nil}
	for _, s := range spans {
		if s.Kind == wording.Break {
			lines = append(lines, nil)
			continue
		}
		r := run(s.Show())
		switch s.Kind {
		case wording.Label:
			r["weight"] = "bolder"
		case wording.Code:
			r["fontType"] = "monospace"
		case wording.Link:
			r["selectAction"] = object{"type": "Action.OpenUrl", "url": s.Text}
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], r)
	}
	return lines
}

// Reach implements [alerts.Reacher]: it asks the server for nothing but its headers.
func (n *Notifier) Reach(ctx context.Context) (alerts.Reached, error) {
	r, err := n.client.Reach(ctx)
	if err != nil {
		return r, fmt.Errorf("teams %q: %w", n.options.Name, err)
	}
	return r, nil
}
