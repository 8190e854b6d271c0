package web

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
)

// policy is what a page may load: style, script and pictures of ours, and nothing of anybody else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

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
		if !s.o.Access.asked() && !s.ours(r.Host) {
			http.Error(w, "This name is not known here. Add it to url in [web], or use the address.", http.StatusMisdirectedRequest)
			return
		}
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				s.o.Log.LogAttrs(r.Context(), slog.LevelError, "page panicked", slog.String("path", shownPath(r)), slog.Any("err", v), slog.String("stack", string(debug.Stack())))
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
