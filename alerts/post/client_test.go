package post

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts/alertstest"
	"reputed/internal/guard"
)

// TestMain looks for goroutines that outlive the tests: a client starts none, and
// keeps no connection.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secretPath = "/hooks/abcdefghijklmnop"
	token      = "tok-1234567890"
)

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New("the address", o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTroubles(t *testing.T) {
	alertstest.Troubles(t, func(url string) error {
		c := client(t, Options{URL: url + secretPath, Secrets: []string{token}, Timeout: 2 * time.Second})
		return c.JSON(t.Context(), http.Header{"Authorization": {"Bearer " + token}}, []byte(`{}`))
	}, secretPath, "abcdefghijklmnop", token)
}

func TestHalfASecretIsNotPassedOn(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(403, strings.Repeat("x", 50)+" "+token))
	err := client(t, Options{URL: s.URL, Secrets: []string{token}}).JSON(t.Context(), nil, nil)
	alertstest.NoSecret(t, err, token[:6])
}

func TestTheCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := alertstest.NewServer(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if err := client(t, Options{URL: s.URL}).JSON(ctx, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"nothing":                      {Options{}, "no address"},
		"in the clear":                 {Options{URL: "http://x.example" + secretPath}, "must begin with https://"},
		"a host that says it is local": {Options{URL: "http://localhost.example" + secretPath}, "must begin with https://"},
		"no link":                      {Options{URL: secretPath}, "no address"},
		"a control":                    {Options{URL: "https://x.example" + secretPath + "\x00"}, "no address"},
		"another scheme":               {Options{URL: "ftp://x.example" + secretPath, Plain: true}, "must begin with https://"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New("the address", c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			alertstest.NoSecret(t, err, secretPath)
		})
	}
	for _, ok := range []Options{
		{URL: "https://hooks.example.com/x"}, {URL: "http://127.0.0.1:8080/x"}, {URL: "http://[::1]/x"},
		{URL: "http://localhost:1/x"}, {URL: "http://alertmanager:9093", Plain: true},
	} {
		if _, err := New("the address", ok); err != nil {
			t.Errorf("New: %v", err)
		}
	}
}

// The rules of all clients are those of internal/guard; here is that a channel goes by them.
func TestAChannelGoesByTheRules(t *testing.T) {
	proxy, err := guard.ParseProxy("http://127.0.0.1:3128")
	if err != nil {
		t.Fatal(err)
	}
	proxy.User = url.UserPassword("u", "proxy-password")
	rules := guard.Rules{Proxy: proxy, Inside: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for name, c := range map[string]struct {
		o       Options
		proxied bool
		inside  string // an address that it may connect to
		not     string // and one that it may not; empty: there is none
	}{
		"a name":                 {Options{URL: "https://hooks.example.com/x"}, true, "10.0.0.1:443", "192.168.0.1:443"},
		"a name that is allowed": {Options{URL: "https://hooks.example.com/x", Private: true}, false, "192.168.0.1:443", ""},
		"an address inside":      {Options{URL: "http://127.0.0.1:9093/x"}, false, "127.0.0.1:9093", ""},
	} {
		c.o.Rules = rules
		x := client(t, c.o)
		transport, ok := x.next.(*http.Transport)
		if !ok {
			t.Fatalf("%s: %T", name, x.next)
		}
		via, err := transport.Proxy(nil)
		if err != nil || (via != nil) != c.proxied {
			t.Errorf("%s: by %v, %v", name, via, err)
		}
		if err := x.Route().Allow(c.inside); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := x.Route().Allow(c.not); c.not != "" && !errors.Is(err, guard.ErrInside) {
			t.Errorf("%s: %v", name, err)
		}
		alertstest.NoSecret(t, x.Scrub(errors.New("proxyconnect: 407 proxy-password")), "proxy-password")
	}
	if err := client(t, Options{URL: alertstest.NewServer(t, alertstest.Say(200, "ok")).URL}).JSON(t.Context(), nil, nil); err != nil {
		t.Errorf("an address that the configuration writes out: %v", err)
	}
}
