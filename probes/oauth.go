package probes

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"

	"reputed/internal/guard"
)

// Providers whose endpoints and scopes are known; the values of [OAuthOptions].Provider.
const (
	// ProviderMicrosoft is Microsoft 365 (learn.microsoft.com, "Authenticate an IMAP,
	// POP or SMTP connection using OAuth").
	ProviderMicrosoft = "microsoft"
	// ProviderGoogle is Gmail and Google Workspace (developers.google.com, "OAuth 2.0
	// Mechanism" of the Gmail API).
	ProviderGoogle = "google"
)

// OAuthOptions say how to get access tokens for a mailbox or a [Web] (RFC 6749). The grant
// follows from what is given: a service account (RFC 7523), else a refresh token (RFC 6749
// section 6), else the client's own credentials (section 4.4).
type OAuthOptions struct {
	Name     string // of the mailbox or source that the tokens are for; for errors and logs
	Provider string // fills in TokenURL and Scopes; may be empty
	Tenant   string // for ProviderMicrosoft: the directory's id, or one of its domains
	TokenURL string // the token endpoint: https, or http on the loopback
	ClientID string

	// The secrets are asked for when they are sent, and never appear in errors or logs.
	ClientSecret   func() string // nil or "": a public client
	RefreshToken   func() string // nil or "": another grant
	ServiceAccount func() string // the JSON key of a Google service account; nil or "": another grant

	Subject string   // on whose behalf a service account acts: the user of the mailbox; empty: its own
	Scopes  []string // default: the provider's

	RootCAs *x509.CertPool // who may sign the endpoint's certificate; nil: whom the system trusts
	Rules   guard.Rules    // whom the endpoint's name may lead to, and by which proxy
	Timeout time.Duration  // for one token; default 30 s

	// Keep stores a refresh token with which the provider has replaced the configured one; nil:
	// it is kept in memory only.
	Keep TokenKeeper
	Log  *slog.Logger // default: none
}

// TokenKeeper keeps one encrypted refresh token across restarts.
type TokenKeeper interface {
	Load(ctx context.Context) ([]byte, error) // nil: nothing is kept
	Save(ctx context.Context, sealed []byte) error
}

// OAuth gets access tokens and holds the current one. It is safe for concurrent use: the
// folders of an account share one.
type OAuth struct {
	opts    OAuthOptions
	host    string          // of the endpoint, for errors
	service *serviceAccount // nil: another grant
	style   oauth2.AuthStyle
	base    http.RoundTripper

	turn    chan struct{} // guards what follows: whoever has put something in may use it
	access  string
	expiry  time.Time // zero: not known
	refresh string    // the refresh token in force; empty: not looked up yet
	unkept  bool      // refresh has not been saved yet
}

// expiresEarly is how long before its end a token is not used any more: it must still be good
// when the server looks at it, whose clock may be ahead.
const expiresEarly = time.Minute

// NewOAuth checks the options and fills in defaults. It connects to nothing.
func NewOAuth(opts OAuthOptions) (*OAuth, error) {
	o := &OAuth{turn: make(chan struct{}, 1), opts: opts}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("mailbox %s: oauth: %w", oneLine(opts.Name), err)
	}
	u, err := url.Parse(o.opts.TokenURL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && guard.Loopback(u.Hostname())) {
		return nil, fmt.Errorf("mailbox %s: oauth: token_url: want an address that begins with https://", oneLine(opts.Name))
	}
	o.host = u.Host
	o.opts.Timeout = positive(opts.Timeout, 30*time.Second)
	if opts.Log == nil {
		o.opts.Log = slog.New(slog.DiscardHandler)
	}
	// A client without a secret has nothing to say in an Authorization header, and the two
	// providers take the secret in the form. With others the library finds out.
	if opts.Provider != "" || secret(opts.ClientSecret) == "" {
		o.style = oauth2.AuthStyleInParams
	}
	route := guard.Route{Rules: opts.Rules, Host: u.Hostname()}
	o.base = route.Transport(&tls.Config{RootCAs: opts.RootCAs, MinVersion: tls.VersionTLS12})
	return o, nil
}

// check reads the service account, fills in what the provider stands for, and says what is
// missing for the grant.
func (o *OAuth) check() error {
	opts := &o.opts
	refreshing, service := secret(opts.RefreshToken) != "", secret(opts.ServiceAccount) != ""
	if service {
		account, err := readServiceAccount(secret(opts.ServiceAccount))
		if err != nil {
			return err
		}
		o.service = account
		opts.TokenURL = cmp.Or(opts.TokenURL, account.TokenURI)
	}
	switch opts.Provider {
	case ProviderMicrosoft:
		if opts.TokenURL == "" && opts.Tenant == "" {
			return errors.New("tenant is needed: the directory (tenant) id of the application")
		}
		opts.TokenURL = cmp.Or(opts.TokenURL, "https://login.microsoftonline.com/"+url.PathEscape(opts.Tenant)+"/oauth2/v2.0/token")
		if len(opts.Scopes) == 0 && !refreshing {
			opts.Scopes = []string{"https://outlook.office365.com/.default"}
		}
	case ProviderGoogle:
		opts.TokenURL = cmp.Or(opts.TokenURL, "https://oauth2.googleapis.com/token")
		if len(opts.Scopes) == 0 && service {
			opts.Scopes = []string{"https://mail.google.com/"}
		}
		if !service && !refreshing {
			return errors.New("refresh_token or service_account is needed")
		}
	case "":
	default:
		return fmt.Errorf("provider %q: use %s, %s or none", oneLine(opts.Provider), ProviderMicrosoft, ProviderGoogle)
	}
	switch {
	case service:
	case opts.ClientID == "":
		return errors.New("client_id is needed")
	case !refreshing && secret(opts.ClientSecret) == "":
		return errors.New("client_secret is needed, or a refresh_token")
	}
	return nil
}

func secret(f func() string) string {
	if f == nil {
		return ""
	}
	return f()
}

// token returns an access token, and says whether it was fetched just now rather than earlier.
// The error is a [MailboxError], or that of the context.
func (o *OAuth) token(ctx context.Context) (token string, fresh bool, err error) {
	leave, err := o.enter(ctx)
	if err != nil {
		return "", false, err
	}
	defer leave()
	now := time.Now()
	if o.access != "" && (o.expiry.IsZero() || now.Before(o.expiry.Add(-expiresEarly))) {
		return o.access, false, nil
	}
	t, err := o.fetch(ctx)
	if err != nil {
		return "", false, o.failure(ctx, err)
	}
	o.access, o.expiry = t.AccessToken, t.Expiry
	o.opts.Log.LogAttrs(ctx, slog.LevelDebug, "access token fetched", slog.String("mailbox", o.opts.Name),
		slog.String("endpoint", o.host), slog.Duration("took", time.Since(now)), slog.Time("expires", t.Expiry))
	return o.access, true, nil
}

// enter waits for the caller's turn; leave ends it.
func (o *OAuth) enter(ctx context.Context) (leave func(), err error) {
	select {
	case o.turn <- struct{}{}:
		return func() { <-o.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// forget drops an access token that a server has refused, unless it has been replaced meanwhile.
func (o *OAuth) forget(ctx context.Context, token string) {
	leave, err := o.enter(ctx)
	if err != nil {
		return
	}
	defer leave()
	if o.access == token {
		o.access = ""
	}
}

// fetch asks the endpoint for an access token.
func (o *OAuth) fetch(ctx context.Context) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, o.opts.Timeout)
	defer cancel()
	wire := &bound{ctx: ctx, base: o.base}
	client := &http.Client{
		Transport: wire,
		// What is sent is secret, and meant only for the configured address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	within := context.WithValue(ctx, oauth2.HTTPClient, client)
	var t *oauth2.Token
	var err error
	switch {
	case o.service != nil:
		conf := &jwt.Config{
			Email: o.service.ClientEmail, PrivateKey: []byte(o.service.PrivateKey), PrivateKeyID: o.service.PrivateKeyID,
			Subject: o.opts.Subject, Scopes: o.opts.Scopes, TokenURL: o.opts.TokenURL,
		}
		t, err = conf.TokenSource(within).Token()
	case secret(o.opts.RefreshToken) != "":
		t, err = o.refreshed(ctx, within)
	default:
		conf := &clientcredentials.Config{
			ClientID: o.opts.ClientID, ClientSecret: secret(o.opts.ClientSecret),
			TokenURL: o.opts.TokenURL, Scopes: o.opts.Scopes, AuthStyle: o.style,
		}
		t, err = conf.Token(within)
	}
	if err != nil && wire.err != nil {
		err = errTransport{wire.err} // the library drops the cause
	}
	if err == nil && t.AccessToken == "" { // the library checks that only for some grants
		err = errors.New("the answer holds no access_token")
	}
	return t, err
}

// refreshed uses the refresh token: the last one that the provider gave, else the configured
// one. If one that was kept is refused, the configured one is tried as well: the kept one may
// be outdated, as after a backup was restored.
func (o *OAuth) refreshed(ctx, within context.Context) (*oauth2.Token, error) {
	configured := secret(o.opts.RefreshToken)
	if o.refresh == "" {
		o.refresh = o.kept(ctx, configured)
	}
	conf := &oauth2.Config{
		ClientID: o.opts.ClientID, ClientSecret: secret(o.opts.ClientSecret), Scopes: o.opts.Scopes,
		Endpoint: oauth2.Endpoint{TokenURL: o.opts.TokenURL, AuthStyle: o.style},
	}
	use := func(refresh string) (*oauth2.Token, error) {
		return conf.TokenSource(within, &oauth2.Token{RefreshToken: refresh}).Token()
	}
	t, err := use(o.refresh)
	if code, _ := grantError(err); code == "invalid_grant" && o.refresh != configured {
		if t, err = use(configured); err == nil {
			o.refresh, o.unkept = configured, true
		}
	}
	if err != nil {
		return nil, err
	}
	// "The authorization server MAY issue a new refresh token, in which case the client
	// MUST discard the old refresh token" (RFC 6749 section 6).
	if t.RefreshToken != "" && t.RefreshToken != o.refresh {
		o.refresh, o.unkept = t.RefreshToken, true
	}
	if o.unkept {
		o.keep(ctx, configured)
	}
	return t, nil
}

// bound gives every request a context, because the library has none where it asks for a
// service account, and keeps the error of the last request. It is for one goroutine.
type bound struct {
	ctx  context.Context
	base http.RoundTripper
	err  error
}

func (b *bound) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	answer, b.err = b.base.RoundTrip(r.WithContext(b.ctx))
	if b.err == nil {
		answer.Body = &boundBody{answer.Body, b}
	}
	return answer, b.err
}

// boundBody notes an answer that breaks off.
type boundBody struct {
	io.ReadCloser
	of *bound
}

func (b *boundBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.of.err = err
	}
	return n, err
}

// errTransport: no complete answer came from the endpoint.
type errTransport struct{ error }

func (e errTransport) Unwrap() error { return e.error }
