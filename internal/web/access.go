package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
)

// Access is who may read and who may act. The zero Access lets everybody read who can connect,
// and nobody act.
type Access struct {
	// Tokens are by the names of those who have them. A token signs a browser in, and is what a script
	// sends as Authorization: Bearer (RFC 6750 section 2.1).
	Tokens map[string]string
	// ProxyHeader is where a reverse proxy says who has signed in there; believed from
	// Proxies only.
	ProxyHeader string
	Proxies     []netip.Prefix
	// Secure says that browsers come over TLS: a cookie is sent over nothing else.
	Secure bool
	// Origins are those of the page as browsers see it, "https://reputed.example.org", where a
	// proxy hides that from us.
	Origins []string
}

// asked says whether people have to sign in.
func (a Access) asked() bool { return len(a.Tokens) > 0 || a.ProxyHeader != "" }

// signedFor is how long a browser stays signed in.
const signedFor = 7 * 24 * time.Hour

// cookieName begins with __Host- where that is possible: such a cookie can be set by this host over TLS only.
func (a Access) cookieName() string {
	if a.Secure {
		return "__Host-reputed"
	}
	return "reputed"
}

// personKey is under which a request knows who sends it.
type personKey struct{}

// person is who has signed in; empty: nobody.
func person(r *http.Request) string {
	name, _ := r.Context().Value(personKey{}).(string)
	return name
}

// open are the paths that need no signing in.
func open(path string) bool {
	return path == "/healthz" || path == "/signin" || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/share/")
}

// admit finds out who it is, and turns away who must sign in first.
func (s *Server) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// With no token in force, or where nobody has to sign in, there is nothing to find out by trying.
		_, bearer := bearerOf(r)
		bearer = bearer && len(s.o.Access.Tokens) > 0 && !open(r.URL.Path)
		name := s.who(r)
		if bearer && !s.admitted(r, name) {
			tooMany(w)
			return
		}
		if name != "" {
			r = r.WithContext(context.WithValue(r.Context(), personKey{}, name))
		}
		if name != "" || !s.o.Access.asked() || open(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		script := strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/metrics" || r.URL.Path == "/probe"
		switch {
		case script && len(s.o.Access.Tokens) > 0:
			w.Header().Set("WWW-Authenticate", `Bearer realm="reputed"`)
			http.Error(w, "Send a token of [web] tokens as Authorization: Bearer.", http.StatusUnauthorized)
		case script || len(s.o.Access.Tokens) == 0:
			http.Error(w, "Sign in at the proxy; it did not say who you are.", http.StatusUnauthorized)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "You are no longer signed in. Sign in and do it again.", http.StatusUnauthorized)
		default:
			http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		}
	})
}

// who is the person behind a request; empty if that is not proved.
func (s *Server) who(r *http.Request) string {
	a := s.o.Access
	if token, ok := bearerOf(r); ok {
		return a.owner(token)
	}
	if c, err := r.Cookie(a.cookieName()); err == nil {
		if name := a.signed(c.Value, s.o.Now()); name != "" {
			return name
		}
	}
	// A browser on the proxy's machine whose page was made to lead here (DNS rebinding) can write that header,
	// and has the proxy's address. It cannot change the name that it came for.
	if len(s.o.Hosts) > 0 && !s.ours(r.Host) {
		return ""
	}
	return a.proxied(r)
}

// bearerOf is the token that a script sends (RFC 6750 section 2.1).
func bearerOf(r *http.Request) (token string, ok bool) {
	header, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return strings.TrimSpace(header), ok
}

// admitted says whether a request may be told what came of its token: name is whose it is, empty if it is nobody's.
func (s *Server) admitted(r *http.Request, name string) bool {
	client := s.o.Access.client(r)
	if !s.tries.admit(client, name != "", s.o.Now()) {
		return false
	}
	if name == "" {
		s.o.Log.LogAttrs(r.Context(), slog.LevelWarn, "sign-in refused", slog.String("remote", client.String()))
	}
	return true
}

// owner is whose token it is. Every token is compared, each in constant time.
func (a Access) owner(token string) (name string) {
	given := sha256.Sum256([]byte(token))
	for n, t := range a.Tokens {
		want := sha256.Sum256([]byte(t))
		if t != "" && subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			name = n
		}
	}
	return name
}

// proxied is whom the proxy names, if it is the proxy that says so.
func (a Access) proxied(r *http.Request) string {
	if a.ProxyHeader == "" {
		return ""
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	names := r.Header.Values(a.ProxyHeader)
	// Two values are one that the proxy wrote and one that it let through: whose is which, nobody knows.
	if len(names) == 1 && a.isProxy(at.Addr().Unmap().WithZone("")) {
		return checks.Line(names[0], 100)
	}
	return ""
}

// cookie proves until a time that a browser was signed in with the token of name. It is of no use once
// the token has changed, and needs no memory of ours.
func (a Access) cookie(name string, until time.Time) *http.Cookie {
	head := base64.RawURLEncoding.EncodeToString([]byte(name)) + "." + strconv.FormatInt(until.Unix(), 10)
	return &http.Cookie{ // #nosec G124 -- Secure wherever browsers come over TLS
		Name: a.cookieName(), Value: head + "." + a.mac(name, head), Path: "/", Expires: until, MaxAge: int(signedFor / time.Second),
		HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteLaxMode, // Lax: a link in an alert must not ask to sign in again
	}
}

func (a Access) mac(name, head string) string {
	key := sha256.Sum256([]byte("session\x00" + a.Tokens[name]))
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte(head))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// signed is whose cookie it is, if it is one and not too old.
func (a Access) signed(value string, now time.Time) string {
	head, mac, ok := cutLast(value, ".")
	encoded, until, ok2 := strings.Cut(head, ".")
	if !ok || !ok2 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	end, err2 := strconv.ParseInt(until, 10, 64)
	name := string(raw)
	if err != nil || err2 != nil || a.Tokens[name] == "" || !hmac.Equal([]byte(mac), []byte(a.mac(name, head))) || now.Unix() >= end {
		return ""
	}
	return name
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// formToken proves that a form is of a page that this server made for this person, besides the
// browser's own word about where a request comes from.
func (s *Server) formToken(name string) string {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte("form\x00" + name))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (s *Server) genuine(r *http.Request) bool {
	return hmac.Equal([]byte(r.PostFormValue("form")), []byte(s.formToken(person(r))))
}

// within is a path of ours that a link may lead to after signing in, else "/".
func within(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
