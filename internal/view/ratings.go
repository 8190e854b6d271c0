package view

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/reputation"
	"reputed/internal/report"
)

const (
	// maxBefore is how many earlier values are shown.
	maxBefore = 3
	// mostNotable is how many ratings a status has at most, and mostSpans of how many runs of readings the overview
	// draws any but these: every page is made of them anew.
	mostNotable = 40
	mostSpans   = 5000
)

// ratedSources are all sources that a history may be of, by id.
func ratedSources(scores []blocklists.Score) map[string]reputation.Source {
	all := map[string]reputation.Source{}
	for _, s := range scores {
		all[s.ID] = reputation.ScoreSource(s)
	}
	for _, s := range append(reputation.SNDSSources(), reputation.PostmasterSources()...) {
		all[s.ID] = s
	}
	for _, p := range reputation.Pages() {
		all[p.ID] = p.Source
	}
	return all
}

func (v *View) ratedSources() map[string]reputation.Source {
	return ratedSources(append(slices.Clone(v.Config.Blocklists.Catalog.Scores), v.Config.Reputation.Scores...))
}

// histories are runs of readings by question.
type histories map[checks.Key][]reputation.Span

func (h histories) add(spans []reputation.Span) {
	for _, s := range spans {
		key := checks.Key{Target: s.Target.ID(), Source: s.Source}
		h[key] = append(h[key], s)
	}
}

func (h histories) ratings(sources map[string]reputation.Source, now time.Time) (rows []report.Rating) {
	for _, key := range slices.SortedFunc(maps.Keys(h), checks.Key.Compare) {
		rows = append(rows, rating(sources[key.Source], h[key], now))
	}
	return rows
}

// RatingsOf are the histories as people read them, with what refusals tell.
func (v *View) RatingsOf(ctx context.Context, wanted []checks.Target, now time.Time) (report.Ratings, error) {
	out := report.Ratings{Now: now}
	refusals, err := v.db.VendorRefusals(ctx, now.Add(-v.Config.Bounces.Window.Duration))
	if err != nil {
		return out, err
	}
	targets := map[string]bool{"": len(wanted) == 0}
	for _, t := range wanted {
		targets[t.ID()] = true
	}
	all := histories{}
	for id, yes := range targets {
		if !yes {
			continue
		}
		spans, err := v.db.Readings(ctx, id, time.Time{})
		if err != nil {
			return out, err
		}
		all.add(spans)
	}
	by := map[string][]reputation.Refusal{}
	for _, r := range refusals {
		if targets[""] || targets[r.Target] {
			by[r.Target] = append(by[r.Target], r)
		}
	}
	for id, refused := range by {
		t, err := checks.ParseID(id)
		if err != nil {
			continue // written by a version that knew more
		}
		for _, p := range reputation.Pages() {
			if believed, ok := p.Believe(t, refused); ok {
				key := checks.Key{Target: id, Source: p.ID}
				if h := all[key]; len(h) == 0 || h[len(h)-1].At.Before(believed.At) {
					all[key] = append(h, reputation.Span{Reading: believed, First: believed.At, Count: 1})
				}
			}
		}
	}
	out.Rows = all.ratings(v.ratedSources(), now)
	return out, nil
}

// notable are the ratings that a status has: what is told as a problem, and what people have recorded. What
// refusals tell of one is in the incident about them.
func (v *View) notable(ctx context.Context, in *report.Input, now time.Time) error {
	spans, _, err := v.db.NotableReadings(ctx, now.Add(-report.RatingsKept), mostNotable)
	if err != nil {
		return err
	}
	all := histories{}
	all.add(spans)
	rows := all.ratings(v.ratedSources(), now)
	in.Ratings = slices.DeleteFunc(rows, func(r report.Rating) bool { return !r.Problem && r.How != string(reputation.Recorded) })
	report.SortRatings(in.Ratings)
	return nil
}

// Ratings implements [web.Source]: those of the status, and where there are few enough to read all, every other.
func (v *View) Ratings(ctx context.Context, now time.Time) (report.Ratings, error) {
	out := report.Ratings{Now: now}
	spans, few, err := v.db.FewReadings(ctx, now.Add(-report.RatingsKept), mostSpans)
	if err != nil {
		return out, err
	}
	all := histories{}
	all.add(spans)
	if out.Rows = all.ratings(v.ratedSources(), now); few {
		return out, nil
	}
	var in report.Input
	err = v.notable(ctx, &in, now)
	out.Rows, out.Cut = in.Ratings, true
	return out, err
}

// rating is one history as people read it.
func rating(source reputation.Source, history []reputation.Span, now time.Time) report.Rating {
	last := history[len(history)-1]
	f := source.Judge(last.Target, history, now)
	r := report.Rating{
		ID: last.Target.ID(), Target: last.Target.String(), Source: last.Source, Name: cmp.Or(source.Title, last.Source), Value: last.Value, Level: string(last.Level), How: string(last.How),
		By: last.By, Note: last.Note, Since: last.First, At: last.At, Readings: last.Count, Page: source.PageFor(last.Target), Advice: source.Advice, Problem: f.Status == checks.Problem,
	}
	for _, s := range slices.Backward(history[:len(history)-1]) {
		if len(r.Before) == maxBefore {
			break
		}
		if s.Value != last.Value || len(r.Before) > 0 {
			r.Before = append(r.Before, report.RatingBefore{Value: s.Value, Level: string(s.Level), Until: s.At})
		}
	}
	r.Scale = scale(source, history)
	from := now.Add(-report.RatingsKept)
	for _, s := range history {
		if s.At.Before(from) || s.Level == reputation.None || r.Scale.Numbers && !s.Numbered {
			continue
		}
		r.Course = append(r.Course, report.RatingPoint{From: s.First, To: s.At, Value: s.Value, Level: string(s.Level), Number: s.Number})
	}
	return r
}

// scale is what a source is drawn on. The ends of a scale that has none by its nature are nothing and half as much
// again as is ever said or minded.
func scale(source reputation.Source, history []reputation.Span) report.Scale {
	s := report.Scale{Worst: source.Worst, Best: source.Best, Numbers: history[len(history)-1].Numbered}
	if !s.Numbers {
		return report.Scale{}
	}
	if source.HasBelow {
		s.Limits = append(s.Limits, report.Limit{Number: source.Below, Says: "told"})
	}
	for _, m := range source.Marks {
		s.Limits = append(s.Limits, report.Limit{Number: m.Number, Says: string(m.Level)})
	}
	if s.Worst == s.Best {
		most := 1.0
		if len(s.Limits) > 0 {
			most = 0
		}
		for _, l := range s.Limits {
			most = max(most, l.Number*1.5)
		}
		for _, x := range history {
			most = max(most, x.Number)
		}
		if s.Worst, s.Best = cmp.Or(most, 1), 0; source.Higher {
			s.Worst, s.Best = s.Best, s.Worst
		}
	}
	return s
}
