package main

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
func (v *view) Targets(ctx context.Context, after string, limit int) (part []report.TargetStanding, more bool, err error) {
	local, err := v.targets()
	if err != nil {
		return nil, false, err
	}
	standings, err := v.db.Standings(ctx, store.StandingFilter{})
	if err != nil {
		return nil, false, err
	}
	by := map[string][]report.Standing{}
	for _, s := range inPools(standings, local) {
		by[s.Key.Target] = append(by[s.Key.Target], s)
	}
	for t := range local.All() {
		switch {
		case after != "":
			if t.ID() == after {
				after = ""
			}
		case len(part) == limit:
			return part, true, nil
		default:
			part = append(part, report.TargetStanding{Target: t, Watched: true, Standings: by[t.ID()]})
		}
	}
	return part, false, nil
}

// Bounces implements [web.Source].
func (v *view) Bounces(ctx context.Context, q web.BounceQuery) (part []report.Refusal, next []string, err error) {
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

// History implements [web.Source].
func (v *view) History(ctx context.Context, target, list string, since, now time.Time) (report.History, error) {
	all, more, err := v.db.History(ctx, store.TransitionFilter{Target: target, Source: list})
	if err != nil {
		return report.History{}, err
	}
	h := report.NewHistory(turnsOf(all), since, now)
	h.Target, h.Source, h.More = checks.Line(target, 300), checks.Line(list, 100), more
	return h, nil
}

// Standings implements [web.Source].
func (v *view) Standings(ctx context.Context, target string) ([]report.Standing, error) {
	if t, ok := oneTarget(target); ok {
		target = t.ID()
	}
	all, err := v.db.Standings(ctx, store.StandingFilter{Target: target})
	if err != nil {
		return nil, err
	}
	local, err := v.targets()
	return inPools(all, local), err
}

// Watched implements [web.Source].
func (v *view) Watched(target string) bool {
	t, ok := oneTarget(target)
	local, err := v.targets()
	if !ok || err != nil {
		return false
	}
	_, ok = local.Find(t)
	return ok
}
