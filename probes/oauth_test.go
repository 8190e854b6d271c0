package probes

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/probes/probestest"
)

const clientSecret = "client secret ~1"

func startOAuth(t *testing.T) *probestest.OAuth {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	d, err := probestest.StartOAuth()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); goleak.VerifyNone(t, leak) })
	return d
}

// tokenless writes to the test's log and fails it if a secret or token goes by.
type tokenless struct{ t *testing.T }

func (w tokenless) Write(p []byte) (int, error) {
	noToken(w.t, string(p))
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func noToken(t *testing.T, text string) {
	t.Helper()
	for _, s := range []string{clientSecret, "access-", "refresh-", base64.StdEncoding.EncodeToString([]byte("access-"))[:6]} {
		if strings.Contains(text, s) {
			t.Errorf("a secret (%s) stands in %q", s, text)
		}
	}
}

func oauthOptions(t *testing.T, d *probestest.OAuth) OAuthOptions {
	return OAuthOptions{
		Name: "bounces", TokenURL: d.URL(), ClientID: "reputed", RootCAs: d.CertPool(),
		ClientSecret: func() string { return clientSecret },
		Log:          slog.New(slog.NewTextHandler(tokenless{t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func newOAuth(t *testing.T, opts OAuthOptions) *OAuth {
	t.Helper()
	o, err := NewOAuth(opts)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustToken(t *testing.T, o *OAuth) (token string, fresh bool) {
	t.Helper()
	token, fresh, err := o.token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token, fresh
}

func TestOAuthGrants(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*OAuthOptions)
		want   map[string]string
	}{
		"client credentials": {func(o *OAuthOptions) { o.Provider, o.Tenant = ProviderMicrosoft, "example.org" },
			map[string]string{"grant_type": "client_credentials", "client_id": "reputed", "client_secret": clientSecret, "scope": "https://outlook.office365.com/.default"}},
		"client credentials, any provider": {func(o *OAuthOptions) { o.Scopes = []string{"mail", "imap"} },
			map[string]string{"grant_type": "client_credentials", "client_secret": "client+secret+~1", "scope": "mail imap"}}, // form-encoded, RFC 6749 section 2.3.1
		"refresh token": {func(o *OAuthOptions) { o.RefreshToken = func() string { return "refresh-0" } },
			map[string]string{"grant_type": "refresh_token", "refresh_token": "refresh-0"}},
		"refresh token of a public client": {func(o *OAuthOptions) {
			o.RefreshToken, o.ClientSecret = func() string { return "refresh-0" }, nil
		}, map[string]string{"grant_type": "refresh_token", "client_id": "reputed", "client_secret": ""}},
		"service account": {func(o *OAuthOptions) {
			o.Provider, o.Subject, o.ClientID, o.ClientSecret = ProviderGoogle, mailUser, "", nil
			account, _ := json.Marshal(map[string]string{"type": "service_account", "client_email": "reputed@project.example.com", "private_key_id": "1",
				"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": o.TokenURL})
			o.TokenURL = ""
			o.ServiceAccount = func() string { return string(account) }
		}, map[string]string{"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := startOAuth(t)
			opts := oauthOptions(t, d)
			c.change(&opts)
			o := newOAuth(t, opts)
			token, fresh := mustToken(t, o)
			if again, held := mustToken(t, o); !d.Good(token) || !fresh || again != token || held {
				t.Errorf("tokens %q (fresh %v), %q (fresh %v); want one that is good, held for the second time", token, fresh, again, held)
			}
			all := d.Requests()
			if len(all) != 1 {
				t.Fatalf("%d requests, want 1", len(all))
			}
			for key, want := range c.want {
				if got := all[0].Get(key); got != want {
					t.Errorf("%s = %q, want %q", key, got, want)
				}
			}
			if jwt := all[0].Get("assertion"); name == "service account" {
				claims, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt+"..", ".")[1])
				if err != nil || !strings.Contains(string(claims), `"sub":"`+mailUser+`"`) || !strings.Contains(string(claims), `"scope":"https://mail.google.com/"`) {
					t.Errorf("claims %s, %v", claims, err)
				}
			}
		})
	}
}

func TestOAuthTokenIsFetchedAnewBeforeItsEnd(t *testing.T) {
	d := startOAuth(t)
	d.Lifetime(expiresEarly - time.Second)
	o := newOAuth(t, oauthOptions(t, d))
	first, _ := mustToken(t, o)
	if second, fresh := mustToken(t, o); second == first || !fresh {
		t.Error("a token is held that is as good as over")
	}
	d.Lifetime(time.Hour)
	third, _ := mustToken(t, o)
	o.forget(t.Context(), first) // was replaced long ago
	if again, _ := mustToken(t, o); again != third {
		t.Error("the refusal of an old token cost the new one")
	}
	o.forget(t.Context(), third)
	if _, fresh := mustToken(t, o); !fresh {
		t.Error("a token that was refused is used again")
	}
}

// tokenKeeper is a database with one value.
type tokenKeeper struct {
	value []byte
	err   error
}

func (k *tokenKeeper) Load(context.Context) ([]byte, error) { return k.value, k.err }
func (k *tokenKeeper) Save(ctx context.Context, v []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if k.err == nil {
		k.value = v
	}
	return k.err
}

func TestOAuthNewRefreshTokensOutliveTheProcess(t *testing.T) {
	d := startOAuth(t)
	d.Rotate(true)
	k := &tokenKeeper{}
	configured := "refresh-0"
	start := func() *OAuth {
		opts := oauthOptions(t, d)
		opts.RefreshToken, opts.Keep = func() string { return configured }, k
		return newOAuth(t, opts)
	}
	last := func() string { all := d.Requests(); return all[len(all)-1].Get("refresh_token") }

	o := start()
	mustToken(t, o) // gives refresh-1
	if bytes.Contains(k.value, []byte("refresh")) || len(k.value) == 0 {
		t.Errorf("kept %q, want it encrypted", k.value)
	}
	mustToken(t, start()) // another process; gives refresh-2
	if got := last(); got != "refresh-1" {
		t.Errorf("after a restart %q was used, want refresh-1", got)
	}

	// A database of yesterday: what is kept was replaced since, and the configured one was consented to anew.
	old := bytes.Clone(k.value)
	d.SetRefreshToken("refresh-0")
	mustToken(t, start())
	k.value = old
	d.SetRefreshToken("refresh-0")
	mustToken(t, start())

	// The operator consents again: what was kept for the old token is not even tried.
	configured = "refresh-new"
	d.SetRefreshToken("refresh-new")
	n := len(d.Requests())
	mustToken(t, start())
	if got := d.Requests()[n:]; len(got) != 1 || got[0].Get("refresh_token") != "refresh-new" {
		t.Errorf("requests %v, want one with the newly configured token", got)
	}

	// A disk that is full costs nothing while the process lives, and is tried again.
	k.err = errDisk
	d.SetRefreshToken("refresh-new")
	o = start()
	mustToken(t, o)
	used := last()
	k.err = nil
	o.forget(t.Context(), o.access)
	mustToken(t, o)
	if last() == used {
		t.Error("the new refresh token was not used for want of a disk")
	}
	mustToken(t, start())
}

// canceling answers, and then the caller has gone.
type canceling struct {
	http.RoundTripper
	cancel context.CancelFunc
}

func (c canceling) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	c.cancel()
	return answer, err
}

// The provider has replaced the refresh token by then, and may take the old one no more.
func TestOAuthKeepsANewRefreshTokenThoughTheCallerHasGone(t *testing.T) {
	d := startOAuth(t)
	d.Rotate(true)
	k := &tokenKeeper{}
	opts := oauthOptions(t, d)
	opts.RefreshToken, opts.Keep = func() string { return "refresh-0" }, k
	o := newOAuth(t, opts)
	ctx, cancel := context.WithCancel(t.Context())
	o.base = canceling{o.base, cancel}
	_, _, _ = o.token(ctx)
	if token, ok := unseal(k.value, "refresh-0", opts.ClientID); !ok || token != "refresh-1" {
		t.Errorf("kept %q, want refresh-1", token)
	}
}

func TestOAuthErrorsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *probestest.OAuth, *OAuthOptions)
		kind   error
		says   string
	}{
		"refresh token expired": {func(_ *testing.T, d *probestest.OAuth, o *OAuthOptions) {
			o.RefreshToken = func() string { return "refresh-old" }
		}, ErrLogin, "consent again"},
		"client secret expired": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) {
			d.Refuse("invalid_client", "AADSTS7000222: The provided client secret keys for app 'x' are expired.\r\nTrace ID: 1")
		}, ErrLogin, "make a new one"},
		"consent missing": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) {
			d.Refuse("invalid_grant", "AADSTS65001: no consent")
		}, ErrLogin, "admin consent"},
		"secret quoted back": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) {
			d.Refuse("invalid_client", "no client with secret "+clientSecret+"\x1b[31m")
		}, ErrLogin, "<redacted>"},
		"provider overloaded": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) {
			d.Refuse("temporarily_unavailable", "try later")
		}, ErrProtocol, "status page"},
		"provider broken": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) {
			d.Break(503, "<html>access-1 "+clientSecret+"</html>")
		}, ErrProtocol, "503"},
		"redirect": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) { d.Break(302, "") }, ErrProtocol, "302"},
		"not JSON": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) { d.Break(200, "<html>"+clientSecret) }, ErrProtocol, "check token_url"},
		"no token": {func(_ *testing.T, d *probestest.OAuth, _ *OAuthOptions) { d.Break(200, `{"token_type":"Bearer"}`) }, ErrProtocol, "access_token"},
		"mute": {func(_ *testing.T, d *probestest.OAuth, o *OAuthOptions) {
			d.Mute(true)
			o.Timeout = 50 * time.Millisecond
		}, ErrTimeout, "firewall"},
		"certificate not trusted": {func(_ *testing.T, _ *probestest.OAuth, o *OAuthOptions) { o.RootCAs = x509.NewCertPool() }, ErrTLS, "certificates"},
		"nobody there":            {func(t *testing.T, d *probestest.OAuth, _ *OAuthOptions) { d.Close() }, ErrUnreachable, "firewall"},
	} {
		t.Run(name, func(t *testing.T) {
			d := startOAuth(t)
			opts := oauthOptions(t, d)
			c.change(t, d, &opts)
			_, _, err := newOAuth(t, opts).token(t.Context())
			if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Fatalf("%v, want %q that says %q", err, c.kind, c.says)
			}
			if noToken(t, err.Error()); strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), "Trace") {
				t.Errorf("%q", err)
			}
			t.Log(err)
		})
	}
}

func TestOAuthOptionsAreChecked(t *testing.T) {
	good := func() OAuthOptions {
		return OAuthOptions{Name: "bounces", TokenURL: "https://login.example.com/token", ClientID: "reputed", ClientSecret: func() string { return clientSecret }}
	}
	for name, c := range map[string]struct {
		change func(*OAuthOptions)
		says   string
	}{
		"plain http":          {func(o *OAuthOptions) { o.TokenURL = "http://login.example.com/token" }, "https://"},
		"no address":          {func(o *OAuthOptions) { o.TokenURL = "" }, "https://"},
		"no client":           {func(o *OAuthOptions) { o.ClientID = "" }, "client_id"},
		"no secret":           {func(o *OAuthOptions) { o.ClientSecret = nil }, "client_secret"},
		"unknown provider":    {func(o *OAuthOptions) { o.Provider = "yahoo" }, "microsoft"},
		"no tenant":           {func(o *OAuthOptions) { o.Provider, o.TokenURL = ProviderMicrosoft, "" }, "tenant"},
		"no consent":          {func(o *OAuthOptions) { o.Provider = ProviderGoogle }, "refresh_token"},
		"not a key":           {func(o *OAuthOptions) { o.ServiceAccount = func() string { return clientSecret } }, "JSON key"},
		"key of another kind": {func(o *OAuthOptions) { o.ServiceAccount = func() string { return `{"type":"authorized_user"}` } }, "authorized_user"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := good()
			c.change(&opts)
			_, err := NewOAuth(opts)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want one that says %q", err, c.says)
			}
			noToken(t, err.Error())
		})
	}
	if _, err := NewOAuth(good()); err != nil {
		t.Error(err)
	}
	if _, err := NewMailbox(MailboxOptions{Name: "bounces", Server: "imap.example.org:993", User: "u"}); err == nil {
		t.Error("neither password nor OAuth is no error")
	}
}
