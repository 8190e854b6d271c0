package daemon

import (
	"context"
	"maps"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
)

// awaitEvery is how often a list is asked that was asked to remove an entry: no resolver keeps
// the answers of most lists for longer, and who waits for one looks at it.
const awaitEvery = 15 * time.Minute

// askAwaited has the lists asked of which somebody waits for a removal.
func (d *Daemon) askAwaited(ctx context.Context, _ time.Time) error {
	waiting, err := d.db.Waiting(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	due := awaited(waiting, d.awaited, now)
	for _, t := range due {
		d.named.add(t, "", now) // no refusal has named a list: what it says is to be confirmed
	}
	if len(due) > 0 {
		d.monitor.Poke(monitor.JobNamed)
	}
	return nil
}

// awaited are the targets that are to be asked now because somebody waits. Last is when each was
// asked for that reason; it is brought up to date.
func awaited(waiting []alerts.Asked, last map[string]time.Time, now time.Time) (due []checks.Target) {
	still := map[string]bool{}
	for _, a := range waiting {
		t, err := checks.ParseID(a.Key.Target)
		if err != nil || a.Key.Check != monitor.JobDNSBL || !a.Watched(now) || still[a.Key.Target] {
			continue
		}
		still[a.Key.Target] = true
		if now.Sub(last[a.Key.Target]) >= awaitEvery {
			last[a.Key.Target] = now
			due = append(due, t)
		}
	}
	maps.DeleteFunc(last, func(id string, _ time.Time) bool { return !still[id] })
	return due
}
