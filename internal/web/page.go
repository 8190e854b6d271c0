package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"reputed/checks"
	"reputed/internal/report"
)

// view is what a template gets.
type view struct {
	Template string // name of the file without .html
	Title    string
	Section  string // which entry of the navigation is this one
	Path     string // with its query
	Now      time.Time
	Status   report.Report
	Version  string
	Code     int
	Trouble  string // why the page cannot be shown as it should be
	Query    string // of the search
	Person   string // who has signed in; empty: nobody
	Form     string // the token of forms; empty: there are none
	SignsIn  bool   // one can sign in here
	Cookie   bool   // and out
	Blank    bool   // nothing is shown of how things stand
	Data     any
}

// page renders what a handler puts into the view.
func (s *Server) page(fill func(*http.Request, *view) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &view{Now: s.o.Now(), Path: r.URL.RequestURI(), Version: s.o.Version, Code: http.StatusOK}
		v.Status = s.o.Source.Status(r.Context(), v.Now)
		v.SignsIn = len(s.o.Access.Tokens) > 0
		if v.Person = person(r); v.Person != "" {
			v.Form = s.formToken(v.Person)
			_, err := r.Cookie(s.o.Access.cookieName())
			v.Cookie = err == nil
		}
		switch err := fill(r, v); {
		case err == nil:
		case errors.Is(err, ErrNotFound):
			v.Template, v.Title, v.Code = "error", "Not found", http.StatusNotFound
			v.Trouble = "There is no such thing here. It may have a new name, or the link may be cut off."
		case r.Context().Err() != nil:
			return // nobody waits for it any more
		default:
			s.o.Log.LogAttrs(r.Context(), slog.LevelError, "page not shown", slog.String("path", shownPath(r)), slog.Any("err", err))
			v.Template, v.Title, v.Code = "error", "Cannot be shown", http.StatusInternalServerError
			v.Trouble = checks.Line(err.Error(), 500)
		}
		s.render(w, r, v)
	}
}

// render writes a page, or 304 if the browser has it already.
func (s *Server) render(w http.ResponseWriter, r *http.Request, v *view) {
	var b bytes.Buffer
	if err := s.templates[v.Template].ExecuteTemplate(&b, "base", v); err != nil {
		s.o.Log.LogAttrs(r.Context(), slog.LevelError, "page not rendered", slog.String("path", shownPath(r)), slog.Any("err", err))
		http.Error(w, "The page could not be put together; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	write(w, r, v.Code, b.Bytes())
}

// write gives the content with its ETag, or 304 (RFC 9110 section 13.1.2).
func write(w http.ResponseWriter, r *http.Request, code int, content []byte) {
	if code == http.StatusOK {
		sum := sha256.Sum256(content)
		tag := `"` + hex.EncodeToString(sum[:12]) + `"`
		w.Header().Set("ETag", tag)
		if matches(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(content)
	}
}

// matches says whether an If-None-Match header names the tag; weak comparison.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == tag {
			return true
		}
	}
	return false
}

// healthz is for whoever restarts us: 200 while the daemon is alive and the database can be read.
// It says nothing more, since it is answered to everybody.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch st := s.o.Source.Status(ctx, s.o.Now()); {
	case st.Trouble != "":
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("the database cannot be read\n"))
	case !st.Daemon.Alive:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("the daemon is not running\n"))
	default:
		_, _ = w.Write([]byte("ok\n"))
	}
}
