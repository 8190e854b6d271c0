package probestest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// OAuth is a token endpoint (RFC 6749 section 3.2) on the loopback, over TLS. It gives out access
// tokens, and knows which of them are good. All methods may be called at any time from any
// goroutine.
type OAuth struct {
	server  *http.Server
	address string
	pool    *x509.CertPool
	serving sync.WaitGroup

	mu       sync.Mutex
	grants   int
	tokens   map[string]bool // access tokens, and whether they are good
	refresh  string          // the refresh token that is good
	rotate   bool
	lifetime time.Duration
	refusal  map[string]string
	status   int
	body     string
	mute     chan struct{} // nil: answer
	requests []url.Values
}

// StartOAuth starts an endpoint. The caller closes it.
func StartOAuth() (*OAuth, error) {
	cert, pem, err := LoopbackCertificate(time.Now())
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &OAuth{address: ln.Addr().String(), pool: x509.NewCertPool(), tokens: map[string]bool{}, refresh: "refresh-0", lifetime: time.Hour}
	o.pool.AppendCertsFromPEM(pem)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", o.token)
	o.server = &http.Server{
		Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
	}
	o.serving.Go(func() { _ = o.server.ServeTLS(ln, "", "") })
	return o, nil
}

// URL is the address of the endpoint.
func (o *OAuth) URL() string { return "https://" + o.address + "/token" }

// CertPool trusts the endpoint's certificate and nothing else.
func (o *OAuth) CertPool() *x509.CertPool { return o.pool }

// Close stops the endpoint and waits for what it runs.
func (o *OAuth) Close() {
	o.Mute(false)
	_ = o.server.Close()
	o.serving.Wait()
}

func (o *OAuth) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "no form", http.StatusBadRequest)
		return
	}
	form := maps.Clone(r.PostForm)
	if user, password, ok := r.BasicAuth(); ok { // RFC 6749 section 2.3.1
		form.Set("client_id", user)
		form.Set("client_secret", password)
	}
	o.mu.Lock()
	o.requests = append(o.requests, form)
	mute := o.mute
	o.mu.Unlock()
	if mute != nil {
		select {
		case <-mute:
		case <-r.Context().Done():
		}
		return
	}
	status, answer := o.answer(form)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func (o *OAuth) answer(form url.Values) (status int, answer []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	refuse := func(m map[string]string) (int, []byte) {
		b, _ := json.Marshal(m)
		return http.StatusBadRequest, b
	}
	switch {
	case o.status != 0:
		return o.status, []byte(o.body)
	case o.refusal != nil:
		return refuse(o.refusal)
	case form.Get("grant_type") == "refresh_token" && form.Get("refresh_token") != o.refresh:
		return refuse(map[string]string{"error": "invalid_grant", "error_description": "the refresh token is not known"})
	}
	o.grants++
	access := fmt.Sprintf("access-%d-%s", o.grants, o.address)
	o.tokens[access] = true
	said := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(o.lifetime / time.Second)}
	if form.Get("grant_type") == "refresh_token" && o.rotate {
		o.refresh = fmt.Sprintf("refresh-%d", o.grants)
		said["refresh_token"] = o.refresh
	}
	b, _ := json.Marshal(said)
	return http.StatusOK, b
}

// Good says whether an access token was given here and not revoked since.
func (o *OAuth) Good(token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tokens[token]
}

// Revoke makes all access tokens bad that were given so far.
func (o *OAuth) Revoke() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.tokens)
}

// Requests returns the forms that were posted, in order.
func (o *OAuth) Requests() []url.Values {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.requests)
}

// Rotate makes the endpoint give a new refresh token with each access token, and accept the old
// one no more.
func (o *OAuth) Rotate(rotate bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rotate = rotate
}

// SetRefreshToken sets the refresh token that is good now; it is "refresh-0" at the start.
func (o *OAuth) SetRefreshToken(token string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refresh = token
}

// Lifetime sets how long access tokens are said to be good; it is an hour at the start.
func (o *OAuth) Lifetime(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lifetime = d
}

// Refuse answers every request with an error code and its description (RFC 6749
// section 5.2), until it is called with an empty code.
func (o *OAuth) Refuse(code, description string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refusal = nil
	if code != "" {
		o.refusal = map[string]string{"error": code, "error_description": description}
	}
}

// Break answers every request with a status and a body, until it is called with 0.
func (o *OAuth) Break(status int, body string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status, o.body = status, body
}

// Mute leaves requests without an answer until it is called with false; those
// that waited then get none.
func (o *OAuth) Mute(mute bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mute != nil {
		close(o.mute)
		o.mute = nil
	}
	if mute {
		o.mute = make(chan struct{})
	}
}
