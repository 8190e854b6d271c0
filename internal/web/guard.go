package web

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"

	"reputed/checks"
)

// policy is what a page may load: style, script and pictures of ours, and nothing of anybody else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// strictTransport has a browser that came over TLS once come over nothing else for a year (RFC 6797).
const strictTransport = "max-age=31536000"

// strict says whether a request is for a name that is the page's own. What is promised about TLS holds for all ports of a
// name (RFC 6797 section 8.3): beside a page on a port of its own there may be others on that machine that
// speak no TLS, and that a browser would not reach any more. So it is promised only for an https address without a port.
func (s *Server) strict(r *http.Request) bool {
	return slices.ContainsFunc(s.o.Access.Origins, func(origin string) bool {
		host, tls := strings.CutPrefix(origin, "https://")
		return tls && !strings.Contains(host, ":") && strings.EqualFold(host, r.Host)
	})
}

// guard stands before every answer: headers, and hosts that are not ours.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // incident numbers are nobody's business; our own forms need their origin
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "private, no-cache")
		if s.strict(r) {
			h.Set("Strict-Transport-Security", strictTransport)
		}
		if !s.o.Access.asked() && !s.ours(r.Host) {
			http.Error(w, "This name is not known here. Add it to url in [web], or use the address.", http.StatusMisdirectedRequest)
			return
		}
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				s.o.Log.LogAttrs(r.Context(), slog.LevelError, "page panicked", slog.String("path", shownPath(r)), slog.String("err", checks.Fault(v)), slog.String("stack", string(debug.Stack())))
				http.Error(w, "Something is broken here; the log says what.", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// ours says whether a Host header is one of this server. A name of a stranger that is made
// to lead to this machine (DNS rebinding) is of the same origin as the stranger's page, which could
// then read everything that is shown here. Where people sign in it could not: their cookies
// belong to another name.
func (s *Server) ours(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return true
	}
	return slices.Contains(s.o.Hosts, host)
}
