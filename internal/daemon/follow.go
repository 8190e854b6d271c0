package daemon

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/internal/store"
)

// followers are the channels that keep a picture of what is open.
type followers struct {
	channels map[string]alerts.Follower
	failing  map[string]bool // since the last call; read and written by one job alone
}

func followersOf(channels map[string]alerts.Notifier) followers {
	f := followers{map[string]alerts.Follower{}, map[string]bool{}}
	for name, channel := range channels {
		if c, ok := channel.(alerts.Follower); ok {
			f.channels[name] = c
		}
	}
	return f
}

// follows gives these channels what they told of and is open. One that fails is asked again at
// the next call, and delays no other; the log says once when it begins and when it ends.
func (d *Daemon) follows(ctx context.Context, _ time.Time) error {
	incidents, err := d.db.Incidents(ctx, store.IncidentFilter{Limit: -1})
	if err != nil {
		return err
	}
	open, untold := map[string][]alerts.Notification{}, map[string]map[int64]bool{}
	for name := range d.followers.channels {
		// What waits for the end of quiet hours must not be heard of by this way.
		if untold[name], err = d.db.Untold(ctx, name); err != nil {
			return err
		}
	}
	for _, i := range incidents {
		var n *alerts.Notification
		for name := range d.followers.channels {
			if !slices.Contains(i.Told, name) || untold[name][i.ID] {
				continue
			}
			if n == nil { // what to do takes the time
				made := alerts.Change{Kind: alerts.Updated, Incident: i, At: i.Changed}.Notification(d.book.ForAll(i.OpenFindings(), d.zone))
				n = &made
			}
			open[name] = append(open[name], *n)
		}
	}
	names := slices.Sorted(maps.Keys(d.followers.channels))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, alerts.NotifyTimeout)
			defer cancel()
			errs[i] = d.followers.channels[name].Follow(ctx, open[name])
		})
	}
	wg.Wait()
	for i, name := range names {
		switch failed := errs[i] != nil; {
		case ctx.Err() != nil || failed == d.followers.failing[name]:
		case failed:
			d.followers.failing[name] = true
			d.log.LogAttrs(ctx, slog.LevelWarn, "channel does not take what is open, will try again", slog.String("channel", name), slog.Any("err", errs[i]))
		default:
			d.followers.failing[name] = false
			d.log.LogAttrs(ctx, slog.LevelInfo, "channel takes what is open again", slog.String("channel", name))
		}
	}
	return nil
}
