package web

import (
	"log/slog"
	"net/http"
	"time"

	"reputed/internal/report"
)

// maxForm is how many bytes a form has at most.
const maxForm = 32 << 10

type signinData struct {
	Next  string
	Wrong bool
	Proxy bool // nobody can sign in here: a proxy does that
}

// signin shows the form.
func (s *Server) signin(w http.ResponseWriter, r *http.Request) {
	next := within(r.URL.Query().Get("next"))
	if person(r) != "" {
		http.Redirect(w, r, next, http.StatusSeeOther) // #nosec G710 -- within lets paths of ours through only
		return
	}
	s.showSignin(w, r, http.StatusOK, signinData{Next: next, Proxy: len(s.o.Access.Tokens) == 0})
}

// showSignin says nothing about how things stand: nobody has signed in yet.
func (s *Server) showSignin(w http.ResponseWriter, r *http.Request, code int, d signinData) {
	s.render(w, r, &view{Template: "signin", Title: "Sign in", Now: s.o.Now(), Code: code, Blank: true, Status: report.Report{}, Data: d})
}

// signinNow takes the form.
func (s *Server) signinNow(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	next := within(r.PostFormValue("next"))
	name := s.o.Access.owner(r.PostFormValue("token"))
	if !s.admitted(r, name) {
		tooMany(w)
		return
	}
	if name == "" {
		s.showSignin(w, r, http.StatusUnauthorized, signinData{Next: next, Wrong: true, Proxy: len(s.o.Access.Tokens) == 0})
		return
	}
	s.o.Log.LogAttrs(r.Context(), slog.LevelInfo, "signed in", slog.String("person", name), slog.String("remote", r.RemoteAddr))
	http.SetCookie(w, s.o.Access.cookie(name, s.o.Now().Add(signedFor)))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// signout ends it in this browser.
func (s *Server) signout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !s.genuine(r) {
		s.stale(w, r)
		return
	}
	c := s.o.Access.cookie(person(r), time.Unix(1, 0)) // #nosec G124 -- as it was set
	c.Value, c.MaxAge = "", -1
	w.Header().Set("Clear-Site-Data", `"cache"`) // pages that were shown stay in no cache of a shared computer
	http.SetCookie(w, c)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// stale answers a form that this server did not make for this person.
func (s *Server) stale(w http.ResponseWriter, r *http.Request) {
	s.page(func(_ *http.Request, v *view) error {
		v.Template, v.Title, v.Code = "error", "Nothing was done", http.StatusForbidden
		v.Trouble = "The form is older than this monitor, which was started again meanwhile, or it is not of this page. Go back, reload the page and do it again."
		return nil
	})(w, r)
}
