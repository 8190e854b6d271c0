package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
)

// This file finds the PTR names of the watched addresses that are ours. Receivers look them
// up on lists of domains, and nobody likes to write them down.

const (
	// maxReverse is how many addresses are looked up: what a large sender has.
	maxReverse = 65536
	// maxHostNames is how many names they may come to. Each is asked about on every list of domains.
	maxHostNames = 256
	// reversePatience is how long a round waits for PTR names; those that are missing then are
	// looked up in the next one.
	reversePatience = 20 * time.Second
	reverseAgain    = 24 * time.Hour // a name is looked up again
	reverseRetry    = 2 * time.Hour  // and one whose server gave no answer
)

// hostNames are the PTR names of addresses, as far as they are ours. It lives in memory.
type hostNames struct {
	known map[netip.Addr][]string // few: those of addresses that have one of ours
	tried map[netip.Addr]lookUp
	owed  bool // there is an address whose names are not known; set before the first walk
	left  int  // names that are not asked about, as was last said
}

// lookUp is how asking for the names of one address went.
type lookUp struct {
	again    int64 // when it is asked for again, in Unix seconds
	answered bool
}

// ourName says whether a PTR name is one to ask about: below a domain of ours, and not one
// that was made for every address of a network.
func ourName(name string, addr netip.Addr, ours map[string]bool) bool {
	t, err := checks.Domain(name)
	return err == nil && t.Public() && ours[t.Organisational()] && !identity.Spells(name, addr)
}

// reversible are the addresses whose names are asked about: not those of a pool that does not
// want that, and not more than maxReverse.
func reversible(cfg *config.Config, targets iter.Seq[checks.Target]) iter.Seq[checks.Target] {
	return func(yield func(checks.Target) bool) {
		n := 0
		for t := range targets {
			if t.Kind != checks.KindAddress || !cfg.AsksHostNames(t.Pool) {
				continue
			}
			if n++; n > maxReverse || !yield(t) {
				return
			}
		}
	}
}

// find asks for the names of those of the addresses ([reversible]) that are due. What has no answer keeps the
// names it had. The error is the context's, if that ends before the patience does.
func (h *hostNames) find(ctx context.Context, asker identity.Asker, addresses iter.Seq[checks.Target], ours map[string]bool, now time.Time) error {
	if h.known == nil {
		h.known, h.tried = map[netip.Addr][]string{}, map[netip.Addr]lookUp{}
	}
	watched := make(map[netip.Addr]bool, len(h.tried))
	limited, done := context.WithTimeout(ctx, reversePatience)
	defer done()
	addrs := func(yield func(netip.Addr) bool) {
		for t := range addresses {
			watched[t.Addr] = true
			if h.tried[t.Addr].again > now.Unix() {
				continue
			}
			if !yield(t.Addr) {
				return
			}
		}
	}
	var failed []netip.Addr
	answered := false
	err := identity.Reverse(limited, asker, addrs, func(addr netip.Addr, names []string, err error) {
		if err != nil {
			h.tried[addr] = lookUp{0, h.tried[addr].answered}
			failed = append(failed, addr)
			return
		}
		answered = true
		h.tried[addr] = lookUp{now.Add(reverseAgain).Unix(), true}
		names = slices.DeleteFunc(names, func(name string) bool { return !ourName(name, addr, ours) })
		if delete(h.known, addr); len(names) > 0 {
			h.known[addr] = names
		}
	})
	if answered { // else it is not their servers that are silent, but the resolver, and the next round asks again
		for _, addr := range failed {
			h.tried[addr] = lookUp{now.Add(reverseRetry).Unix(), h.tried[addr].answered}
		}
	}
	if h.owed = err != nil; h.owed { // the walk did not come to its end, so that nothing is known to be gone
		return ctx.Err()
	}
	for addr, l := range h.tried {
		if !watched[addr] {
			delete(h.tried, addr)
			delete(h.known, addr)
			continue
		}
		h.owed = h.owed || !l.answered
	}
	return nil
}

// hostName is a name with the target whose PTR record it is.
type hostName struct {
	name string
	of   checks.Target
}

// names are the names found of those addresses, each once, in their order; and how many there
// are besides those that are asked about.
func (h *hostNames) names(addresses iter.Seq[checks.Target]) (names []hostName, left int) {
	if len(h.known) == 0 {
		return nil, 0
	}
	seen := map[string]bool{}
	for t := range addresses {
		for _, name := range h.known[t.Addr] {
			switch {
			case seen[name]:
			case len(names) == maxHostNames:
				left++
			default:
				names = append(names, hostName{name, t})
			}
			seen[name] = true
		}
	}
	return names, left
}

// anyOfNames says whether one of the lists is asked about names.
func anyOfNames(zones []blocklists.Zone) bool {
	return slices.ContainsFunc(zones, func(z blocklists.Zone) bool { return z.Serves(blocklists.Name) })
}

// lookUpHostNames finds the PTR names of what is watched, and watches them too from then on.
func (d *daemon) lookUpHostNames(ctx context.Context) error {
	d.sources.turn.Lock()
	defer d.sources.turn.Unlock()
	ours := d.cfg.OurDomains()
	if len(ours) == 0 || !anyOfNames(d.cfg.Blocklists.Zones) {
		d.hosts.owed = false
		return nil
	}
	targets := d.watch.Load().targets
	before, _ := d.hosts.names(reversible(d.cfg, targets.All()))
	if err := d.hosts.find(ctx, d.sources.asker, reversible(d.cfg, targets.All()), ours, time.Now()); err != nil {
		return err
	}
	now, left := d.hosts.names(reversible(d.cfg, targets.All()))
	limited, done := context.WithTimeout(ctx, reversePatience)
	defer done()
	for _, n := range now {
		if slices.ContainsFunc(before, func(b hostName) bool { return b.name == n.name }) {
			continue
		}
		// That it leads back is for the person who reads the log: receivers look up either.
		confirmed := "not known"
		if addrs, err := identity.Addresses(limited, d.sources.asker, n.name); err == nil || errors.Is(err, identity.ErrNoAddress) {
			confirmed = map[bool]string{true: "yes", false: "no"}[slices.Contains(addrs, n.of.Addr)]
		}
		d.log.LogAttrs(ctx, slog.LevelInfo, "host name watched", slog.String("target", n.name), slog.String("ptr_of", n.of.String()),
			slog.String("leads_back", confirmed))
	}
	if left > 0 && left != d.hosts.left {
		d.log.LogAttrs(ctx, slog.LevelWarn, "more PTR names than are asked about", slog.Int("asked", len(now)), slog.Int("left", left))
	}
	d.hosts.left = left
	return d.rewatch()
}

// withHostNames adds the PTR names of the targets of a check that lie below a domain among them
// or in the configuration, and says on standard error which these are. The error is the context's.
func (a *app) withHostNames(ctx context.Context, cfg *config.Config, asker identity.Asker, zones []blocklists.Zone, ts checks.Targets) (checks.Targets, error) {
	if !anyOfNames(zones) {
		return ts, nil
	}
	ours := cfg.OurDomains()
	for t := range ts.All() {
		if t.Public() {
			ours[t.Organisational()] = true
		}
	}
	if len(ours) == 0 {
		return ts, nil
	}
	var hosts hostNames
	if err := hosts.find(ctx, asker, reversible(cfg, pooled(cfg, ts)), ours, time.Now()); err != nil {
		return ts, err
	}
	names, left := hosts.names(reversible(cfg, pooled(cfg, ts)))
	for i, n := range names {
		if t, err := checks.Domain(n.name); err != nil || has(ts, t) {
			continue
		}
		if err := ts.Add(n.name, n.of.Pool, n.of.Tags); err != nil {
			return ts, err // not after find
		}
		switch {
		case i < maxLeft:
			fmt.Fprintf(a.stderr, "reputed: %s, the PTR name of %s, is asked about too\n", n.name, n.of)
		case i == maxLeft:
			fmt.Fprintf(a.stderr, "reputed: and %d more PTR names\n", len(names)-maxLeft)
		}
	}
	if left > 0 {
		fmt.Fprintf(a.stderr, "reputed: %d PTR names are not asked about: name those that matter\n", left)
	}
	return ts, nil
}

func has(ts checks.Targets, t checks.Target) bool {
	_, there := ts.Find(t)
	return there
}
