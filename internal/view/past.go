package view

import (
	"context"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

// InputAt is what a status of a time in the past is built from.
func (v *View) InputAt(ctx context.Context, then, now time.Time) (in report.Input, err error) {
	m, err := v.db.At(ctx, then, monitor.JobDNSBL, v.Config.Bounces.Window.Duration)
	if err != nil {
		return in, err
	}
	in.LookedAt, in.Kept, in.Running = now, m.First, m.Running
	if times := v.Config.Schedule.DNSBLTimes; !m.Complete.Finished.IsZero() && !times.IsZero() {
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
