package view

import (
	"context"
	"strconv"
	"time"

	"reputed/checks"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/web"
)

// Targets implements [web.Source].
func (v *View) Targets(ctx context.Context, after string, limit int) (part []report.TargetStanding, more bool, err error) {
	known, err := v.targets(ctx)
	if err != nil {
		return nil, false, err
	}
	standings, err := v.db.Standings(ctx, store.StandingFilter{})
	if err != nil {
		return nil, false, err
	}
	by := map[string][]report.Standing{}
	for _, s := range inPools(standings, known.all) {
		by[s.Key.Target] = append(by[s.Key.Target], s)
	}
	for t := range known.all.All() {
		switch {
		case after != "":
			if t.ID() == after {
				after = ""
			}
		case len(part) == limit:
			return part, true, nil
		default:
			_, watched := known.watched.Find(t)
			part = append(part, report.TargetStanding{Target: t, Watched: watched, Standings: by[t.ID()]})
		}
	}
	return part, false, nil
}

// Bounces implements [web.Source].
func (v *View) Bounces(ctx context.Context, q web.BounceQuery) (part []report.Refusal, next []string, err error) {
	f := store.BounceFilter{Target: q.Target, Vendor: q.Vendor, Since: q.Since, Counted: true, Limit: q.Limit + 1}
	if len(q.After) == 2 {
		at, err1 := strconv.ParseInt(q.After[0], 10, 64)
		id, err2 := strconv.ParseInt(q.After[1], 10, 64)
		if err1 != nil || err2 != nil {
			return nil, nil, nil // a cursor that nobody gave leads nowhere
		}
		f.Before, f.BeforeID = time.UnixMicro(at).UTC(), id
	}
	all, err := v.db.Bounces(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	for i, b := range all {
		if i == q.Limit {
			last := all[i-1]
			next = []string{strconv.FormatInt(last.At.UnixMicro(), 10), strconv.FormatInt(last.ID, 10)}
			break
		}
		part = append(part, refusalOf(b))
	}
	return part, next, nil
}

// Changes implements [web.Source].
func (v *View) Changes(ctx context.Context, q web.ChangeQuery) (part []report.Turn, next int64, err error) {
	all, err := v.db.Changes(ctx, store.ChangeFilter{Target: q.Target, Source: q.List, Since: q.Since, Before: q.Before, Limit: q.Limit + 1})
	if err != nil {
		return nil, 0, err
	}
	if len(all) > q.Limit {
		all = all[:q.Limit]
		next = all[q.Limit-1].ID
	}
	turns := make([]store.Transition, 0, len(all))
	for _, t := range all {
		turns = append(turns, t.Transition)
	}
	return TurnsOf(turns), next, nil
}

// History implements [web.Source].
func (v *View) History(ctx context.Context, target, list string, since, now time.Time) (report.History, error) {
	all, more, err := v.db.History(ctx, store.TransitionFilter{Target: target, Source: list})
	if err != nil {
		return report.History{}, err
	}
	h := report.NewHistory(TurnsOf(all), since, now)
	h.Target, h.Source, h.More = checks.Line(target, 300), checks.Line(list, 100), more
	return h, nil
}

// Standings implements [web.Source].
func (v *View) Standings(ctx context.Context, target string) ([]report.Standing, error) {
	if t, ok := oneTarget(target); ok {
		target = t.ID()
	}
	all, err := v.db.Standings(ctx, store.StandingFilter{Target: target})
	if err != nil {
		return nil, err
	}
	known, err := v.targets(ctx)
	return inPools(all, known.all), err
}

// Watched implements [web.Source].
func (v *View) Watched(target string) bool {
	t, ok := oneTarget(target)
	known, err := v.targets(context.Background()) // of what a daemon watches nothing is read
	if !ok || err != nil {
		return false
	}
	_, ok = known.watched.Find(t)
	return ok
}
