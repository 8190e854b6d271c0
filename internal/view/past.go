package view

import (
	"context"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

// InputAt is what a status of a time in the past is built from.
func (v *View) InputAt(ctx context.Context, then, now time.Time) (in report.Input, err error) {
	m, err := v.db.At(ctx, then, monitor.JobDNSBL, v.Config.Bounces.Window.Duration, MostMembers)
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
	open := make([]alerts.Incident, 0, len(m.Incidents))
	for _, i := range m.Incidents {
		i.Impact = refusedThen(i.Refused)
		open = append(open, i.Incident)
	}
	in.Incidents = v.of(open)
	for n, i := range m.Incidents {
		in.Incidents[n].Open = i.Open
	}
	return in, nil
}

// refusedThen is what refusals of the mail of an incident's targets came to. What was delivered is
// counted by the hour and judged when it happens, so that it is not told again here.
func refusedThen(refused []store.RefusedThen) (impact checks.Impact) {
	for _, x := range refused {
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
