package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"reputed/checks/identity"
	"reputed/internal/expand"
)

// This file finds the PTR names of the watched addresses that are ours. Receivers look them
// up on lists of domains, and nobody likes to write them down.

// lookUpHostNames finds the PTR names of what is watched, and watches them too from then on.
func (d *Daemon) lookUpHostNames(ctx context.Context) error {
	d.sources.turn.Lock()
	defer d.sources.turn.Unlock()
	ours := d.cfg.OurDomains()
	if len(ours) == 0 || !expand.AnyOfNames(d.cfg.Blocklists.Zones) {
		d.hosts.Owed = false
		return nil
	}
	targets := d.watch.Load().targets
	before, _ := d.hosts.Names(expand.Reversible(d.cfg, targets.All()))
	if err := d.hosts.Find(ctx, d.sources.asker, expand.Reversible(d.cfg, targets.All()), ours, time.Now()); err != nil {
		return err
	}
	now, left := d.hosts.Names(expand.Reversible(d.cfg, targets.All()))
	limited, done := context.WithTimeout(ctx, expand.ReversePatience)
	defer done()
	for _, n := range now {
		if slices.ContainsFunc(before, func(b expand.HostName) bool { return b.Name == n.Name }) {
			continue
		}
		// That it leads back is for the person who reads the log: receivers look up either.
		confirmed := "not known"
		if addrs, err := identity.Addresses(limited, d.sources.asker, n.Name); err == nil || errors.Is(err, identity.ErrNoAddress) {
			confirmed = map[bool]string{true: "yes", false: "no"}[slices.Contains(addrs, n.Of.Addr)]
		}
		d.log.LogAttrs(ctx, slog.LevelInfo, "host name watched", slog.String("target", n.Name), slog.String("ptr_of", n.Of.String()),
			slog.String("leads_back", confirmed))
	}
	if left > 0 && left != d.hosts.Left {
		d.log.LogAttrs(ctx, slog.LevelWarn, "more PTR names than are asked about", slog.Int("asked", len(now)), slog.Int("left", left))
	}
	d.hosts.Left = left
	return d.rewatch()
}
