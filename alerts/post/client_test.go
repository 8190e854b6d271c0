package post

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts/alertstest"
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

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	transport, ok := client(t, Options{URL: "https://hooks.example.com/x"}).next.(*http.Transport)
	if !ok || transport.Proxy != nil {
		t.Errorf("the transport asks for a proxy")
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

// What a name leads to is looked at when it is connected to: the loopback stands
// for every private address here.
func TestAPrivateAddressNeedsPermission(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(200, "ok"))
	open := guard{allowPrivate: true}.dialer()
	conn, err := open.DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	closed := guard{}.dialer()
	if conn, err := closed.DialContext(t.Context(), "tcp", s.Listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "private = true") {
		if err == nil {
			_ = conn.Close()
		}
		t.Errorf("got %v", err)
	}
	if err := client(t, Options{URL: s.URL}).JSON(t.Context(), nil, nil); err != nil {
		t.Errorf("an address that the configuration writes out: %v", err)
	}
}

// Looking the name up and connecting are one step, so that no answer can change in between (DNS rebinding): what is
// looked at is the address of the very connection, however it was written or came about.
func TestNoNameLeadsInside(t *testing.T) {
	s := alertstest.NewServer(t, func(http.ResponseWriter, *http.Request) { t.Error("somebody inside was asked") })
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, Options{URL: "https://hooks.example.com/x"})
	for _, host := range []string{
		"localhost", // a name that leads inside
		"127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "", "::", "::1", "127.0.0.2",
	} {
		conn, err := c.Dial(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "private = true") && host != "" {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestPrivateAddresses(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "169.254.169.254": true, "100.64.0.1": true,
		"0.0.0.0": true, "::": true, "::1": true, "fe80::1%eth0": true, "fd00::1": true, "::ffff:10.0.0.1": true, "224.0.0.1": true,
		"64:ff9b::10.0.0.1": true, "64:ff9b::198.51.100.1": false, "64:ff9b::a9fe:a9fe": true, "64:ff9b:1::198.51.100.1": true,
		"2002:a00:1::1": true, "2002:c633:6401::1": false, "::10.0.0.1": true, "fec0::1": true,
		"::ffff:169.254.169.254": true, "fd00:ec2::254": true, "0.1.2.3": true, "198.18.0.1": true, "192.0.0.192": true, "240.0.0.1": true, "255.255.255.255": true,
		"198.51.100.1": false, "2001:db8::1": false,
	} {
		if got := isPrivate(netip.MustParseAddr(addr)); got != want {
			t.Errorf("isPrivate(%s) = %v, want %v", addr, got, want)
		}
	}
}
