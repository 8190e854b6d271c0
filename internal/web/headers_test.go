package web

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Whatever is answered, a browser is told what it may do with it: pages, documents, files, errors and refusals alike.
func TestEveryAnswerHasItsHeaders(t *testing.T) {
	s := guarded(t, &fixture{})
	kim := signIn(t, s, kimsToken)
	for name, x := range map[string]sent{
		"a page":              {path: "/", cookies: kim},
		"a page of nothing":   {path: "/incidents/999999", cookies: kim},
		"no page":             {path: "/none", cookies: kim},
		"JSON":                {path: "/api/v1/status", cookies: kim},
		"no JSON":             {path: "/api/v1/none", cookies: kim},
		"metrics":             {path: "/metrics", cookies: kim},
		"a file":              {path: "/static/style.css"},
		"no file":             {path: "/static/none.css"},
		"health":              {path: "/healthz"},
		"signing in":          {path: "/signin"},
		"signed in":           {path: "/signin", form: url.Values{"token": {kimsToken}}},
		"a wrong token":       {path: "/signin", form: url.Values{"token": {"guess"}}, from: "198.51.100.9:1"},
		"a script without":    {path: "/api/v1/status"},
		"a browser without":   {path: "/"},
		"a form without":      {path: "/incidents/1", form: url.Values{"kind": {"ack"}}},
		"a form of elsewhere": {path: "/incidents/1", form: url.Values{"kind": {"ack"}}, cookies: kim, headers: []string{"Sec-Fetch-Site", "cross-site"}},
		"a share link":        {path: sharePath + strings.Repeat("A", 43)},
	} {
		h := send(t, s, x).Header()
		for header, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=()",
		} {
			if got := h.Get(header); !strings.Contains(got, want) {
				t.Errorf("%s: %s: %q", name, header, got)
			}
		}
		if got := h.Get("Referrer-Policy"); got != "same-origin" && got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy: %q", name, got)
		}
		if got := h.Get("Cache-Control"); strings.Contains(got, "public") != (name == "a file" && strings.Contains(got, "immutable")) {
			t.Errorf("%s: Cache-Control: %q", name, got)
		}
		for _, c := range h.Values("Set-Cookie") {
			if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || !strings.Contains(c, "Path=/") {
				t.Errorf("%s: %s", name, strings.SplitN(c, "=", 2)[0])
			}
		}
	}
}

// What is promised of TLS holds for all ports of a name, and on a page with a port of its own it would break the others.
func TestTLSIsPromisedForANameOfItsOwnOnly(t *testing.T) {
	for _, c := range []struct {
		origin, host string
		want         bool
	}{
		{"https://reputed.example.org", "reputed.example.org", true},
		{"https://reputed.example.org", "Reputed.Example.org", true},
		{"https://reputed.example.org", "127.0.0.1:8025", false},
		{"https://reputed.example.org", "reputed.example.org:8025", false},
		{"https://reputed.example.org:8025", "reputed.example.org:8025", false},
		{"https://reputed.example.org:8025", "reputed.example.org", false},
		{"http://reputed.example.org", "reputed.example.org", false},
	} {
		s := serverWith(t, &fixture{}, func(o *Options) {
			o.Access = Access{Tokens: map[string]string{"kim": kimsToken}, Secure: true, Origins: []string{c.origin}}
		})
		if got := get(t, s, "/signin", "Host", c.host).Header().Get("Strict-Transport-Security"); got != "" != c.want || c.want && got != strictTransport {
			t.Errorf("%s asked as %s: %q", c.origin, c.host, got)
		}
	}
}

// Of tokens that are sent all at once no more are answered than of those that are sent one after the other.
func TestTokensAtOnceAreCountedToo(t *testing.T) {
	s := guarded(t, &fixture{})
	var wg sync.WaitGroup
	var told atomic.Int64
	for i := range 20 * mostTries {
		wg.Go(func() {
			if send(t, s, sent{path: "/signin", form: url.Values{"token": {fmt.Sprint("guess", i)}}, from: "198.51.100.9:1"}).Code == http.StatusUnauthorized {
				told.Add(1)
			}
		})
	}
	wg.Wait()
	if n := told.Load(); n != mostTries {
		t.Errorf("%d were answered, want %d", n, mostTries)
	}
}

// One connection of HTTP/2 is told how much it may ask at a time (RFC 9113 section 6.5.2).
func TestStreamsAreBounded(t *testing.T) {
	lent := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(lent.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := server(t, &fixture{})
	go func() {
		done <- s.Serve(ctx, l, func() (*tls.Certificate, error) { return &lent.TLS.Certificates[0], nil })
	}()
	t.Cleanup(func() { stop(); <-done })
	roots := lent.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := conn.ConnectionState().NegotiatedProtocol; p != "h2" {
		t.Fatalf("it speaks %q", p)
	}
	// The preface with empty settings (section 3.4); the server's settings come first.
	if _, err := conn.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, 0, 0, 4, 0, 0, 0, 0, 0)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 9)
	if _, err := io.ReadFull(conn, head); err != nil || head[3] != 4 {
		t.Fatalf("%v, %v", head, err)
	}
	settings := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	if _, err := io.ReadFull(conn, settings); err != nil {
		t.Fatal(err)
	}
	for ; len(settings) >= 6; settings = settings[6:] {
		if binary.BigEndian.Uint16(settings) == 3 { // SETTINGS_MAX_CONCURRENT_STREAMS
			if got := binary.BigEndian.Uint32(settings[2:]); got != mostStreams {
				t.Errorf("%d streams", got)
			}
			return
		}
	}
	t.Error("it says nothing of streams")
}
