package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever goes through tokens is stopped after some, by either door, with the right one too; others and
// those who have signed in notice nothing.
func TestTokensCannotBeGoneThrough(t *testing.T) {
	clock := now
	s := serverWith(t, &fixture{}, func(o *Options) {
		o.Access = Access{Tokens: map[string]string{"kim": kimsToken}, Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, ProxyHeader: "Remote-User"}
		o.Now = func() time.Time { return clock }
	})
	kim := signIn(t, s, kimsToken)
	form := func(token, from string, headers ...string) int {
		return send(t, s, sent{path: "/signin", form: url.Values{"token": {token}}, from: from, headers: headers}).Code
	}
	script := func(token, from string) int {
		return send(t, s, sent{path: "/api/v1/status", headers: []string{"Authorization", "Bearer " + token}, from: from}).Code
	}
	const stranger, elsewhere = "198.51.100.9:4711", "198.51.100.10:4711"
	for i := range mostTries {
		door := func(token, from string) int { return form(token, from) }
		if i%2 == 1 {
			door = script
		}
		if got := door("guess"+strconv.Itoa(i), stranger); got != http.StatusUnauthorized {
			t.Fatalf("guess %d: %d", i, got)
		}
	}
	for what, got := range map[string]int{
		"one more": form("guess", stranger), "by a script": script("guess", stranger), "from another port": form("guess", "198.51.100.9:1"),
		"the right token": form(kimsToken, stranger), "the right token of a script": script(kimsToken, stranger),
	} {
		if got != http.StatusTooManyRequests {
			t.Errorf("%s: %d", what, got)
		}
	}
	if got := send(t, s, sent{path: "/", cookies: kim, from: stranger}).Code; got != 200 {
		t.Errorf("a browser there that has signed in: %d", got)
	}
	if got := send(t, s, sent{path: "/healthz", headers: []string{"Authorization", "Bearer guess"}, from: stranger}).Code; got != 200 {
		t.Errorf("health: %d", got)
	}
	if form(kimsToken, elsewhere) != 303 || script(kimsToken, elsewhere) != 200 {
		t.Error("another address has to wait too")
	}
	clock = clock.Add(tryAgain)
	if form("guess", stranger) != 401 || form("guess", stranger) != 429 {
		t.Error("after a while there is not one more try")
	}
	clock = clock.Add(mostTries * tryAgain)
	if form(kimsToken, stranger) != 303 {
		t.Error("after a minute the right token is not taken")
	}
	// Behind a proxy it is whom that names; a stranger's word for it does not count.
	for range mostTries {
		form("guess", "192.0.2.7:1", "X-Forwarded-For", "203.0.113.1, 203.0.113.2")
		form("guess", "203.0.113.9:1", "X-Forwarded-For", "203.0.113.3")
	}
	if form(kimsToken, "192.0.2.7:1", "X-Forwarded-For", "203.0.113.2") != 429 || form(kimsToken, "192.0.2.7:1", "X-Forwarded-For", "203.0.113.1") != 303 {
		t.Error("behind a proxy not the client is census")
	}
	if form(kimsToken, "203.0.113.9:1", "X-Forwarded-For", "203.0.113.4") != 429 {
		t.Error("a stranger says who he is, and is believed")
	}
}

func TestTriesAreBounded(t *testing.T) {
	var x tries
	at := now
	for i := range 2 * mostClients {
		x.admit(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), false, at)
		at = at.Add(time.Microsecond)
	}
	if n := len(x.who); n > mostClients {
		t.Errorf("%d clients are remembered", n)
	}
	six := func(s string) netip.Prefix {
		return Access{}.client(&http.Request{RemoteAddr: "[" + s + "]:1", Header: http.Header{}})
	}
	if six("2001:db8::1") != six("2001:db8::ffff:1") || six("2001:db8::1") == six("2001:db8:0:1::1") {
		t.Error("in IPv6 not the /64 is census")
	}
}

// The header in which a proxy says who has signed in is of no use to a page of somebody else that a browser on the
// proxy's own machine shows.
func TestAPageOfAStrangerIsNotTheProxy(t *testing.T) {
	s := serverWith(t, &fixture{}, func(o *Options) {
		o.Hosts = []string{"reputed.example.org"}
		o.Access = Access{ProxyHeader: "Remote-User", Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}} // as httptest has it
	})
	for host, want := range map[string]int{"reputed.example.org": 200, "127.0.0.1:8025": 200, "evil.example": 401} {
		if got := get(t, s, "/api/v1/status", "Host", host, "Remote-User", "kim").Code; got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
}

// census counts the connections that are open at a time.
type census struct {
	net.Listener
	open, most atomic.Int64
}

type censusConn struct {
	net.Conn
	l *census
}

func (l *census) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n := l.open.Add(1)
	for most := l.most.Load(); n > most && !l.most.CompareAndSwap(most, n); most = l.most.Load() {
	}
	return &censusConn{c, l}, nil
}

func (c *censusConn) Close() error {
	c.l.open.Add(-1)
	return c.Conn.Close()
}

// Connections to the page take no more files of the daemon than a bound, and who waits is answered once another is gone.
func TestConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &census{Listener: inner}
	s := serverWith(t, &fixture{}, func(*Options) {})
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- s.Serve(ctx, l, nil) }()
	ask := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		return c
	}
	answered := func(c net.Conn) {
		t.Helper()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	var all []net.Conn
	for range mostConnections {
		all = append(all, ask())
		answered(all[len(all)-1])
	}
	last := []net.Conn{ask(), ask(), ask()}
	for i, c := range last {
		_ = all[i].Close()
		answered(c)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := l.most.Load(); n != mostConnections {
		t.Errorf("%d connections at a time, want %d", n, mostConnections)
	}
}
