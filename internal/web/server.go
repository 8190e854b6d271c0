package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"reputed/internal/report"
)

// Options are what a [Server] is made of.
type Options struct {
	Source   Source
	Sharing  Sharing        // share links; nil: there are none
	Log      *slog.Logger   // default: nothing is logged
	Location *time.Location // of the times on the page; default: that of this machine
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Hosts are the names under which browsers reach it, besides addresses and "localhost".
	// A page of somebody else whose name was made to lead here is refused by it.
	Hosts   []string
	Access  Access
	Version string
}

// Server answers requests. It keeps nothing between them but a key of its own, and who sent wrong tokens of late.
type Server struct {
	o         Options
	term      report.Term
	templates map[string]*template.Template
	assets    map[string]asset
	handler   http.Handler
	key       []byte // of the tokens in forms
	tries     tries

	description []byte // the OpenAPI document
}

// New puts a server together. It fails only if its own files are broken.
func New(o Options) (*Server, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Location = cmp.Or(o.Location, time.Local)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, term: report.Term{Location: o.Location}}
	var err error
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	if s.templates, err = s.parseTemplates(); err != nil {
		return nil, err
	}
	if s.description, err = s.describe(); err != nil {
		return nil, err
	}
	s.key = make([]byte, 32)
	_, _ = rand.Read(s.key) // never fails
	cross := http.NewCrossOriginProtection()
	for _, origin := range o.Access.Origins {
		if err := cross.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
	}
	s.handler = s.guard(cross.Handler(s.admit(s.routes())))
	return s, nil
}

// routes are all there are.
func (s *Server) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.page(s.overview))
	m.HandleFunc("GET /incidents", s.page(s.incidents))
	m.HandleFunc("GET /incidents/{id}", s.page(s.incident))
	m.HandleFunc("POST /incidents/{id}", s.act)
	m.HandleFunc("GET /signin", s.signin)
	m.HandleFunc("POST /signin", s.signinNow)
	m.HandleFunc("POST /signout", s.signout)
	m.HandleFunc("GET /targets", s.page(s.targets))
	m.HandleFunc("GET /targets/{id}", s.page(s.target))
	m.HandleFunc("GET /lists", s.page(s.lists))
	m.HandleFunc("GET /lists/{id}", s.page(s.list))
	m.HandleFunc("GET /receivers", s.page(s.receivers))
	m.HandleFunc("GET /receivers/{name}", s.page(s.receiver))
	m.HandleFunc("GET /search", s.page(s.search))
	m.HandleFunc("GET /shares", s.page(s.shares))
	m.HandleFunc("POST /shares", s.sharesAct)
	m.HandleFunc("GET "+sharePath+"{token}", s.share)
	m.HandleFunc("GET "+sharePath, s.share) // whatever else lies there needs no signing in either, and shows nothing
	for _, e := range s.endpoints() {
		m.HandleFunc(e.method+" "+apiRoot+e.path, s.api(e))
	}
	m.HandleFunc("POST "+apiRoot+"/incidents/{id}/actions", s.apiAct)
	m.HandleFunc("GET "+apiRoot+"/openapi.json", s.openapi)
	m.HandleFunc("GET /api/", func(w http.ResponseWriter, _ *http.Request) {
		s.apiProblem(w, problem{Status: http.StatusNotFound, Detail: "see " + apiRoot + "/openapi.json for what there is"})
	})
	m.HandleFunc("GET /static/{name}", s.static)
	m.HandleFunc("GET /metrics", s.metrics)
	m.HandleFunc("GET /probe", s.probe)
	m.HandleFunc("GET /healthz", s.healthz)
	m.HandleFunc("GET /", s.page(func(*http.Request, *view) error { return ErrNotFound }))
	return m
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

const (
	// answerTime is how long one answer may take, the slowest client included.
	answerTime = 30 * time.Second
	// mostConnections is how many are answered at a time; others wait. Each takes a file of the daemon, which has
	// to go on asking name servers whoever opens how many connections to its page.
	mostConnections = 256
	// mostStreams is how many answers one connection of HTTP/2 has at a time (RFC 9113 section 5.1.2); a browser that
	// opens a page needs a handful.
	mostStreams = 16
	// stopTime is how long answers under way may still take when we stop.
	stopTime = 2 * time.Second
)

// Serve answers on a listener until ctx ends, then finishes what is under way within two
// seconds. With a certificate it speaks TLS. It returns nil if ctx ended it.
func (s *Server) Serve(ctx context.Context, l net.Listener, certificate func() (*tls.Certificate, error)) error {
	h := &http.Server{
		Handler:           http.TimeoutHandler(s, answerTime-5*time.Second, "The database did not answer in time. Try again.\n"),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: answerTime, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: mostStreams},
		ErrorLog:    slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug), // broken handshakes and the like, of anybody who connects
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	l = netutil.LimitListener(l, mostConnections)
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate() }, // read anew, so that a renewed one is taken
		})
	}
	done := make(chan error, 1)
	go func() { done <- h.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve the page on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err := h.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		err = h.Close()
	}
	<-done
	return err
}
