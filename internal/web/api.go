package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
	"reputed/internal/report"
)

const (
	apiRoot = "/api/v1"
	// pageSize is how many things a page of a list has if nobody says; mostOnPage, at most.
	pageSize   = 100
	mostOnPage = 1000
)

// problem is an error as a document (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// badQuery is what is wrong with a parameter.
type badQuery string

func (e badQuery) Error() string { return string(e) }

// endpoint is one path of the interface. What it says of itself is what /api/v1/openapi.json says.
type endpoint struct {
	method, path string // path below /api/v1
	id, summary  string
	schema       string // name of the document
	query        []parameter
	paged        bool
	get          func(w io.Writer, r *http.Request, now time.Time) (next string, err error)
}

type parameter struct {
	name, what string
	format     string // "string", "integer", "boolean", "date-time"
	path       bool
}

func (s *Server) endpoints() []endpoint {
	target := parameter{name: "target", what: "only of this target: an address, a domain, or an id as findings have it", format: "string"}
	list := parameter{name: "list", what: "only of this list, by its id, or of who refused", format: "string"}
	since := parameter{name: "since", what: "only from then on", format: "date-time"}
	id := parameter{name: "id", path: true, format: "string", what: "as the list has it"}
	number := parameter{name: "id", path: true, format: "integer", what: "number of the incident"}
	all := parameter{name: "resolved", what: "resolved ones too", format: "boolean"}
	return []endpoint{
		{"GET", "/status", "status", "How things stand: reputed status --format json", "Status", nil, false, s.apiStatus},
		{"GET", "/incidents", "incidents", "Incidents, what is not resolved first, the latest change first", "Incidents", []parameter{all}, true, s.apiIncidents},
		{"GET", "/incidents/{id}", "incident", "One incident whole: reputed incident show --format json", "Incident", []parameter{number}, false, s.apiIncident},
		{"GET", "/incidents/{id}/explanation", "explanation", "Why people were told of it, or were not: reputed explain --format json", "Explanation", []parameter{number}, false, s.apiExplanation},
		{"GET", "/incidents/{id}/letters", "letters", "The letters that an incident calls for: what reputed letter writes", "Letters", []parameter{number}, false, s.apiLetters},
		{"GET", "/findings", "findings", "What is a problem now, question by question", "Findings", []parameter{target, list}, true, s.apiFindings},
		{"GET", "/targets", "targets", "What is watched, and the problems of each", "Targets", nil, true, s.apiTargets},
		{"GET", "/targets/{id}", "target", "One target", "Target", []parameter{id}, false, s.apiTarget},
		{"GET", "/lists", "lists", "All lists that are known: reputed lists --all --format json", "Lists", nil, true, s.apiLists},
		{"GET", "/lists/{id}", "list", "One list: reputed lists show --format json", "List", []parameter{id}, false, s.apiList},
		{"GET", "/receivers", "receivers", "What receivers did in the last day, most refusals first", "Receivers", nil, true, s.apiReceivers},
		{"GET", "/bounces", "bounces", "Refused mail that counts, latest first", "RefusedMail", []parameter{target, {name: "vendor", what: "only of this vendor or receiving domain", format: "string"}, since}, true, s.apiBounces},
		{"GET", "/changes", "changes", "Every change of what is known, latest first: what a history is made of", "Changes", []parameter{target, list, since}, true, s.apiChanges},
		{"GET", "/history", "history", "What changed, and for how long it was so: reputed history --format json", "History", []parameter{target, list, since}, false, s.apiHistory},
	}
}

// api answers one endpoint.
func (s *Server) api(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		next, err := "", checkQuery(e, r.URL.Query())
		if err == nil {
			next, err = e.get(&b, r, s.o.Now())
		}
		if err != nil {
			s.apiError(w, r, err)
			return
		}
		if next != "" { // RFC 8288
			q := r.URL.Query()
			q.Set("cursor", next)
			w.Header().Set("Link", fmt.Sprintf("<%s?%s>; rel=\"next\"", r.URL.EscapedPath(), q.Encode()))
		}
		w.Header().Set("Content-Type", "application/json")
		write(w, r, http.StatusOK, b.Bytes())
	}
}

// checkQuery refuses what is not known, because a mistyped filter would show everything.
func checkQuery(e endpoint, q url.Values) error {
	for name := range q {
		known := e.paged && (name == "cursor" || name == "limit") || slices.ContainsFunc(e.query, func(p parameter) bool { return p.name == name && !p.path })
		if !known {
			return badQuery(fmt.Sprintf("parameter %q is not known here", checks.Line(name, 60)))
		}
		if len(q[name]) > 1 {
			return badQuery(fmt.Sprintf("parameter %q stands there twice", checks.Line(name, 60)))
		}
	}
	return nil
}

func (s *Server) apiStatus(w io.Writer, r *http.Request, now time.Time) (string, error) {
	return "", s.o.Source.Status(r.Context(), now).Write(w, report.Term{}, report.JSON)
}

func (s *Server) apiIncidents(w io.Writer, r *http.Request, now time.Time) (string, error) {
	resolved := false
	switch r.URL.Query().Get("resolved") {
	case "", "false":
	case "true":
		resolved = true
	default:
		return "", badQuery("resolved is true or false")
	}
	all, err := s.o.Source.Incidents(r.Context(), resolved)
	if err != nil {
		return "", err
	}
	part, next, err := pageOf(r, all, func(i report.IncidentView) string { return strconv.FormatInt(i.Incident.ID, 10) })
	if err != nil {
		return "", err
	}
	return next, report.WriteIncidents(w, report.Term{}, report.JSON, part, now)
}

func (s *Server) explanation(r *http.Request, now time.Time) (report.Explanation, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return report.Explanation{}, fmt.Errorf("incident %q: %w", checks.Line(r.PathValue("id"), 40), ErrNotFound)
	}
	e, err := s.o.Source.Incident(r.Context(), id, now)
	if err == nil && person(r) == "" {
		e = e.WithoutSuspects()
	}
	return e, err
}

func (s *Server) apiLetters(w io.Writer, r *http.Request, now time.Time) (string, error) {
	e, err := s.explanation(r, now)
	if err != nil {
		return "", err
	}
	all, err := s.o.Source.Letters(r.Context(), e, now)
	if err != nil {
		return "", err
	}
	return "", report.WriteLetters(w, all)
}

func (s *Server) apiIncident(w io.Writer, r *http.Request, now time.Time) (string, error) {
	e, err := s.explanation(r, now)
	if err != nil {
		return "", err
	}
	return "", e.Incident.Write(w, report.Term{}, report.JSON)
}

func (s *Server) apiExplanation(w io.Writer, r *http.Request, now time.Time) (string, error) {
	e, err := s.explanation(r, now)
	if err != nil {
		return "", err
	}
	return "", e.Write(w, report.Term{}, report.JSON)
}

func (s *Server) apiFindings(w io.Writer, r *http.Request, _ time.Time) (string, error) {
	n, err := limitOf(r)
	if err != nil {
		return "", err
	}
	after, err := readCursor(r, 4)
	if err != nil {
		return "", err
	}
	q := FindingQuery{Target: r.URL.Query().Get("target"), List: r.URL.Query().Get("list"), Limit: n}
	if after != nil {
		q.After = checks.Key{Check: after[0], Target: after[1], Source: after[2]}
		if q.Incident, err = strconv.ParseInt(after[3], 10, 64); err != nil {
			return "", badQuery("cursor is none that was given here")
		}
	}
	part, more, err := s.o.Source.Findings(r.Context(), q)
	if err != nil {
		return "", err
	}
	next := ""
	if more && len(part) > 0 {
		last := part[len(part)-1]
		k := last.Member.Finding.Key
		next = cursorOf(k.Check, k.Target, k.Source, strconv.FormatInt(last.Incident, 10))
	}
	return next, report.WriteFindings(w, part)
}

func (s *Server) apiTargets(w io.Writer, r *http.Request, _ time.Time) (string, error) {
	n, err := limitOf(r)
	if err != nil {
		return "", err
	}
	after, err := readCursor(r, 1)
	if err != nil {
		return "", err
	}
	from := ""
	if after != nil {
		from = after[0]
	}
	part, more, err := s.o.Source.Targets(r.Context(), from, n)
	if err != nil {
		return "", err
	}
	next := ""
	if more && len(part) > 0 {
		next = cursorOf(part[len(part)-1].Target.ID())
	}
	return next, report.WriteTargets(w, part)
}

func (s *Server) apiTarget(w io.Writer, r *http.Request, now time.Time) (string, error) {
	t, err := s.o.Source.Target(r.Context(), r.PathValue("id"), now)
	if err != nil {
		return "", err
	}
	return "", t.Write(w)
}

func (s *Server) apiLists(w io.Writer, r *http.Request, _ time.Time) (string, error) {
	all, err := s.o.Source.Lists(r.Context())
	if err != nil {
		return "", err
	}
	part, next, err := pageOf(r, all, func(l report.List) string { return l.Zone.ID })
	if err != nil {
		return "", err
	}
	return next, report.WriteLists(w, report.Term{}, report.JSON, part)
}

func (s *Server) apiList(w io.Writer, r *http.Request, now time.Time) (string, error) {
	l, err := s.o.Source.List(r.Context(), r.PathValue("id"), now)
	if err != nil {
		return "", err
	}
	return "", report.WriteList(w, report.Term{}, report.JSON, l.List)
}

func (s *Server) apiReceivers(w io.Writer, r *http.Request, now time.Time) (string, error) {
	all, err := s.o.Source.Receivers(r.Context(), now)
	if err != nil {
		return "", err
	}
	since := time.Time{}
	if len(all) > 0 {
		since = all[0].Since
	}
	part, next, err := pageOf(r, all, func(x report.Receiver) string { return x.Name })
	if err != nil {
		return "", err
	}
	return next, report.WriteReceivers(w, part, since)
}

func (s *Server) apiBounces(w io.Writer, r *http.Request, _ time.Time) (string, error) {
	n, err := limitOf(r)
	if err != nil {
		return "", err
	}
	q := BounceQuery{Target: r.URL.Query().Get("target"), Vendor: r.URL.Query().Get("vendor"), Limit: n}
	if q.Since, err = timeOf(r, "since"); err != nil {
		return "", err
	}
	if q.After, err = readCursor(r, 2); err != nil {
		return "", err
	}
	part, next, err := s.o.Source.Bounces(r.Context(), q)
	if err != nil {
		return "", err
	}
	cursor := ""
	if len(next) == 2 {
		cursor = cursorOf(next...)
	}
	return cursor, report.WriteRefusals(w, part)
}

func (s *Server) apiChanges(w io.Writer, r *http.Request, _ time.Time) (string, error) {
	n, err := limitOf(r)
	if err != nil {
		return "", err
	}
	q := ChangeQuery{Target: r.URL.Query().Get("target"), List: r.URL.Query().Get("list"), Limit: n}
	if q.Since, err = timeOf(r, "since"); err != nil {
		return "", err
	}
	after, err := readCursor(r, 1)
	if err != nil {
		return "", err
	}
	if after != nil {
		if q.Before, err = strconv.ParseInt(after[0], 10, 64); err != nil || q.Before < 1 {
			return "", badQuery("cursor is none that was given here")
		}
	}
	part, next, err := s.o.Source.Changes(r.Context(), q)
	if err != nil {
		return "", err
	}
	cursor := ""
	if next > 0 {
		cursor = cursorOf(strconv.FormatInt(next, 10))
	}
	return cursor, report.WriteChanges(w, part)
}

func (s *Server) apiHistory(w io.Writer, r *http.Request, now time.Time) (string, error) {
	since, err := timeOf(r, "since")
	if err != nil {
		return "", err
	}
	h, err := s.o.Source.History(r.Context(), r.URL.Query().Get("target"), r.URL.Query().Get("list"), since, now)
	if err != nil {
		return "", err
	}
	return "", h.Write(w, report.Term{}, report.JSON)
}

// apiAct is POST /incidents/{id}/actions.
func (s *Server) apiAct(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.apiProblem(w, problem{Status: http.StatusNotFound, Detail: "there is no such incident"})
		return
	}
	// A browser that carries a cookie needs the token of a form; a script carries its own token and no cookie.
	bearer := strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")
	if person(r) == "" || !bearer {
		s.apiProblem(w, problem{Status: http.StatusForbidden, Detail: "send a token of [web] tokens as Authorization: Bearer"})
		return
	}
	var x wish
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		s.apiProblem(w, problem{Status: http.StatusBadRequest, Detail: checks.Line(err.Error(), 200)})
		return
	}
	after, answer := s.do(r.Context(), id, person(r), x)
	if answer.code != http.StatusOK {
		if answer.again {
			answer.said += " It has been done? Send again = true."
		}
		s.apiProblem(w, problem{Status: answer.code, Detail: answer.said})
		return
	}
	var b bytes.Buffer
	if err := report.WriteIncident(&b, report.IncidentView{Incident: after}, s.o.Now()); err != nil {
		s.apiError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b.Bytes())
}
