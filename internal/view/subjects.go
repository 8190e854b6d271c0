package view

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/web"
)

const (
	// subjectCourse is how far back the chart of a target or a receiver goes, subjectStep its step.
	subjectCourse = 7 * 24 * time.Hour
	subjectStep   = 2 * time.Hour
	// subjectMails is how many refused mails the page of a target or a receiver shows.
	subjectMails = 20
	// receiversSpan is over how long receivers are summed up.
	receiversSpan = 24 * time.Hour
	// mostHits is how many things of each kind a search gives.
	mostHits = 20
)

// Target implements [web.Source].
func (v *View) Target(ctx context.Context, id string, now time.Time) (report.Target, error) {
	out := report.Target{Now: now}
	t, err := checks.ParseID(id)
	if err != nil || t.Kind != checks.KindAddress && t.Kind != checks.KindDomain {
		return out, fmt.Errorf("target %q: %w", checks.Line(id, 100), web.ErrNotFound)
	}
	known, err := v.targets(ctx)
	if err != nil {
		return out, err
	}
	found := false
	if out.Target, found = known.all.Find(t); !found {
		out.Target = t
	}
	_, out.Watched = known.watched.Find(t)
	out.Bare = known.bare && !out.Watched
	standings, err := v.db.Standings(ctx, store.StandingFilter{Target: t.ID()})
	if err != nil {
		return out, err
	}
	out.Standings = inPools(standings, known.all)
	report.SortStandings(out.Standings)
	if out.Incidents, err = v.short(ctx, store.IncidentFilter{Target: t.ID(), Limit: -1}); err != nil {
		return out, err
	}
	changes, more, err := v.db.History(ctx, store.TransitionFilter{Target: t.ID()})
	if err != nil {
		return out, err
	}
	out.History = report.NewHistory(TurnsOf(changes), time.Time{}, now)
	out.History.Target, out.History.More = t.ID(), more
	if !out.Watched && len(changes) == 0 {
		return out, fmt.Errorf("target %s: %w", t.ID(), web.ErrNotFound)
	}
	rated, err := v.RatingsOf(ctx, []checks.Target{t}, now)
	if err != nil {
		return out, err
	}
	out.Ratings = rated
	if out.Refusals, err = v.refused(ctx, store.BounceFilter{Target: t.ID(), Counted: true, Limit: subjectMails}); err != nil {
		return out, err
	}
	out.Course, err = v.course(ctx, store.FlowFilter{Target: t.ID()}, changes, now)
	return out, err
}

// course is the chart of a target or a receiver.
func (v *View) course(ctx context.Context, f store.FlowFilter, changes []store.Transition, now time.Time) (report.Timeline, error) {
	f.Since, f.Step = now.Add(-subjectCourse).Truncate(subjectStep), subjectStep
	flows, err := v.db.Flows(ctx, f)
	if err != nil {
		return report.Timeline{}, err
	}
	return report.BuildTimeline(f.Since, now, subjectStep, flowsOf(flows), v.marks(turned(changes))), nil
}

// turned are the changes at which something became a problem, or ceased to be one, on a list.
func turned(changes []store.Transition) []store.Turn {
	var out []store.Turn
	for _, t := range changes {
		if t.Key.Check == monitor.JobDNSBL && (t.Before == checks.Problem) != (t.Status == checks.Problem) {
			out = append(out, store.Turn{At: t.At, Source: t.Key.Source, Problem: t.Status == checks.Problem, Targets: 1, Target: t.Key.Target})
		}
	}
	slices.SortStableFunc(out, func(a, b store.Turn) int { return a.At.Compare(b.At) })
	return out
}

func (v *View) refused(ctx context.Context, f store.BounceFilter) ([]report.Refusal, error) {
	all, err := v.db.Bounces(ctx, f)
	if err != nil {
		return nil, err
	}
	var out []report.Refusal
	for _, b := range all {
		out = append(out, refusalOf(b))
	}
	return out, nil
}

// lists are all lists that are known, those that are asked first.
func (v *View) lists() []report.List { return Lists(v.Config) }

// Lists implements [web.Source].
func (v *View) Lists(context.Context) ([]report.List, error) { return v.lists(), nil }

// List implements [web.Source].
func (v *View) List(ctx context.Context, id string, now time.Time) (out report.ListHistory, err error) {
	lists := v.lists()
	i := slices.IndexFunc(lists, func(l report.List) bool { return l.Zone.ID == id })
	if i < 0 {
		return out, fmt.Errorf("list %q: %w", checks.Line(id, 100), web.ErrNotFound)
	}
	out = report.ListHistory{List: lists[i], Now: now}
	run, ok, err := v.db.LastCompleteRun(ctx, monitor.JobDNSBL)
	if err != nil {
		return out, err
	}
	if ok {
		out.Round = run.Finished
	}
	for _, l := range run.Summary.Lists {
		if l.List != id {
			continue
		}
		out.Counts = l.Counts
		if l.State != store.ListOK {
			out.Silent = &report.SilentList{ID: id, Name: out.Zone.Title, Operator: out.Zone.Operator, Severity: checks.Severity(out.Zone.Severity), Verdict: blocklists.Class(l.State), Since: l.Since, Why: l.Why}
		}
	}
	known, err := v.targets(ctx)
	if err != nil {
		return out, err
	}
	standings, err := v.db.Standings(ctx, store.StandingFilter{Source: id})
	if err != nil {
		return out, err
	}
	out.Standings = inPools(standings, known.all)
	report.SortStandings(out.Standings)
	changes, more, err := v.db.History(ctx, store.TransitionFilter{Source: id})
	if err != nil {
		return out, err
	}
	out.History = report.NewHistory(TurnsOf(changes), time.Time{}, now)
	out.History.Source, out.History.More = id, more
	out.Budget, err = v.budget(ctx, out.Zone, now)
	for _, l := range run.Summary.Lists {
		out.Budget.Parts = out.Budget.Parts || l.List == id && l.Next > 0
	}
	return out, err
}

// budget is how much a list was asked in the last 24 hours, and the other lists of its operator that are asked.
func (v *View) budget(ctx context.Context, z blocklists.Zone, now time.Time) (report.Budget, error) {
	usage, err := v.db.Usage(ctx, monitor.JobDNSBL, now.Add(-report.BudgetSpan))
	b := report.Budget{Since: usage.Since, Rounds: usage.Rounds, Asked: usage.Asked[z.ID], PerDay: z.PerDay, Rate: z.Rate, Operator: z.Operator}
	for _, l := range v.lists() {
		if l.Asked && l.Zone.Operator == z.Operator {
			b.Lists++
			b.Together += usage.Asked[l.Zone.ID]
		}
	}
	return b, err
}

// Receivers implements [web.Source].
func (v *View) Receivers(ctx context.Context, now time.Time) ([]report.Receiver, error) {
	since := now.Add(-receiversSpan)
	all, err := v.db.Receivers(ctx, since)
	if err != nil {
		return nil, err
	}
	counts := make([]report.ReceiverCount, 0, len(all))
	for _, r := range all {
		counts = append(counts, report.ReceiverCount{Domain: r.Domain, Vendor: r.Vendor, Refused: r.Refused, Deferred: r.Deferred, Delivered: r.Delivered, Counted: r.Counted, Last: r.Last})
	}
	out := report.BuildReceivers(counts, since, now)
	lists := v.lists()
	for i := range out {
		out[i].List = runsList(out[i].Vendor, lists)
	}
	return out, nil
}

// runsList says whether a vendor that refusals name only runs a list: it is in the catalogue by its name or the
// beginning of it, as "Spamhaus" of the Spamhaus Project, and no filter or provider, as Barracuda is too.
func runsList(vendor string, lists []report.List) bool {
	if vendor == "" || acceptance.About(vendor).Kind != acceptance.Unknown {
		return false
	}
	return slices.ContainsFunc(lists, func(l report.List) bool {
		return slices.ContainsFunc([]string{l.Zone.Operator, l.Zone.Title}, func(name string) bool { return name == vendor || strings.HasPrefix(name, vendor+" ") })
	})
}

// Receiver implements [web.Source].
func (v *View) Receiver(ctx context.Context, name string, now time.Time) (out report.Receiver, err error) {
	all, err := v.Receivers(ctx, now)
	if err != nil {
		return out, err
	}
	out = report.Receiver{Name: checks.Line(name, 100), Share: -1, Since: now.Add(-receiversSpan), Now: now}
	if i := slices.IndexFunc(all, func(r report.Receiver) bool { return r.Name == name }); i >= 0 {
		out = all[i]
	}
	if out.Refusals, err = v.refused(ctx, store.BounceFilter{Vendor: name, Counted: true, Limit: subjectMails}); err != nil {
		return out, err
	}
	if out.Course, err = v.course(ctx, store.FlowFilter{Vendor: name}, nil, now); err != nil {
		return out, err
	}
	open, err := v.short(ctx, store.IncidentFilter{Limit: -1})
	if err != nil {
		return out, err
	}
	for _, x := range open {
		i := x.Incident
		if !slices.ContainsFunc(i.Impact.Receivers, func(r checks.ReceiverImpact) bool { return r.Receiver == name || r.Vendor == name }) {
			continue
		}
		out.Incidents = append(out.Incidents, x)
		for _, r := range i.Impact.Recoveries() {
			if r.Vendor == name {
				out.Recoveries = append(out.Recoveries, r)
			}
		}
	}
	if len(out.Refusals)+len(out.Incidents) == 0 && out.Delivered.N == 0 {
		return out, fmt.Errorf("receiver %q: %w", checks.Line(name, 100), web.ErrNotFound)
	}
	return out, nil
}

// Search implements [web.Source].
func (v *View) Search(ctx context.Context, words string, now time.Time) (hits []report.Hit, err error) {
	words = strings.ToLower(checks.Line(words, 100))
	if words == "" {
		return nil, nil
	}
	fits := func(s string) bool { return strings.Contains(strings.ToLower(s), words) }
	count := map[string]int{}
	add := func(h report.Hit) {
		if count[h.Kind]++; count[h.Kind] <= mostHits {
			hits = append(hits, h)
		}
	}
	if id, err := strconv.ParseInt(strings.TrimPrefix(words, "#"), 10, 64); err == nil {
		if h, err := v.db.Incident(ctx, id); err == nil {
			add(report.Hit{Kind: "incident", ID: strconv.FormatInt(id, 10), Name: h.Incident.Title, Note: string(h.Incident.State)})
		}
	}
	incidents, err := v.db.Incidents(ctx, store.IncidentFilter{Resolved: true, Bare: true})
	if err != nil {
		return nil, err
	}
	for _, i := range incidents {
		if fits(i.Title) || fits(i.Cause) {
			add(report.Hit{Kind: "incident", ID: strconv.FormatInt(i.ID, 10), Name: i.Title, Note: string(i.State)})
		}
	}
	known, err := v.targets(ctx)
	if err != nil {
		return nil, err
	}
	if t, ok := oneTarget(words); ok {
		if w, watched := known.watched.Find(t); watched {
			add(report.Hit{Kind: "target", ID: w.ID(), Name: w.String(), Note: strings.TrimSpace("watched " + w.Pool)})
		}
	}
	stored, err := v.db.Targets(ctx, words, mostHits)
	if err != nil {
		return nil, err
	}
	for _, id := range stored {
		t, err := checks.ParseID(id)
		if err != nil || t.Kind != checks.KindAddress && t.Kind != checks.KindDomain || slices.ContainsFunc(hits, func(h report.Hit) bool { return h.Kind == "target" && h.ID == id }) {
			continue
		}
		add(report.Hit{Kind: "target", ID: id, Name: t.String(), Note: "has a history"})
	}
	for _, l := range v.lists() {
		if fits(l.Zone.ID) || fits(l.Zone.Title) || fits(l.Zone.Operator) || fits(l.Zone.PrintableName()) {
			note := "not asked"
			if l.Asked {
				note = "asked"
			}
			add(report.Hit{Kind: "list", ID: l.Zone.ID, Name: l.Zone.Title, Note: note})
		}
	}
	receivers, err := v.Receivers(ctx, now)
	if err != nil {
		return nil, err
	}
	for _, r := range receivers {
		if fits(r.Name) || slices.ContainsFunc(r.Domains, fits) {
			add(report.Hit{Kind: "receiver", ID: r.Name, Name: r.Name})
		}
	}
	return hits, nil
}

// oneTarget is the address or domain that a word is.
func oneTarget(word string) (checks.Target, bool) {
	var ts checks.Targets
	if err := ts.Add(word, "", nil); err != nil || ts.Len() != 1 {
		return checks.Target{}, false
	}
	for t := range ts.All() {
		return t, true
	}
	return checks.Target{}, false
}
