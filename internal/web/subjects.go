package web

import (
	"net/http"
	"time"

	"reputed/checks"
	"reputed/internal/report"
)

// targetsData is the matrix on a page of its own.
type targetsData struct {
	Pool   string
	Matrix report.Matrix
}

func (s *Server) targets(r *http.Request, v *view) (err error) {
	d := &targetsData{Pool: checks.Line(r.URL.Query().Get("pool"), 60)}
	v.Template, v.Section, v.Title, v.Data = "targets", "targets", "Addresses and lists", d
	d.Matrix, err = s.o.Source.Matrix(r.Context(), d.Pool, v.Now)
	return err
}

// historyData is a history as a page shows it.
type historyData struct {
	Verdict string
	Dwells  []report.Dwell
	Spells  []report.Spell // latest first
	Left    int            // spells that are not shown
	Now     time.Time
}

// mostSpells is how many spells a page shows; all are in the JSON and in `reputed history`.
const mostSpells = 50

func (s *Server) history(h report.History) historyData {
	out := historyData{Verdict: h.Verdict(s.term), Dwells: report.Dwells(h.Spells, h.Since, h.Now), Now: h.Now}
	for i := len(h.Spells) - 1; i >= 0 && len(out.Spells) < mostSpells; i-- {
		out.Spells = append(out.Spells, h.Spells[i])
	}
	out.Left = len(h.Spells) - len(out.Spells)
	if len(out.Dwells) > mostSpells {
		out.Dwells = out.Dwells[:mostSpells]
	}
	return out
}

type targetData struct {
	report.Target
	Rates   report.Multiples
	Briefs  []report.Brief
	Shown   historyData
	Refused []report.Refused
}

func (s *Server) target(r *http.Request, v *view) error {
	t, err := s.o.Source.Target(r.Context(), r.PathValue("id"), v.Now)
	if err != nil {
		return err
	}
	d := &targetData{Target: t, Rates: t.Ratings.Multiples(), Shown: s.history(t.History), Refused: s.term.Refused(t.Refusals)}
	for _, i := range t.Incidents {
		d.Briefs = append(d.Briefs, s.term.Brief(i, v.Now))
	}
	v.Template, v.Section, v.Title, v.Data = "target", "targets", t.Target.String(), d
	return nil
}

func (s *Server) lists(r *http.Request, v *view) error {
	all, err := s.o.Source.Lists(r.Context())
	v.Template, v.Section, v.Title, v.Data = "lists", "lists", "Lists", all
	return err
}

type listData struct {
	report.ListHistory
	Facts  []report.FactGroup
	Shown  historyData
	Cut    int // standings that are not shown
	Counts []listCount
	Asking []report.Fact
	Used   float64 // of what is allowed in a day; below 0: not known
	Meter  string  // the same as a width
}

type listCount struct {
	Verdict string
	N       int
}

func (s *Server) list(r *http.Request, v *view) error {
	l, err := s.o.Source.List(r.Context(), r.PathValue("id"), v.Now)
	if err != nil {
		return err
	}
	d := &listData{ListHistory: l, Facts: report.ListFacts(l.List), Shown: s.history(l.History), Asking: l.Budget.Facts(s.term, v.Now), Used: l.Budget.Used()}
	d.Meter = percent(min(max(d.Used, 0), 1))
	if n := len(l.Standings); n > mostSpells {
		d.Cut, d.Standings = n-mostSpells, l.Standings[:mostSpells]
	}
	for _, verdict := range []string{"listed", "policy", "informational", "good", "clean", "refused", "unusable", "unknown"} {
		if n := l.Counts[verdict]; n > 0 {
			d.Counts = append(d.Counts, listCount{verdict, n})
		}
	}
	v.Template, v.Section, v.Title, v.Data = "list", "lists", checks.Line(l.Zone.Title, 100), d
	return nil
}

func (s *Server) receivers(r *http.Request, v *view) error {
	all, err := s.o.Source.Receivers(r.Context(), v.Now)
	const most = 200
	if len(all) > most {
		all = all[:most]
	}
	v.Template, v.Section, v.Title, v.Data = "receivers", "receivers", "Receivers", all
	return err
}

type receiverData struct {
	report.Receiver
	Briefs  []report.Brief
	Refused []report.Refused
}

func (s *Server) receiver(r *http.Request, v *view) error {
	x, err := s.o.Source.Receiver(r.Context(), r.PathValue("name"), v.Now)
	if err != nil {
		return err
	}
	d := &receiverData{Receiver: x, Refused: s.term.Refused(x.Refusals)}
	for _, i := range x.Incidents {
		d.Briefs = append(d.Briefs, s.term.Brief(i, v.Now))
	}
	v.Template, v.Section, v.Title, v.Data = "receiver", "receivers", x.Name, d
	return nil
}

func (s *Server) search(r *http.Request, v *view) error {
	v.Query = checks.Line(r.URL.Query().Get("q"), 100)
	hits, err := s.o.Source.Search(r.Context(), v.Query, v.Now)
	v.Template, v.Section, v.Title, v.Data = "search", "search", "Search", hits
	return err
}
