package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/report"
)

// overviewData is the first page.
type overviewData struct {
	Incidents []report.Brief
	Parts     []report.Part
	Troubles  []report.Note
	Quiet     []report.Note
	Resolved  []alerts.Incident
	Timeline  timelineData
	Matrix    report.Matrix
	MatrixErr string

	Ratings    report.Multiples
	RatingsErr string
}

// timelineData is a timeline with the choice of spans.
type timelineData struct {
	report.Timeline
	Err   string
	Span  string
	Spans []string
}

func (s *Server) overview(r *http.Request, v *view) error {
	v.Template, v.Section = "overview", "overview"
	d := &overviewData{Parts: v.Status.Parts(), Troubles: v.Status.Troubles(s.term), Quiet: v.Status.QuietNotes(s.term), Resolved: v.Status.Resolved}
	v.Title, v.Data = v.Status.Verdict(), d
	for _, i := range v.Status.Loud {
		d.Incidents = append(d.Incidents, s.term.Brief(i, v.Now))
	}
	if v.Status.Trouble != "" {
		return nil // there is nothing more to be had
	}
	span, _, _ := report.SpanOf(r.URL.Query().Get("span"))
	d.Timeline.Span, d.Timeline.Spans = span, report.SpanWords()
	// What is the matter is said above; that a picture of it cannot be drawn must not hide it.
	var err error
	if d.Timeline.Timeline, err = s.o.Source.Refusals(r.Context(), span, v.Now); err != nil {
		d.Timeline.Err = err.Error()
	}
	if d.Matrix, err = s.o.Source.Matrix(r.Context(), "", v.Now); err != nil {
		d.MatrixErr = err.Error()
	}
	ratings, err := s.o.Source.Ratings(r.Context(), v.Now)
	if err != nil {
		d.RatingsErr = err.Error()
	}
	d.Ratings = ratings.Multiples()
	return nil
}

// incidentsData is the list of incidents.
type incidentsData struct {
	All       bool
	Incidents []report.Brief
}

func (s *Server) incidents(r *http.Request, v *view) error {
	v.Template, v.Section, v.Title = "incidents", "incidents", "Incidents"
	d := &incidentsData{All: r.URL.Query().Get("all") != ""}
	all, err := s.o.Source.Incidents(r.Context(), d.All)
	if err != nil {
		return err
	}
	for _, i := range all {
		d.Incidents = append(d.Incidents, s.term.Brief(i, v.Now))
	}
	v.Data = d
	return nil
}

// incidentData is one incident.
type incidentData struct {
	report.Explanation
	Brief      report.Brief
	Proofs     []report.FindingView
	Refused    []report.Refused
	Recoveries []checks.Recovery
	More       int // findings that are not shown
	Earlier    int // events that are not
	Runbooks   []report.Runbook
	Decisions  []report.Decision
	Ahead      []string
	Timeline   timelineData
	Done       map[string]done // steps of runbooks that were done, by their texts
	Sources    []string        // of whom removal can be requested
	Letters    []report.Letter
	LettersErr string
	Suspects   *report.Suspects // nil: it is not about mail
	Again      *wish            // a request that was too soon, to be written down all the same
}

// done is who has done a step of a runbook.
type done struct {
	By string
	At time.Time
}

// steps are the steps that people said they had done, and did not take back.
func steps(events []report.Event) map[string]done {
	out := map[string]done{}
	for _, e := range events {
		switch e.What {
		case alerts.StepDone.Done():
			out[checks.Line(e.Note, 500)] = done{checks.Line(e.By, 100), e.At}
		case alerts.StepOpen.Done():
			delete(out, checks.Line(e.Note, 500))
		}
	}
	return out
}

// Step is who has done a step; zero: nobody said so.
func (d *incidentData) Step(text string) done { return d.Done[checks.Line(text, 500)] }

// maxProofs is how many findings of an incident are shown: of a network that is listed as a
// whole, one is as good as 65,536.
const maxProofs = 20

// mostEvents is how many of the last events are shown; reputed incident show has all.
const mostEvents = 100

func (s *Server) incident(r *http.Request, v *view) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return ErrNotFound
	}
	e, err := s.o.Source.Incident(r.Context(), id, v.Now)
	if err != nil {
		return err
	}
	if v.Person == "" {
		e = e.WithoutSuspects()
	}
	d := &incidentData{Explanation: e, Brief: s.term.Brief(e.IncidentView, v.Now), Proofs: e.Findings(maxProofs), Runbooks: e.Runbooks(), Decisions: e.Decisions(s.term), Ahead: e.Ahead(s.term),
		Refused: s.term.Refused(e.Refusals), Recoveries: e.IncidentView.Incident.Impact.Recoveries()}
	d.More = len(e.IncidentView.Incident.Members) - len(d.Proofs)
	if d.Timeline.Timeline, err = s.o.Source.Course(r.Context(), e, v.Now); err != nil {
		d.Timeline.Err = err.Error()
	}
	if d.Letters, err = s.o.Source.Letters(r.Context(), e, v.Now); err != nil {
		d.LettersErr = err.Error()
	}
	if x, ok := e.Incident.Suspects(); ok {
		d.Suspects = &x
	}
	d.Done = steps(e.Events)
	if n := len(e.Events); n > mostEvents {
		d.Earlier, d.Events = n-mostEvents, e.Events[n-mostEvents:]
	}
	if n := len(d.Decisions); n > mostEvents {
		d.Decisions = d.Decisions[n-mostEvents:]
	}
	for _, p := range d.Proofs {
		if p.Source != "" && !p.Clear && !slices.Contains(d.Sources, p.Source) {
			d.Sources = append(d.Sources, p.Source)
		}
	}
	v.Template, v.Section, v.Title, v.Data = "incident", "incidents", d.Brief.Title, d
	return nil
}
