package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

// pastTime reads a moment in the past: a local time, the time of the day that came last, a time with
// its zone, or how long ago it was.
func pastTime(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	at, err := time.Parse(time.RFC3339, s)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if err != nil {
			at, err = time.ParseInLocation(layout, s, now.Location())
		}
	}
	if err != nil {
		var clock time.Time
		if clock, err = time.Parse("15:04", s); err == nil {
			y, m, d := now.Date()
			at = time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, now.Location())
			if at.After(now) {
				at = at.AddDate(0, 0, -1)
			}
		}
	}
	if err != nil {
		var d time.Duration
		if d, err = monitor.ParseDuration(s); err == nil {
			at = now.Add(-d)
		}
	}
	switch {
	case err != nil:
		return at, fmt.Errorf("--at %q: write 2026-11-24T22:15, 22:15, or how long ago: 3h, 2d", checks.Line(s, 40))
	case at.After(now):
		return at, errors.New("--at is in the future, of which nothing is known")
	}
	return at, nil
}

// inputAt is what a status of a time in the past is built from.
func (v *view) inputAt(ctx context.Context, then, now time.Time) (in report.Input, err error) {
	m, err := v.db.At(ctx, then, monitor.JobDNSBL, v.cfg.Bounces.Window.Duration)
	if err != nil {
		return in, err
	}
	in.LookedAt, in.Kept, in.Running = now, m.First, m.Running
	if times := v.cfg.Schedule.DNSBLTimes; !m.Complete.Finished.IsZero() && !times.IsZero() {
		in.StaleAfter = staleAfter(times.Next, m.Complete.Started)
	}
	if !m.Complete.Finished.IsZero() {
		in.Watched = report.Watched{Addresses: m.Complete.Summary.Targets - m.Complete.Summary.Domains, Domains: m.Complete.Summary.Domains}
		v.round(&in, m.Complete)
	}
	for _, w := range m.Waiting {
		in.Channels = append(in.Channels, report.Channel{Name: w.Name, Queued: w.Queued, Oldest: w.Oldest})
	}
	for n := range m.Incidents {
		m.Incidents[n].Impact = refusedThen(m.Incidents[n], m.Refused)
	}
	in.Incidents = v.of(m.Incidents)
	return in, nil
}

// refusedThen is what is stored of the refusals of an incident's targets. What was delivered is
// counted by the hour and judged when it happens, so that it is not told again here.
func refusedThen(i alerts.Incident, refused []store.RefusedThen) (impact checks.Impact) {
	for _, x := range refused {
		if !slices.ContainsFunc(i.Members, func(m alerts.Member) bool { return m.Finding.Key.Target == x.Target }) {
			continue
		}
		if impact.Since.IsZero() || x.First.Before(impact.Since) {
			impact.Since = x.First
		}
		impact.Receivers = append(impact.Receivers, checks.ReceiverImpact{Receiver: x.Receiver, Vendor: x.Vendor, First: x.First, Last: x.Last,
			Refused: checks.Count{N: x.Refused, Counted: true}, Deferred: checks.Count{N: x.Deferred, Counted: true}})
	}
	return impact
}

// staleAfter is when a round is overdue: three slots missed in a row are no jitter any more.
func staleAfter(next func(time.Time) time.Time, started time.Time) time.Duration {
	slot := next(started)
	interval := next(slot).Sub(slot)
	if interval <= 0 {
		return 0
	}
	return max(3*interval+10*time.Minute, time.Hour)
}
