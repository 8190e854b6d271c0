package probes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"reputed/internal/guard"
)

// Web asks the web pages of a programme for senders: plain GET and POST over TLS, each
// with a deadline of its own, a bound on what is read, and no redirect that is followed, since a
// key in an address is meant for the address that is configured. It is safe for concurrent use.
type Web struct{ opts WebOptions }

// WebOptions say which source is asked, and how we prove who we are.
type WebOptions struct {
	Name    string          // of the source, for errors and logs
	OAuth   *OAuth          // where access tokens come from; nil: none are sent
	Secrets func() []string // texts that must not be in errors; nil: none
	Timeout time.Duration   // of one request with its whole answer; default 30 s
	Most    int64           // bytes of an answer at most; default 16 MiB
	RootCAs *x509.CertPool  // who may sign certificates; nil: whom the system trusts
	Rules   guard.Rules     // whom a name may lead to, and by which proxy
	Log     *slog.Logger    // default: none
}

// Page is what a server answered, whatever its status.
type Page struct {
	Status int
	Type   string // media type without parameters, in lower case: "text/csv"; may be empty
	Body   []byte
	At     time.Time
}

// ErrTooLong: the answer is longer than any that is expected. Trying again does not help.
var ErrTooLong = errors.New("answer too long")

// WebError says which source could not be asked, why, and what to do. It unwraps to
// ErrUnreachable, ErrTimeout, ErrTLS, ErrLogin (no access token is to be had), ErrProtocol or ErrTooLong. Its
// text is one line and holds no secret and no path of an address.
type WebError struct {
	Name string
	Host string
	Kind error
	Err  error
	Hint string // what to do; may be empty
}

// Error returns one line: "source snds at sendersupport.example: no answer: nothing within 30s: check that ...".
func (e *WebError) Error() string {
	text := fmt.Sprintf("source %s at %s: %v", oneLine(e.Name), oneLine(e.Host), e.Kind)
	if e.Err != nil {
		text += ": " + oneLine(e.Err.Error())
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

func (e *WebError) Unwrap() []error { return []error{e.Kind, e.Err} }

// NewWeb fills in defaults. It connects to nothing.
func NewWeb(opts WebOptions) *Web {
	opts.Timeout, opts.Most = positive(opts.Timeout, 30*time.Second), positive(opts.Most, 16<<20)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Web{opts}
}

// client returns a client for one request: the host in its address decides whom it may connect
// to.
func (w *Web) client(u *url.URL) *http.Client {
	route := guard.Route{Rules: w.opts.Rules, Host: u.Hostname()}
	return &http.Client{
		Transport:     route.Transport(&tls.Config{RootCAs: w.opts.RootCAs, MinVersion: tls.VersionTLS12}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get asks for an address. An answer with any status is returned; the error is a [*WebError],
// or that of the context.
func (w *Web) Get(ctx context.Context, address string) (Page, error) {
	return w.ask(ctx, http.MethodGet, address, nil)
}

// Post is Get, but posts JSON to the address.
func (w *Web) Post(ctx context.Context, address string, body []byte) (Page, error) {
	return w.ask(ctx, http.MethodPost, address, body)
}

func (w *Web) ask(ctx context.Context, method, address string, body []byte) (Page, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && !(u.Scheme == "http" && guard.Loopback(u.Hostname())) {
		return Page{}, &WebError{Name: w.opts.Name, Host: "?", Kind: ErrProtocol, Hint: "the address must begin with https://"}
	}
	began := time.Now()
	page, err := w.authorised(ctx, method, u, body)
	w.opts.Log.LogAttrs(ctx, slog.LevelDebug, "page asked", slog.String("source", w.opts.Name), slog.String("host", u.Host),
		slog.Int("status", page.Status), slog.Int("bytes", len(page.Body)), slog.Duration("took", time.Since(began)), slog.Any("err", err))
	return page, err
}

// authorised makes the request with an access token, if OAuth is used. If the server refuses a
// token that was fetched earlier, it gets a new one: the old one may have been revoked.
func (w *Web) authorised(ctx context.Context, method string, u *url.URL, body []byte) (Page, error) {
	if w.opts.OAuth == nil {
		return w.once(ctx, method, u, body, "")
	}
	for {
		token, fresh, err := w.opts.OAuth.token(ctx)
		if err != nil {
			return Page{}, w.noToken(u, err)
		}
		page, err := w.once(ctx, method, u, body, token)
		if err != nil || page.Status != http.StatusUnauthorized || fresh {
			return page, err
		}
		w.opts.OAuth.forget(ctx, token)
	}
}

// noToken turns a failure to get an access token into one of the source.
func (w *Web) noToken(u *url.URL, err error) error {
	m, ok := errors.AsType[*MailboxError](err)
	if !ok {
		return err
	}
	return &WebError{Name: w.opts.Name, Host: m.Server, Kind: m.Kind, Err: m.Err, Hint: m.Hint}
}

func (w *Web) once(ctx context.Context, method string, u *url.URL, body []byte, token string) (Page, error) {
	limited, cancel := context.WithTimeout(ctx, w.opts.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(limited, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return Page{}, w.failure(ctx, u, err, token)
	}
	r.Header.Set("User-Agent", "reputed")
	r.Header.Set("Accept", "text/csv, application/json;q=0.9, */*;q=0.1")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := w.client(u).Do(r)
	if err != nil {
		return Page{}, w.failure(ctx, u, err, token)
	}
	defer answer.Body.Close()
	page := Page{Status: answer.StatusCode, At: time.Now().UTC()}
	page.Type, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	page.Body, err = io.ReadAll(io.LimitReader(answer.Body, w.opts.Most+1))
	switch {
	case err != nil: // half an answer would look like less traffic
		return Page{}, w.failure(ctx, u, err, token)
	case int64(len(page.Body)) > w.opts.Most:
		return Page{}, &WebError{Name: w.opts.Name, Host: u.Host, Kind: ErrTooLong, Err: fmt.Errorf("more than %d bytes", w.opts.Most)}
	}
	return page, nil
}

// failure makes a [*WebError] out of the error of a request, without the address that the
// library puts into it.
func (w *Web) failure(ctx context.Context, u *url.URL, err error, token string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	e := &WebError{Name: w.opts.Name, Host: u.Host, Kind: ErrProtocol, Hint: "if it lasts, check that a firewall or proxy lets us out to it"}
	var dial *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, err = ErrTimeout, fmt.Errorf("nothing whole within %s", w.opts.Timeout)
	case errors.Is(err, guard.ErrInside): // which says what to do
		e.Kind, err, e.Hint = ErrUnreachable, inside(err), ""
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Kind, err = ErrUnreachable, dial.Err
	case isTLS(err):
		e.Kind, e.Hint = ErrTLS, "check the machine's certificates, and for a proxy that breaks into TLS"
	}
	secrets := append(w.opts.Rules.Secrets(), u.RawQuery, token)
	if uri := u.RequestURI(); uri != "/" {
		secrets = append(secrets, uri)
	}
	if w.opts.Secrets != nil {
		secrets = append(secrets, w.opts.Secrets()...)
	}
	e.Err = errors.New(w.Redact(redactAll(err.Error(), secrets)))
	return e
}

// inside is what [guard.Route] said, without the words of the library around it.
func inside(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) {
		return dial.Err
	}
	return err
}

// Redact returns a text of the server's without the secrets that it may repeat.
func (w *Web) Redact(text string) string {
	if w.opts.Secrets != nil {
		text = redactAll(text, w.opts.Secrets())
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
