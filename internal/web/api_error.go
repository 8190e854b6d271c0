package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"reputed/checks"
)

func (s *Server) apiError(w http.ResponseWriter, r *http.Request, err error) {
	p := problem{Type: "about:blank", Status: http.StatusInternalServerError, Detail: checks.Line(err.Error(), 500)}
	var bad badQuery
	switch {
	case errors.As(err, &bad):
		p.Status = http.StatusBadRequest
	case errors.Is(err, ErrNotFound):
		p.Status = http.StatusNotFound
	case r.Context().Err() != nil:
		return
	default:
		s.o.Log.LogAttrs(r.Context(), slog.LevelError, "interface not answered", slog.String("path", checks.Line(r.URL.Path, 200)), slog.Any("err", err))
	}
	s.apiProblem(w, p)
}

func (s *Server) apiProblem(w http.ResponseWriter, p problem) {
	p.Title = cmp.Or(p.Title, http.StatusText(p.Status))
	p.Type = cmp.Or(p.Type, "about:blank")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
