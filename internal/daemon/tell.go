package daemon

import (
	"slices"
	"time"

	"reputed/alerts"
	"reputed/internal/store"
)

// late is how long after its time a digest is still told: later, the next one is nearer.
const late = 6 * time.Hour

// digest makes the notices of the daily digest, if it is due and has anything to say. It
// has the day in its id, so that the outbox takes it once, whatever the number of ticks.
func (d *Daemon) digest(s store.Situation) []store.Notice {
	c := d.cfg.Alerts
	if !c.Digest.Given {
		return nil
	}
	due := alerts.DigestAt(s.Now, c.Digest.Minute, c.Zone())
	if s.Now.Sub(due) > late {
		return nil
	}
	before := alerts.DigestAt(due.Add(-time.Minute), c.Digest.Minute, c.Zone())
	digest, news := alerts.NewDigest(s.Open, s.Recent, before, due)
	if !news {
		return nil
	}
	to := c.DigestTo
	if len(to) == 0 {
		to = slices.DeleteFunc(slices.Clone(c.Channels), d.noDigest)
	}
	var all []store.Notice
	for _, channel := range to {
		all = append(all, store.Notice{Channel: channel, Notification: alerts.Notification{
			ID: "digest/" + due.Format(time.RFC3339), Kind: alerts.Daily, At: s.Now, Digest: &digest, Command: "reputed status",
		}})
	}
	return all
}

func (d *Daemon) noDigest(name string) bool {
	return alerts.Pages(d.deliverer.Channels[name])
}
