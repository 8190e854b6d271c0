package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/checks"
	"reputed/internal/guard"
)

// Options is one Slack channel: a webhook, or a token with a channel.
type Options struct {
	Name    string // of the channel in the configuration; stands in errors. Default "slack"
	Webhook string // incoming webhook address; secret
	Token   string // bot token, "xoxb-..."; secret
	Channel string // for a token: "#mail-ops", or better an id, which survives renaming
	APIURL  string // for a token: where the API is; default Slack's own

	// Rules are those of all HTTP clients.
	Rules guard.Rules
	// Timeout bounds one request with its whole reply; default 10 s.
	Timeout time.Duration
	// HTTPClient lends its Transport; nil is one of our own, which goes by Rules. Its other settings are not used: redirects are never followed,
	// and a reply is read up to 64 KiB.
	HTTPClient *http.Client
	// Rehearsal marks every message as a rehearsal, whatever the notification says.
	Rehearsal bool
}

// Notifier tells one Slack channel. It keeps nothing between calls and may be used
// from several goroutines.
type Notifier struct {
	options Options
	client  *post.Client
}

var _ alerts.Reacher = (*Notifier)(nil)

// New checks the options. Errors say what to set and never hold a secret; they
// do not pass by trying again. No request is made.
func New(o Options) (*Notifier, error) {
	if o.Name = checks.Line(o.Name, 80); o.Name == "" {
		o.Name = "slack"
	}
	problem := ""
	switch {
	case o.Webhook == "" && o.Token == "":
		problem = "neither a webhook nor a token: set one of them"
	case o.Webhook != "" && o.Token != "":
		problem = "both a webhook and a token: set only one of them"
	case o.Webhook != "":
	case strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		problem = "the token holds blanks or characters that no token has; copy it again"
	case o.Channel == "":
		problem = "a token needs a channel: set it to \"#name\" or to the channel's id"
	default:
		if o.APIURL == "" {
			o.APIURL = slack.APIURL
		}
		if !strings.HasSuffix(o.APIURL, "/") {
			o.APIURL += "/" // the library appends the method's name as it is
		}
	}
	if problem != "" {
		return nil, fmt.Errorf("slack channel %q: %s", o.Name, problem)
	}
	what, reach := "the webhook", post.Options{URL: o.Webhook, Rules: o.Rules, Timeout: o.Timeout}
	if o.Token != "" {
		what, reach = "the API address", post.Options{URL: o.APIURL, Public: true, Secrets: []string{o.Token}, Rules: o.Rules, Timeout: o.Timeout}
	}
	if o.HTTPClient != nil {
		reach.Transport = o.HTTPClient.Transport
	}
	client, err := post.New(what, reach)
	if err != nil {
		return nil, fmt.Errorf("slack channel %q: %w", o.Name, err)
	}
	return &Notifier{options: o, client: client}, nil
}

// Notify sends one message. It returns nil only when Slack has said yes.
//
// If Slack will not take the blocks, the same alert goes out as plain text at
// once: a change in what Slack accepts must not silence a monitor.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	note.Rehearsal = note.Rehearsal || n.options.Rehearsal
	_, err := n.deliver(ctx, build(note), place{})
	return err
}

// place is where a message goes: the zero value is a message of its own.
type place struct {
	channel string // id; empty: that of the options
	ts      string // of a message that is edited
	thread  string // ts of the message that is answered
	aside   bool   // the answer stays in the thread: nobody is called for it
}

// deliver sends one message and gives where it stands.
func (n *Notifier) deliver(ctx context.Context, m message, at place) (place, error) {
	sent, err := n.send(ctx, m, at)
	var refused *refusal
	if errors.As(err, &refused) && refused.format {
		if plain, ok := asText(m, refused.word); ok {
			sent, err = n.send(ctx, plain, at)
		}
	}
	if err != nil {
		return place{}, n.client.Scrub(fmt.Errorf("slack channel %q: %w", n.options.Name, err))
	}
	return sent, nil
}

// asText draws the blocks as text, for a Slack that refuses them.
func asText(m message, word string) (message, bool) {
	raw, err := json.Marshal(slack.Blocks{BlockSet: m.blocks})
	if err != nil {
		return m, false
	}
	drawn, err := draw(raw, 1<<20)
	if err != nil {
		return m, false
	}
	var lines []string
	for line := range strings.SplitSeq(drawn, "\n") {
		lines = append(lines, plain(strings.TrimPrefix(line, gutter), maxTextRunes))
	}
	lines = append(lines, plain("(Sent as plain text: Slack refused the formatted alert with "+word+".)", maxTextRunes))
	text := strings.Join(lines, "\n")
	for utf8.RuneCountInString(text) > maxTextRunes && len(lines) > 2 { // by whole lines, from the end: never inside an escape
		lines = append(lines[:len(lines)-2], lines[len(lines)-1])
		text = strings.Join(lines, "\n")
	}
	return message{text: text}, true
}

// send makes one request and reads what came back.
func (n *Notifier) send(ctx context.Context, m message, at place) (sent place, err error) {
	ctx, cancel := context.WithTimeout(ctx, n.client.Timeout())
	defer cancel()
	// A client of this one request: what the library makes of a reply is not
	// enough to tell a yes from a no, so the exchange keeps the reply itself.
	x, client := n.client.Exchange()
	if n.options.Webhook != "" {
		off := false
		err = slack.PostWebhookCustomHTTPContext(ctx, n.options.Webhook, client, &slack.WebhookMessage{
			Text: m.text, Blocks: blockSet(m.blocks), Parse: "none", UnfurlLinks: &off, UnfurlMedia: &off,
		})
		if x.Status == 0 { // no whole reply came
			return sent, post.NoAnswer(err)
		}
		return sent, webhookVerdict(x.Reply)
	}
	api := slack.New(n.options.Token, slack.OptionHTTPClient(client), slack.OptionAPIURL(n.options.APIURL))
	options := []slack.MsgOption{
		slack.MsgOptionText(m.text, false), slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
	if len(m.blocks) > 0 {
		options = append(options, slack.MsgOptionBlocks(m.blocks...))
	}
	channel := cmp.Or(at.channel, n.options.Channel)
	switch {
	case at.ts != "":
		_, _, _, err = api.UpdateMessageContext(ctx, channel, at.ts, options...)
	case at.thread != "":
		options = append(options, slack.MsgOptionTS(at.thread))
		if !at.aside { // into the channel too: few read threads
			options = append(options, slack.MsgOptionBroadcast())
		}
		fallthrough
	default:
		sent.channel, sent.ts, err = api.PostMessageContext(ctx, channel, options...)
	}
	if x.Status == 0 {
		return place{}, post.NoAnswer(err)
	}
	return sent, apiVerdict(x.Reply)
}

func blockSet(b blocks) *slack.Blocks {
	if len(b) == 0 {
		return nil
	}
	return &slack.Blocks{BlockSet: b}
}

// Reach implements [alerts.Reacher]. A token is proved by auth.test, which writes nothing; a
// webhook cannot be, and its server is asked for nothing but its headers.
func (n *Notifier) Reach(ctx context.Context) (r alerts.Reached, err error) {
	fail := func(err error) error {
		return n.client.Scrub(fmt.Errorf("slack channel %q: %w", n.options.Name, err))
	}
	if n.options.Webhook != "" {
		if r, err = n.client.Reach(ctx); err != nil {
			return r, fail(err)
		}
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.client.Timeout())
	defer cancel()
	x, client := n.client.Exchange()
	_, err = slack.New(n.options.Token, slack.OptionHTTPClient(client), slack.OptionAPIURL(n.options.APIURL)).AuthTestContext(ctx)
	if x.Status == 0 {
		return r, fail(post.NoAnswer(err))
	}
	if err := apiVerdict(x.Reply); err != nil {
		return r, fail(err)
	}
	return alerts.Reached{Login: true, Clock: post.Clock(x.Reply)}, nil
}
