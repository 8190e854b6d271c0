package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
	"reputed/internal/report"
)

// Sharing is what share links are made of: each shows one pool to whoever has it, without
// signing in. Its methods may be called at the same time.
type Sharing interface {
	// Shared is what the link with this token shows, and takes note that it was opened. [ErrNotFound] if there is no such
	// link, it has expired or it was revoked. No error of it holds the token.
	Shared(ctx context.Context, token string, now time.Time) (report.Share, error)
	// Links are the links that can be opened, the latest first.
	Links(ctx context.Context, now time.Time) ([]report.ShareLink, error)
	// Pools are those that a link can be made for.
	Pools() []string
	// MakeLink makes a link for a pool that lasts so many days, and gives its address, which nobody can find out
	// again. [ErrLink] says what is wrong with what was asked for.
	MakeLink(ctx context.Context, pool, note, by string, days int, now time.Time) (url string, err error)
	// RevokeLink ends one; [ErrNotFound] if there never was one.
	RevokeLink(ctx context.Context, id int64, by string, now time.Time) error
}

// ErrLink: a share link was asked for that cannot be. Trying the same again does not help.
var ErrLink = errors.New("no link was made")

// sharePath begins the paths of links. What follows is a secret.
const sharePath = "/share/"

// shownPath is the path of a request as a log may have it.
func shownPath(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, sharePath) {
		return sharePath + "..."
	}
	return checks.Line(r.URL.Path, 200)
}

// sharePage is what the template of a link gets. It is no [view]: that knows how everything stands.
type sharePage struct {
	Title string
	Now   time.Time
	Share *report.Share // nil: there is none
	Text  string        // then, why
}

// share shows one pool to people outside. It tells nobody whether a token was ever good.
func (s *Server) share(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Referrer-Policy", "no-referrer") // the address is the secret
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	p := sharePage{Title: "Not found", Now: s.o.Now(), Text: "This link does not lead anywhere, or not any more. Whoever gave it to you can make a new one."}
	code, err := http.StatusNotFound, error(ErrNotFound)
	var share report.Share
	if token := r.PathValue("token"); s.o.Sharing != nil && token != "" {
		share, err = s.o.Sharing.Shared(r.Context(), token, p.Now)
	}
	switch {
	case err == nil && share.Gone:
		p.Title, p.Text, code = "Not watched any more", "What this link was made for is not watched any more. Whoever gave it to you can tell you more.", http.StatusGone
	case err == nil:
		p.Title, p.Share, code = share.Verdict(), &share, http.StatusOK
	case errors.Is(err, ErrNotFound):
	case r.Context().Err() != nil:
		return // nobody waits for it any more
	default:
		s.o.Log.LogAttrs(r.Context(), slog.LevelError, "share link not shown", slog.Any("err", err))
		p.Title, p.Text, code = "Not available", "How things stand cannot be shown just now. Try again in a while.", http.StatusServiceUnavailable
	}
	var b bytes.Buffer
	if err := s.templates["share"].ExecuteTemplate(&b, "base", p); err != nil {
		s.o.Log.LogAttrs(r.Context(), slog.LevelError, "share link not rendered", slog.Any("err", err))
		http.Error(w, "The page could not be put together.", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes())
	}
}

// sharesData is the page on which links are made and ended.
type sharesData struct {
	Links []report.ShareLink
	Pools []string
	Made  string // the address of the one just made
}

// shares shows the links.
func (s *Server) shares(r *http.Request, v *view) error {
	if s.o.Sharing == nil {
		return ErrNotFound
	}
	links, err := s.o.Sharing.Links(r.Context(), v.Now)
	v.Template, v.Title, v.Data = "shares", "Share links", &sharesData{Links: links, Pools: s.o.Sharing.Pools()}
	return err
}

// sharesAct takes the forms of that page: one makes a link, the others end one.
func (s *Server) sharesAct(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	switch {
	case r.ParseForm() != nil:
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	case person(r) == "" || s.o.Sharing == nil:
		http.Error(w, "Only who has signed in can do that; [web] tokens or proxy_header in the configuration let people.", http.StatusForbidden)
		return
	case !s.genuine(r):
		s.stale(w, r)
		return
	}
	ctx, who, now := r.Context(), person(r), s.o.Now()
	if id, err := strconv.ParseInt(r.PostFormValue("revoke"), 10, 64); err == nil {
		if err := s.o.Sharing.RevokeLink(ctx, id, who, now); err != nil {
			s.sharesAgain(w, r, "", err)
			return
		}
		s.o.Log.LogAttrs(ctx, slog.LevelInfo, "share link revoked", slog.Int64("link", id), slog.String("person", who))
		http.Redirect(w, r, "/shares", http.StatusSeeOther)
		return
	}
	days, err := strconv.Atoi(r.PostFormValue("days"))
	if err != nil {
		days = 0 // is refused with what would be right
	}
	url, err := s.o.Sharing.MakeLink(ctx, r.PostFormValue("pool"), r.PostFormValue("note"), who, days, now)
	if err == nil {
		s.o.Log.LogAttrs(ctx, slog.LevelInfo, "share link made", slog.String("pool", checks.Line(r.PostFormValue("pool"), 100)), slog.String("person", who))
	}
	// No redirect: the address is shown this once, and must not stand in that of a page.
	s.sharesAgain(w, r, url, err)
}

// sharesAgain shows the page after a form.
func (s *Server) sharesAgain(w http.ResponseWriter, r *http.Request, made string, failed error) {
	s.page(func(r *http.Request, v *view) error {
		if errors.Is(failed, ErrNotFound) {
			return ErrNotFound
		}
		if err := s.shares(r, v); err != nil {
			return err
		}
		v.Data.(*sharesData).Made = made
		switch {
		case made != "":
			w.Header().Set("Cache-Control", "no-store")
		case errors.Is(failed, ErrLink):
			v.Code, v.Trouble = http.StatusUnprocessableEntity, "Nothing was done: "+checks.Line(failed.Error(), 300)+"."
		case failed != nil:
			s.o.Log.LogAttrs(r.Context(), slog.LevelError, "share link neither made nor revoked", slog.Any("err", failed))
			v.Code, v.Trouble = http.StatusServiceUnavailable, "Nothing was done: "+checks.Line(failed.Error(), 300)+"."
		}
		return nil
	})(w, r)
}
