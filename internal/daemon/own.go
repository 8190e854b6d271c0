package daemon

import (
	"context"
	"time"

	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

const (
	// ownEvery is how often they are looked at: certificates end by the day, and the refusals fill their logs.
	ownEvery   = 6 * time.Hour
	ownTimeout = time.Hour
)

// ownJob is the job of looking at our own servers; false: there are none.
func (d *Daemon) ownJob(ctx context.Context) (monitor.Job, bool, error) {
	if len(d.own) == 0 {
		return monitor.Job{}, false, nil
	}
	last, _, err := d.db.LastRun(ctx, monitor.JobOwn)
	return monitor.Job{Name: monitor.JobOwn, Schedule: monitor.Every(ownEvery), Jitter: d.cfg.Acceptance.Jitter.Duration, First: true, Last: last.Started, Timeout: ownTimeout, Run: d.lookAtOwn}, true, err
}

// lookAtOwn looks at all servers of our own and commits what follows.
func (d *Daemon) lookAtOwn(ctx context.Context, _ time.Time) error {
	return d.asRun(ctx, monitor.JobOwn, func(ctx context.Context, now time.Time, first bool) (store.Summary, error) {
		known, err := d.db.Known(ctx, acceptance.OwnCheck)
		if err != nil {
			return store.Summary{}, err
		}
		visits := acceptance.LookAll(ctx, d.asker, d.own, d.cfg.Acceptance.Outside)
		if ctx.Err() != nil {
			return store.Summary{}, ctx.Err()
		}
		var news []checks.Finding
		findings := acceptance.JudgeOwn(visits, now)
		for _, f := range findings {
			if _, told := known[f.Key]; told || f.Status == checks.Problem {
				news = append(news, f)
			}
		}
		summary := store.Summary{Targets: len(visits), Questions: len(findings)}
		if len(news) == 0 {
			return summary, nil
		}
		return summary, d.commit(ctx, store.Batch{}, news, first)
	})
}
