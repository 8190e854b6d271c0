package probes

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever a server does, its whole answer or an error comes back in time, and the key of the
// address is in no error.
func TestWeb(t *testing.T) {
	const key = "c4n4ryK3y0123"
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "Text/CSV; charset=utf-8")
		fmt.Fprint(w, r.Header.Get("Authorization"), "a,b")
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 2000)) })
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half of it")
	})
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "not HTTP\r\n\r\n")
			conn.Close()
		}
	})
	mux.HandleFunc("/mute", func(http.ResponseWriter, *http.Request) { <-release })
	server := httptest.NewServer(mux)
	t.Cleanup(func() { close(release); server.Close() })
	web := NewWeb(WebOptions{Name: "snds", Most: 1000, Timeout: 300 * time.Millisecond, Secrets: func() []string { return []string{key} }})
	for path, c := range map[string]struct {
		status int
		kind   error
	}{
		"/ok": {200, nil}, "/moved": {302, nil}, "/none": {404, nil}, "/long": {0, ErrTooLong}, "/half": {0, ErrProtocol}, "/mute": {0, ErrTimeout},
	} {
		t.Run(path, func(t *testing.T) {
			page, err := web.Get(t.Context(), server.URL+path+"?key="+key)
			if !errors.Is(err, c.kind) || err == nil && page.Status != c.status || err != nil && (len(page.Body) > 0 || strings.Contains(err.Error(), key)) {
				t.Errorf("got %d %q, %v, want %d, %v", page.Status, page.Body, err, c.status, c.kind)
			}
			if path == "/ok" && (page.Type != "text/csv" || string(page.Body) != "a,b") {
				t.Errorf("got %q %q", page.Type, page.Body)
			}
		})
	}
	for _, address := range []string{"http://192.0.2.1/?key=" + key, "file:///etc/passwd", "://" + key, ""} {
		if _, err := web.Get(t.Context(), address); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := web.Get(t.Context(), server.URL+"/"); !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "net/http: ") {
		t.Errorf("an address without a path takes words out of errors: %v", err)
	}
	server.Listener.Close()
	if _, err := web.Get(t.Context(), server.URL+"/ok?key="+key); !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), key) {
		t.Errorf("nobody listens: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := web.Get(ctx, server.URL+"/ok"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has gone: %v", err)
	}
}

// "LOCALHOST" is a name that leads inside on every machine (RFC 6761 section 6.3), and not written as what is meant is ("localhost").
func TestNamesOfSourcesDoNotLeadInside(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody inside was asked") }))
	t.Cleanup(server.Close)
	address := strings.Replace(server.URL, "127.0.0.1", "LOCALHOST", 1)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	_, err := NewWeb(WebOptions{Name: "snds", RootCAs: roots}).Get(t.Context(), address+"/x")
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "private of [http]") || strings.Contains(err.Error(), "firewall") {
		t.Errorf("a page: %v", err)
	}
	oauth, err := NewOAuth(OAuthOptions{Name: "bounces", TokenURL: address + "/token", ClientID: "reputed", ClientSecret: func() string { return "s" }, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := oauth.token(t.Context()); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "private of [http]") || strings.Contains(err.Error(), "firewall") {
		t.Errorf("a token: %v", err)
	}
}
