package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/internal/guard"
)

// Options is how a channel is reached.
type Options struct {
	// URL is the address; New checks it. For a library that makes its own requests
	// ([Client.Exchange]) it is where those go.
	URL string
	// Secrets are texts that must stand in no error, besides the address itself:
	// tokens and keys that are sent with a request.
	Secrets []string
	// Private lets a name lead to an address of a private network. What the address in
	// URL itself is (http://127.0.0.1:9093), the configuration says already.
	Private bool
	Rules   guard.Rules // of all clients: a proxy, and networks of our own
	// Plain lets a private address be reached without TLS; one on this very host always is.
	Plain bool
	// Public says that the path of URL is no secret, as with an API that everybody uses.
	Public bool

	Timeout   time.Duration     // of one request with its whole reply; default 10 s
	Transport http.RoundTripper // nil: our own; a test brings its certificates by one
}

// DefaultTimeout bounds one request with its whole reply.
const DefaultTimeout = 10 * time.Second

// Client posts to one address. It keeps nothing between calls and may be used
// from several goroutines.
type Client struct {
	options Options
	local   bool // the address is on this very host
	next    http.RoundTripper
	route   guard.Route
	secrets []string
}

// New checks the address. Errors begin with what, the name of the address in the
// configuration, and never repeat it. No request is made.
func New(what string, o Options) (*Client, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	u, err := parse(what, o.URL, o.Plain)
	if err != nil {
		return nil, err
	}
	c := &Client{
		options: o, local: guard.Loopback(u.Hostname()), next: o.Transport,
		route: guard.Route{Rules: o.Rules, Host: u.Hostname(), Private: o.Private}, secrets: secretsOf(u, o),
	}
	if c.next == nil {
		c.next = c.route.Transport(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	return c, nil
}

const redacted = "(redacted)"

// parse reads an address that secrets may be sent to: https, or http to this very host, or
// to a private network if plain.
func parse(what, raw string, plain bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.Fragment != "":
		return nil, fmt.Errorf("%s is no address; copy it again", what)
	case u.Scheme == "https", u.Scheme == "http" && (guard.Loopback(u.Hostname()) || plain):
		return u, nil
	case u.Scheme == "http":
		return nil, fmt.Errorf("%s must begin with https:// (http:// only to this very host)", what)
	}
	return nil, fmt.Errorf("%s must begin with https://", what)
}

// secretsOf are the texts that must not be seen, the longest first.
func secretsOf(u *url.URL, o Options) []string {
	var all []string
	if !o.Public {
		all = append(all, o.URL)
		for _, part := range []string{u.RequestURI(), u.Path, u.RawQuery} {
			if len(part) > 1 {
				all = append(all, part)
			}
		}
		// The last part of the path is what cannot be guessed.
		if i := strings.LastIndexByte(u.Path, '/'); len(u.Path)-i > 8 {
			all = append(all, u.Path[i+1:])
		}
		for _, values := range u.Query() {
			for _, v := range values {
				if len(v) > 8 {
					all = append(all, v)
				}
			}
		}
	}
	if password, ok := u.User.Password(); ok && password != "" {
		all = append(all, password)
	}
	for _, s := range append(o.Rules.Secrets(), o.Secrets...) {
		if s != "" {
			all = append(all, s)
		}
	}
	return all
}

// Send makes one request of method to the address with a body, and gives the reply whatever
// its status; [Reply.Verdict] reads it. An error means that no whole reply came: try again.
func (c *Client) Send(ctx context.Context, method string, header http.Header, body []byte) (Reply, error) {
	x, client := c.Exchange()
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.options.URL, bytes.NewReader(body))
	if err != nil {
		return Reply{}, errors.New("the request cannot be made; check the address")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "reputed")
	resp, err := client.Do(req)
	if err != nil {
		return Reply{}, c.Scrub(NoAnswer(err))
	}
	_ = resp.Body.Close() // read already, by the exchange
	return x.Reply, nil
}

// JSON posts a document and gives nil if the server says yes with a 2xx status. Other errors are
// those of [Reply.Verdict].
func (c *Client) JSON(ctx context.Context, header http.Header, body []byte) error {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, values := range header {
		h[name] = values
	}
	reply, err := c.Send(ctx, http.MethodPost, h, body)
	if err != nil {
		return err
	}
	return c.Scrub(reply.Verdict(""))
}

// Exchange is for a library that makes the request itself: its client, and what was
// answered after it. No redirect is followed. The caller sets a deadline ([Client.Timeout]).
func (c *Client) Exchange() (*Exchange, *http.Client) {
	x := &Exchange{client: c}
	return x, &http.Client{Transport: x, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Timeout is how long one request may take with its whole reply.
func (c *Client) Timeout() time.Duration { return c.options.Timeout }

// Route is for a protocol that is no request with a reply, such as a WebSocket: how it connects, to
// where requests may go.
func (c *Client) Route() guard.Route { return c.route }

// Loopback says whether the address is on this very host, where TLS may be left out.
func (c *Client) Loopback() bool { return c.local }

// NoAnswer cuts the address out of what net/http says.
func NoAnswer(err error) error {
	var u *url.Error
	switch {
	case errors.As(err, &u):
		return fmt.Errorf("no answer: %w", u.Err)
	case err == nil:
		return errors.New("no answer")
	}
	return fmt.Errorf("no answer: %w", err)
}

// Scrub makes sure that no secret leaves in an error, even if a server sent it back
// to us. It keeps the error's kind: refused, to be tried later, or neither.
func (c *Client) Scrub(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := text
	for _, secret := range c.secrets {
		clean = strings.ReplaceAll(clean, secret, redacted)
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
