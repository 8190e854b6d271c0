package guard

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain looks for goroutines and connections that outlive a request.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nobody is a server on the loopback, which stands for every machine inside here, and which nobody may reach.
func nobody(t *testing.T) (port string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody inside was asked") }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Looking the name up and connecting are one step, so that no answer can change in between (DNS rebinding): what is
// looked at is the address of the very connection, however it was written or came about.
func TestNoNameLeadsInside(t *testing.T) {
	port := nobody(t)
	r := Route{Host: "hooks.example.com", Rules: Rules{Inside: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	for _, host := range []string{
		"localhost", // a name that leads inside
		"127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "", "::", "::1", "127.0.0.2",
	} {
		conn, err := r.Dial(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = conn.Close()
		}
		if !errors.Is(err, ErrInside) && host != "" || err == nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	client := &http.Client{Transport: r.Transport(nil)}
	if answer, err := client.Get("http://localhost:" + port + "/"); !errors.Is(err, ErrInside) || !strings.Contains(err.Error(), "private of [http]") {
		if err == nil {
			_ = answer.Body.Close()
		}
		t.Errorf("a request: %v", err)
	}
}

func TestWhatIsMeantIsReached(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for name, r := range map[string]Route{
		"an address that is written out":   {Host: "127.0.0.1"},
		"localhost, which is this machine": {Host: "localhost"},
		"a client that is allowed to":      {Host: "hooks.example.com", Private: true},
		"a network of ours":                {Host: "hooks.example.com", Rules: Rules{Inside: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := (&http.Client{Transport: r.Transport(nil)}).Get("http://localhost:" + port)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
		})
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
		if got := Private(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Private(%s) = %v, want %v", addr, got, want)
		}
		if err := (Route{Host: "x.example"}).Allow(net.JoinHostPort(addr, "443")); errors.Is(err, ErrInside) != want {
			t.Errorf("Allow(%s) = %v, want inside=%v", addr, err, want)
		}
	}
}

// connectProxy is an HTTP proxy (RFC 9110 section 9.3.6) on the loopback that leads every tunnel to one server, as if it had
// looked the name up.
type connectProxy struct {
	url *url.URL

	mu    sync.Mutex
	asked []string // what tunnels were asked for, with the credentials
}

func newConnectProxy(t *testing.T, to string) *connectProxy {
	t.Helper()
	p := &connectProxy{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.url = &url.URL{Scheme: "http", Host: listener.Addr().String(), User: url.UserPassword("u", "proxy-password")}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(conn, to) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	return p
}

func (p *connectProxy) serve(conn net.Conn, to string) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	r, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	if to == "" { // who repeats what should never be repeated
		fmt.Fprintf(conn, "HTTP/1.1 407 not you, %s\r\nContent-Length: 0\r\n\r\n", r.Header.Get("Proxy-Authorization"))
		return
	}
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 connected\r\n\r\n")
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(server, reader); _ = server.(*net.TCPConn).CloseWrite() })
	_, _ = io.Copy(conn, server)
	_ = conn.Close()
	wg.Wait()
}

func TestAProxyIsATunnelAndOnlyThatOfTheConfiguration(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1") // of the environment: never used
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	proxy := newConnectProxy(t, s.Listener.Addr().String())
	rules := Rules{Proxy: proxy.url}

	client := &http.Client{Transport: Route{Rules: rules, Host: "example.com"}.Transport(&tls.Config{RootCAs: roots})} // for which the test's certificate is
	answer, err := client.Get("https://example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	want := "CONNECT example.com:443 Basic " + base64.StdEncoding.EncodeToString([]byte("u:proxy-password"))
	if string(body) != "example.com" || len(proxy.asked) != 1 || proxy.asked[0] != want {
		t.Errorf("answered %q; the proxy was asked %q, want %q", body, proxy.asked, want)
	}
	// TLS ends at the server: a proxy that leads elsewhere finds nobody who believes it.
	client.Transport = Route{Rules: rules, Host: "hooks.example.org"}.Transport(&tls.Config{RootCAs: roots})
	if answer, err := client.Get("https://hooks.example.org/x"); err == nil {
		_ = answer.Body.Close()
		t.Error("a server without a certificate for the name was believed")
	}
	// What is meant to be inside is no matter of the proxy.
	asked := len(proxy.asked)
	for _, r := range []Route{{Rules: rules, Host: "127.0.0.1"}, {Rules: rules, Host: "x.example", Private: true}} {
		answer, err := (&http.Client{Transport: r.Transport(&tls.Config{RootCAs: roots})}).Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	if len(proxy.asked) != asked {
		t.Errorf("the proxy was asked %q", proxy.asked[asked:])
	}
	// The proxy may be inside; nobody else becomes reachable by that.
	if conn, err := (Route{Rules: rules, Host: "x.example"}).Dial(t.Context(), "tcp", net.JoinHostPort("localhost", nobody(t))); !errors.Is(err, ErrInside) {
		if err == nil {
			_ = conn.Close()
		}
		t.Errorf("beside the proxy: %v", err)
	}
}

// A SOCKS5 proxy is handed the name (RFC 1928 section 5, ATYP 3), so that both kinds of proxy mean the same.
func TestSOCKSIsToldTheName(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	go func() {
		defer close(asked)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := make([]byte, 262)
		if _, err := conn.Read(b); err != nil {
			return
		}
		_, _ = conn.Write([]byte{5, 0})
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		asked <- string(b[:n])
		_, _ = conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0}) // refused
	}()
	proxy, err := ParseProxy("socks5://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := Route{Rules: Rules{Proxy: proxy}, Host: "hooks.example.com"}
	if answer, err := (&http.Client{Transport: r.Transport(nil)}).Get("https://hooks.example.com/x"); err == nil {
		_ = answer.Body.Close()
		t.Error("no error")
	}
	_ = listener.Close()
	if got := <-asked; !strings.Contains(got, "hooks.example.com") {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestSecretsOfAProxyAreKnown(t *testing.T) {
	proxy := newConnectProxy(t, "")
	r := Route{Rules: Rules{Proxy: proxy.url}, Host: "hooks.example.com"}
	_, err := (&http.Client{Transport: r.Transport(nil)}).Do(request(t.Context()))
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	for _, s := range r.Secrets() {
		text = strings.ReplaceAll(text, s, "")
	}
	if text == err.Error() || strings.Contains(text, "proxy-password") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("proxy-password"))[:8]) {
		t.Errorf("%q of %v", text, err)
	}
	if got := (Rules{Proxy: &url.URL{Host: "x", User: url.User("u")}}).Secrets(); got != nil {
		t.Errorf("without a password: %q", got)
	}
	if got := (Rules{}).Secrets(); got != nil {
		t.Errorf("without a proxy: %q", got)
	}
}

func request(ctx context.Context) *http.Request {
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://hooks.example.com/x", nil)
	return r
}

func TestParseProxy(t *testing.T) {
	for text, want := range map[string]string{
		"http://proxy.example.org:3128":        "http://proxy.example.org:3128",
		"http://Proxy.Example.org:3128/":       "http://proxy.example.org:3128",
		"http://u:canary@x.example.org:3128":   "",
		"socks5://[2001:db8::1]:1080":          "socks5://[2001:db8::1]:1080",
		"proxy.example.org:3128":               "",
		"http://proxy.example.org":             "", // guessing a port leads elsewhere
		"https://proxy.example.org:3128":       "",
		"ftp://proxy.example.org:21":           "",
		"http://user:p%zz@x:1":                 "",
		"http://proxy.example.org:3128/path":   "",
		"http://proxy.example.org:3128?x=1":    "",
		"socks5://canary-password@x/canary#cx": "",
	} {
		u, err := ParseProxy(text)
		if err != nil && (want != "" || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "p%zz")) || err == nil && u.String() != want {
			t.Errorf("%q: %v, %v, want %q", text, u, err, want)
		}
	}
}
