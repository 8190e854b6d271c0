package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// silences are the lengths that the form offers.
var silences = map[string]time.Duration{"1h": time.Hour, "8h": 8 * time.Hour, "24h": 24 * time.Hour, "3d": 3 * 24 * time.Hour, "7d": 7 * 24 * time.Hour}

// wish is what somebody wants to be done, before it is known whether it can be.
type wish struct {
	Kind  alerts.ActionKind `json:"kind"`
	Note  string            `json:"note"`
	For   string            `json:"for"`   // of a silence: "8h"
	Until time.Time         `json:"until"` // of a silence, in place of For
	List  string            `json:"list"`  // of a request
	Ref   string            `json:"ref"`
	Again bool              `json:"again"` // of a request: it has been done, sooner than the list likes
}

// action is the wish as an action, or why it is none.
func (x wish) action(id int64, by string, now time.Time) (alerts.Action, error) {
	a := alerts.Action{Kind: x.Kind, Incident: id, By: by, Note: x.Note, At: now, Request: alerts.Request{List: x.List, Ref: x.Ref, Again: x.Again}}
	if x.Kind != alerts.Mute {
		return a, nil
	}
	a.Until = x.Until
	if x.Until.IsZero() {
		length, ok := silences[x.For]
		if !ok {
			return a, wrongAction("say for how long: 1h, 8h, 24h, 3d or 7d")
		}
		a.Until = now.Add(length)
	}
	return a, nil
}

// wrongAction is an [alerts.ErrAction] of this package.
type wrongAction string

func (e wrongAction) Error() string { return string(e) }
func (e wrongAction) Unwrap() error { return alerts.ErrAction }

// outcome is the answer to a wish: a code, and a sentence unless it went well.
type outcome struct {
	code  int
	said  string
	again bool // it was too soon: the same wish with Again is done
}

// do does it, and says what the answer is.
func (s *Server) do(ctx context.Context, id int64, by string, x wish) (alerts.Incident, outcome) {
	a, err := x.action(id, by, s.o.Now())
	var after alerts.Incident
	if err == nil {
		after, err = s.o.Source.Act(ctx, a)
	}
	switch {
	case err == nil:
		s.o.Log.LogAttrs(ctx, slog.LevelInfo, "incident acted on", slog.Int64("incident", id), slog.String("action", string(a.Kind)), slog.String("person", by))
		return after, outcome{code: http.StatusOK}
	case errors.Is(err, ErrNotFound):
		return after, outcome{code: http.StatusNotFound, said: "There is no such incident."}
	case errors.Is(err, alerts.ErrOver):
		return after, outcome{code: http.StatusConflict, said: "Nothing was done: it is resolved already."}
	case errors.Is(err, alerts.ErrAction):
		return after, outcome{http.StatusUnprocessableEntity, "Nothing was done: " + checks.Line(err.Error(), 300) + ".", errors.Is(err, alerts.ErrTooSoon)}
	}
	s.o.Log.LogAttrs(ctx, slog.LevelError, "incident not acted on", slog.Int64("incident", id), slog.Any("err", err))
	return after, outcome{code: http.StatusServiceUnavailable, said: "Nothing was done: " + checks.Line(err.Error(), 300) + "."}
}

// act takes a form of an incident's page.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	switch {
	case err != nil || r.ParseForm() != nil:
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	case person(r) == "":
		http.Error(w, "Only who has signed in can do that; [web] tokens or proxy_header in the configuration let people.", http.StatusForbidden)
		return
	case !s.genuine(r):
		s.stale(w, r)
		return
	}
	x := wish{Kind: alerts.ActionKind(r.PostFormValue("kind")), Note: r.PostFormValue("note"), For: r.PostFormValue("for"),
		List: r.PostFormValue("list"), Ref: r.PostFormValue("ref"), Again: r.PostFormValue("again") != ""}
	_, answer := s.do(r.Context(), id, person(r), x)
	if answer.code == http.StatusOK {
		at := "/incidents/" + strconv.FormatInt(id, 10)
		if r.PostFormValue("kind") == string(alerts.StepDone) || r.PostFormValue("kind") == string(alerts.StepOpen) {
			at += "#h-runbook"
		}
		http.Redirect(w, r, at, http.StatusSeeOther) // so that a reload does not do it again
		return
	}
	s.page(func(r *http.Request, v *view) error {
		if answer.code == http.StatusNotFound {
			return ErrNotFound
		}
		err := s.incident(r, v)
		if d, ok := v.Data.(*incidentData); ok && answer.again {
			d.Again = &x
		}
		v.Code, v.Trouble = answer.code, answer.said
		return err
	})(w, r)
}
