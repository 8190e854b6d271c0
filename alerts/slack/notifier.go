package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/checks"
)

// Options is one Slack channel: a webhook, or a token with a channel.
type Options struct {
	Name    string // of the channel in the configuration; stands in errors. Default "slack"
	Webhook string // incoming webhook address; secret
	Token   string // bot token, "xoxb-..."; secret
	Channel string // for a token: "#mail-ops", or better an id, which survives renaming
	APIURL  string // for a token: where the API is; default Slack's own

	// Timeout bounds one request with its whole reply; default 10 s.
	Timeout time.Duration
	// HTTPClient lends its Transport; nil is one of our own, without a proxy from
	// the environment. Its other settings are not used: redirects are never followed,
	// and a reply is read up to 64 KiB.
	HTTPClient *http.Client
	// Rehearsal marks every message as a rehearsal, whatever the notification says.
	Rehearsal bool
}

const (
	defaultTimeout = 10 * time.Second
	defaultWait    = time.Minute // for a 429 that does not say how long
	maxWait        = time.Hour   // whatever a 429 says: alerts must not wait for a typing error
)

// Notifier tells one Slack channel. It keeps nothing between calls and may be used
// from several goroutines.
type Notifier struct {
	options Options
	next    http.RoundTripper
}

var _ alerts.Notifier = (*Notifier)(nil)

// New checks the options. Errors say what to set and never hold a secret; they
// do not pass by trying again. No request is made.
func New(o Options) (*Notifier, error) {
	if o.Name = checks.Line(o.Name, 80); o.Name == "" {
		o.Name = "slack"
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	problem := ""
	switch {
	case o.Webhook == "" && o.Token == "":
		problem = "neither a webhook nor a token: set one of them"
	case o.Webhook != "" && o.Token != "":
		problem = "both a webhook and a token: set only one of them"
	case o.Webhook != "":
		problem = badAddress("the webhook", o.Webhook)
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
		problem = badAddress("the API address", o.APIURL)
	}
	if problem != "" {
		return nil, fmt.Errorf("slack channel %q: %s", o.Name, problem)
	}
	n := &Notifier{options: o, next: ownTransport()}
	if o.HTTPClient != nil && o.HTTPClient.Transport != nil {
		n.next = o.HTTPClient.Transport
	}
	return n, nil
}

// badAddress says what is wrong with an address, without repeating it: it is a
// secret, or a secret is sent to it.
func badAddress(what, raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return what + " is no address; copy it again"
	case u.Scheme == "https":
		return ""
	case u.Scheme != "http":
		return what + " must begin with https://"
	}
	host, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() == "localhost" || err == nil && host.IsLoopback() {
		return ""
	}
	return what + " must begin with https:// (http:// only to this very host)"
}

// Notify sends one message. It returns nil only when Slack has said yes.
//
// If Slack will not take the blocks, the same alert goes out as plain text at
// once: a change in what Slack accepts must not silence a monitor.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	note.Rehearsal = note.Rehearsal || n.options.Rehearsal
	m := build(note)
	err := n.send(ctx, m)
	var refused *refusal
	if errors.As(err, &refused) && refused.format {
		if plain, ok := asText(m, refused.word); ok {
			err = n.send(ctx, plain)
		}
	}
	if err != nil {
		return n.scrub(fmt.Errorf("slack channel %q: %w", n.options.Name, err))
	}
	return nil
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
func (n *Notifier) send(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, n.options.Timeout)
	defer cancel()
	x := &exchange{next: n.next}
	// A client of this one request: what the library makes of a reply is not
	// enough to tell a yes from a no, so the exchange keeps the reply itself.
	client := &http.Client{Transport: x, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var err error
	if n.options.Webhook != "" {
		off := false
		err = slack.PostWebhookCustomHTTPContext(ctx, n.options.Webhook, client, &slack.WebhookMessage{
			Text: m.text, Blocks: blockSet(m.blocks), Parse: "none", UnfurlLinks: &off, UnfurlMedia: &off,
		})
	} else {
		api := slack.New(n.options.Token, slack.OptionHTTPClient(client), slack.OptionAPIURL(n.options.APIURL))
		options := []slack.MsgOption{
			slack.MsgOptionText(m.text, false), slack.MsgOptionParse(false),
			slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		}
		if len(m.blocks) > 0 {
			options = append(options, slack.MsgOptionBlocks(m.blocks...))
		}
		_, _, err = api.PostMessageContext(ctx, n.options.Channel, options...)
	}
	if x.status == 0 { // no whole reply came
		return transportError(err)
	}
	if n.options.Webhook != "" {
		return webhookVerdict(x)
	}
	return apiVerdict(x)
}

func blockSet(b blocks) *slack.Blocks {
	if len(b) == 0 {
		return nil
	}
	return &slack.Blocks{BlockSet: b}
}

// transportError cuts the address out of what net/http says: that of a webhook
// is its secret.
func transportError(err error) error {
	var u *url.Error
	switch {
	case errors.As(err, &u):
		return fmt.Errorf("no answer: %w", u.Err)
	case err == nil:
		return errors.New("no answer")
	}
	return fmt.Errorf("no answer: %w", err)
}

// scrub makes sure that no secret leaves in an error, even if a server sent it back
// to us. It keeps the error's kind: refused, to be tried later, or neither.
func (n *Notifier) scrub(err error) error {
	text := err.Error()
	clean := text
	for _, secret := range n.secrets() {
		clean = strings.ReplaceAll(clean, secret, "<redacted>")
	}
	if clean == text {
		return err
	}
	var retry *alerts.RetryError
	switch {
	case errors.Is(err, alerts.ErrRefused):
		return fmt.Errorf("%w: %s", alerts.ErrRefused, clean)
	case errors.As(err, &retry):
		return &alerts.RetryError{After: retry.After, Err: errors.New(clean)}
	}
	return errors.New(clean)
}

// secrets are the texts that must not be seen, the longest first.
func (n *Notifier) secrets() []string {
	if n.options.Token != "" {
		return []string{n.options.Token}
	}
	all := []string{n.options.Webhook}
	if u, err := url.Parse(n.options.Webhook); err == nil {
		for _, part := range []string{u.RequestURI(), u.Path, u.RawQuery} {
			if len(part) > 1 {
				all = append(all, part)
			}
		}
		if i := strings.LastIndexByte(u.Path, '/'); len(u.Path)-i > 8 {
			all = append(all, u.Path[i+1:]) // the last part is what cannot be guessed
		}
		if password, ok := u.User.Password(); ok && password != "" {
			all = append(all, password)
		}
	}
	return all
}
