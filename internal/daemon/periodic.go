package daemon

import (
	"context"
	"log/slog"
	"time"

	"reputed/alerts"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

// reportTimeout is how long making a report may take.
const reportTimeout = 10 * time.Minute

// reports puts the report into the outbox once its time has come. It looks each minute, so that one that failed is
// tried again, and one whose time came while nothing ran is made up for.
func (d *Daemon) reports(ctx context.Context, _ time.Time) error {
	return d.report(ctx, time.Now().UTC())
}

func (d *Daemon) report(ctx context.Context, now time.Time) error {
	last, any, err := d.db.LastRun(ctx, monitor.JobReport)
	if err != nil {
		return err
	}
	if !any { // from now on: what was due before anybody wanted one is not
		run, err := d.db.BeginRun(ctx, monitor.JobReport, now)
		if err != nil {
			return err
		}
		return d.db.FinishRun(ctx, run, now, store.Summary{Trouble: noReportYet})
	}
	since, slot := reportDue(last, d.cfg.Report.Times.Next, now)
	if slot.IsZero() {
		return nil
	}
	t := report.Term{Location: d.cfg.Alerts.Zone()}
	p, err := d.view.Period(ctx, "", since, slot, now, t)
	if err != nil {
		return err
	}
	review := p.Review(t)
	var all []store.Notice
	for _, channel := range d.cfg.Report.Channels {
		// The slot is in the id, so that the outbox takes it once, however often we come here.
		all = append(all, store.Notice{Channel: channel, Notification: alerts.Notification{ID: "report/" + slot.UTC().Format(time.RFC3339), Kind: alerts.Periodic, At: slot,
			Review: &review, Command: reportCommand(slot.Sub(since))}})
	}
	if err := d.db.QueueNotices(ctx, now, all); err != nil {
		return err
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "report queued", slog.Time("since", since), slog.Time("until", slot), slog.Int("channels", len(all)))
	d.deliverer.Poke()
	run, err := d.db.BeginRun(ctx, monitor.JobReport, slot) // at the slot, where the next report begins
	if err != nil {
		return err
	}
	return d.db.FinishRun(ctx, run, now, store.Summary{})
}

// noReportYet is the trouble of the run that stands for the time when reports were first wanted.
const noReportYet = "no report yet"

// reportDue is the time that a report is due about; a zero slot: none is. Of several that were missed the last
// is sent, about the whole time since the one before, so that every hour is in a report. The first is about as much
// time as there is until the one after it.
func reportDue(last store.Run, next func(time.Time) time.Time, now time.Time) (since, slot time.Time) {
	base := last.Started
	if base.After(now) { // by a clock that ran ahead
		base = now
	}
	for at, n := next(base), 0; !at.IsZero() && !at.After(now) && n < 10_000; at, n = next(at), n+1 {
		slot = at
	}
	switch {
	case slot.IsZero():
		return since, slot
	case last.State != store.Troubled:
		since = base
	default:
		since = slot.Add(-7 * 24 * time.Hour)
		if after := next(slot); !after.IsZero() {
			since = slot.Add(-after.Sub(slot))
		}
	}
	if slot.Sub(since) > report.LongestPeriod {
		since = slot.Add(-report.LongestPeriod)
	}
	return since, slot
}

// reportCommand is what shows about the same later on.
func reportCommand(length time.Duration) string {
	return "reputed report --since " + monitor.FormatDuration(max(length.Round(time.Hour), time.Hour))
}
