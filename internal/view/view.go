// Package view gathers what is shown of a database and a configuration: how things stand, an incident, what is known
// of a target, a list or a receiver, letters, share links. The commands and the page show it; what it looks like is
// decided by internal/report, and what is so by whoever wrote the database.
package view

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/web"
	"reputed/internal/wiring"
)

// View gathers what is shown, from one database and one configuration. Every form of the
// report, on a terminal or in a browser, is built of what it gives.
type View struct {
	Config *config.Config
	Log    *slog.Logger          // of what is not shown to who looks; New discards it
	Acted  func()                // is called after a person has done something; may be nil
	Live   func() checks.Targets // what a running daemon watches; nil: there is none in this process
	// Unwritten says since when a running daemon cannot write the database, and why; nil: there is none in this process.
	Unwritten func() (since time.Time, why error)

	db       *store.DB
	book     *remedy.Book
	zone     func(id string) (blocklists.Zone, bool) // any list that is known
	policy   alerts.Policy
	last     recent
	shares   sharesKept
	suspects suspicions
	known    knownTargets
}

// recent keeps the last status for a moment: every page shows something of it, and many may look at once.
type recent struct {
	mu     sync.Mutex
	report report.Report
	at     time.Time
}

// statusKept is how old a status may be that is shown again.
const statusKept = 3 * time.Second

// New is a view of a database that may be open for reading only. The caller closes db.
func New(db *store.DB, cfg *config.Config) (*View, error) {
	book, err := remedy.Load()
	if err != nil {
		return nil, err
	}
	return &View{db: db, Config: cfg, book: book, zone: wiring.Lookup(wiring.Named(cfg)), policy: wiring.Policy(cfg), Log: slog.New(slog.DiscardHandler)}, nil
}

var _ web.Source = (*View)(nil)

// Input is everything that a status is built from.
func (v *View) Input(ctx context.Context, now time.Time) (in report.Input, err error) {
	lease, err := v.db.LeaseInfo(ctx)
	if err != nil {
		return in, err
	}
	if v.Unwritten != nil { // it is this process, and alive; also if it cannot sign its lease
		lease.Held = true
	}
	in.Daemon = report.Daemon{Alive: lease.Alive(now) || lease.Held, Host: lease.Host, PID: lease.PID, Started: lease.Acquired, Beat: lease.Renewed}
	in.Own = v.notWritten(lease, now)
	for _, read := range []func(context.Context, *report.Input, time.Time) error{v.rounds, v.mailboxes, v.logs, v.channels, v.own, v.incidents, v.notable, v.unanswered} {
		if err := read(ctx, &in, now); err != nil {
			return in, err
		}
	}
	return in, nil
}

// Status implements [web.Source]. Whoever asks while it is worked out waits for the same one.
func (v *View) Status(ctx context.Context, now time.Time) report.Report {
	v.last.mu.Lock()
	defer v.last.mu.Unlock()
	if age := now.Sub(v.last.at); age >= 0 && age < statusKept {
		return v.last.report
	}
	in, err := v.Input(ctx, now)
	if err != nil { // a status that cannot be read is "could not tell", in every form
		return report.Build(report.Input{Trouble: err.Error()}, now)
	}
	v.last.report, v.last.at = report.Build(in, now), now
	return v.last.report
}

// Forget makes the next status a new one.
func (v *View) Forget() {
	v.last.mu.Lock()
	defer v.last.mu.Unlock()
	v.last.at = time.Time{}
}

// of adds to each incident what to do about it.
func (v *View) of(incidents []alerts.Incident) []report.IncidentView {
	views := make([]report.IncidentView, 0, len(incidents))
	for _, i := range incidents {
		views = append(views, report.IncidentView{Incident: i, Remediation: v.book.ForAll(i.OpenFindings(), v.zone)})
	}
	return views
}

// Incident implements [web.Source].
func (v *View) Incident(ctx context.Context, id int64, now time.Time) (report.Explanation, error) {
	e, err := v.Explanation(ctx, id, now)
	if errors.Is(err, store.ErrNoIncident) {
		return e, fmt.Errorf("incident %d: %w", id, web.ErrNotFound)
	}
	return e, err
}

// Explanation is an incident whole, with why it was told. The error is [store.ErrNoIncident] if there is none.
func (v *View) Explanation(ctx context.Context, id int64, now time.Time) (e report.Explanation, err error) {
	h, err := v.db.Incident(ctx, id)
	if err != nil {
		return e, err
	}
	refused, err := v.db.Bounces(ctx, store.BounceFilter{Incident: h.Incident.ID})
	if err != nil {
		return e, err
	}
	r := incidentReport(v.of([]alerts.Incident{h.Incident})[0], h, now)
	r.Refusals = refusedMail(h.Incident, refused, v.Config)
	if r.Asked, err = v.db.Requests(ctx, h.Incident.ID); err != nil {
		return e, err
	}
	if r.Suspicion, err = v.Suspicion(ctx, h.Incident, now); err != nil {
		return e, err
	}
	if r.Changes, err = v.drift(ctx, h.Incident); err != nil {
		return e, err
	}
	r.Events = append(r.Events, driftEvents(r.Changes)...)
	slices.SortStableFunc(r.Events, func(x, y report.Event) int { return x.At.Compare(y.At) })
	return report.Explanation{Incident: r, Outlook: v.policy.Look(h.Incident, now)}, nil
}

// Incidents implements [web.Source].
func (v *View) Incidents(ctx context.Context, resolved bool) ([]report.IncidentView, error) {
	limit := -1
	if resolved {
		limit = 500
	}
	return v.short(ctx, store.IncidentFilter{Resolved: resolved, Limit: limit})
}

// short are incidents with the worst of their findings, or those about one target.
func (v *View) short(ctx context.Context, f store.IncidentFilter) ([]report.IncidentView, error) {
	all, err := v.db.Shortened(ctx, f, MostMembers)
	if err != nil {
		return nil, err
	}
	out := make([]report.IncidentView, 0, len(all))
	for _, i := range all {
		out = append(out, report.IncidentView{Incident: i.Incident, Open: i.Open})
	}
	return out, nil
}

// Findings implements [web.Source].
func (v *View) Findings(ctx context.Context, q web.FindingQuery) (part []report.IncidentFinding, more bool, err error) {
	all, err := v.db.OpenFindings(ctx, store.FindingFilter{Target: q.Target, Source: q.List, After: q.After, Incident: q.Incident, Limit: q.Limit + 1})
	if err != nil {
		return nil, false, err
	}
	for _, f := range all[:min(q.Limit, len(all))] {
		part = append(part, report.IncidentFinding{Incident: f.Incident, Member: f.Member})
	}
	return part, len(all) > q.Limit, nil
}

// Matrix implements [web.Source].
func (v *View) Matrix(ctx context.Context, pool string, now time.Time) (report.Matrix, error) {
	standings, err := v.db.Standings(ctx, store.StandingFilter{})
	if err != nil {
		return report.Matrix{}, err
	}
	var in report.Input
	if err := v.rounds(ctx, &in, now); err != nil {
		return report.Matrix{}, err
	}
	known, err := v.targets(ctx)
	if err != nil {
		return report.Matrix{}, err
	}
	return report.BuildMatrix(report.MatrixInput{Standings: inPools(standings, known.all), Zone: v.zone, Targets: in.Watched.Addresses + in.Watched.Domains,
		Lists: in.Watched.Lists, Silent: in.Silent, Pool: pool, Bare: known.bare}), nil
}

// inPools says of each standing to which pool its target belongs.
func inPools(standings []store.Standing, watched checks.Targets) []report.Standing {
	known := map[string]checks.Target{}
	out := make([]report.Standing, 0, len(standings))
	for _, s := range standings {
		t, ok := known[s.Key.Target]
		if !ok {
			var err error
			if t, err = checks.ParseID(s.Key.Target); err != nil {
				continue // written by a version that knew more
			}
			if w, ok := watched.Find(t); ok {
				t = w
			}
			known[s.Key.Target] = t
		}
		out = append(out, report.Standing{Key: s.Key, Target: t, Code: s.Code, Severity: s.Severity, Since: s.Since, Seen: s.Seen, Unknown: s.Unknown})
	}
	return out
}

// Refusals implements [web.Source].
func (v *View) Refusals(ctx context.Context, span string, now time.Time) (report.Timeline, error) {
	_, length, step := report.SpanOf(span)
	from := now.Add(-length).Truncate(step)
	flows, err := v.db.Flows(ctx, store.FlowFilter{Since: from, Step: step})
	if err != nil {
		return report.Timeline{}, err
	}
	turns, err := v.db.Turns(ctx, from, step, report.MaxMarks+1)
	if err != nil {
		return report.Timeline{}, err
	}
	return report.BuildTimeline(from, now, step, flowsOf(flows), v.marks(turns)), nil
}

func flowsOf(all []store.Flow) []report.Flow {
	out := make([]report.Flow, 0, len(all))
	for _, f := range all {
		x := report.Flow{At: f.At, Name: f.Name, Refused: f.Refused, Deferred: f.Deferred}
		if f.Name == "" {
			x.Name, x.Delivered, x.Taken = "taken by all receivers", f.Delivered, true
		}
		out = append(out, x)
	}
	return out
}

// marks are what lists did, in words.
func (v *View) marks(turns []store.Turn) []report.Mark {
	var out []report.Mark
	for _, t := range turns {
		name := t.Source
		if z, ok := v.zone(t.Source); ok {
			name = z.Title
		}
		what := t.Target
		if t.Targets > 1 {
			what = checks.Plural(t.Targets, "target") + ", among them " + t.Target + ","
		}
		m := report.Mark{At: t.At, Kind: report.MarkRemoved, Text: what + " no longer on " + name}
		if t.Problem {
			m.Kind, m.Text = report.MarkListed, what+" on "+name
		}
		out = append(out, m)
	}
	return out
}

const (
	// courseBefore is how much of the time before an incident is shown with it.
	courseBefore = 24 * time.Hour
	// courseSteps is about how many steps the course of an incident has.
	courseSteps = 96
)

// Course implements [web.Source].
func (v *View) Course(ctx context.Context, e report.Explanation, now time.Time) (report.Timeline, error) {
	inc := e.IncidentView.Incident
	from, to := inc.Opened.Add(-courseBefore), now
	if end := inc.Resolved; !end.IsZero() && now.Sub(end) > courseBefore {
		to = end.Add(courseBefore)
	}
	step := time.Hour // deliveries are counted by the hour
	for to.Sub(from)/step > courseSteps {
		step *= 2
	}
	from = from.Truncate(step)
	flows, err := v.db.Flows(ctx, store.FlowFilter{Since: from, Step: step, Incident: inc.ID})
	if err != nil {
		return report.Timeline{}, err
	}
	return report.BuildTimeline(from, to, step, flowsOf(flows), append(happened(e.Events), v.marks(sightings(inc, step))...)), nil
}

// happened are the marks of what became of an incident, and of what people did.
func happened(events []report.Event) []report.Mark {
	var out []report.Mark
	for _, e := range events {
		switch {
		case e.By != "":
			out = append(out, report.Mark{At: e.At, Kind: report.MarkPerson, Text: e.What + " by " + e.By})
		case e.What == eventPublished:
			out = append(out, report.Mark{At: e.At, Kind: report.MarkState, Text: e.Note})
		case e.What != eventAnswer:
			out = append(out, report.Mark{At: e.At, Kind: report.MarkState, Text: e.What})
		}
	}
	return out
}

// sightings are when lists began to list the targets of an incident and ceased to, put
// together by list and step.
func sightings(inc alerts.Incident, step time.Duration) []store.Turn {
	type kind struct {
		list    string
		at      time.Time
		problem bool
	}
	by := map[kind]int{}
	var out []store.Turn
	add := func(m alerts.Member, at time.Time, problem bool) {
		k := kind{m.Finding.Key.Source, at.Truncate(step), problem}
		i, ok := by[k]
		if !ok {
			i = len(out)
			by[k] = i
			out = append(out, store.Turn{At: at, Source: m.Finding.Key.Source, Problem: problem, Target: m.Finding.Key.Target})
		}
		out[i].Targets++
	}
	for _, m := range inc.Members {
		if m.Finding.Key.Check != monitor.JobDNSBL {
			continue
		}
		add(m, m.First, true)
		if m.Clear && !m.ClearSince.IsZero() {
			add(m, m.ClearSince, false)
		}
	}
	return out
}
