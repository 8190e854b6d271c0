package main

import (
	"context"
	"fmt"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/identity"
	"reputed/internal/config"
	"reputed/internal/expand"
)

// withHostNames adds the PTR names of the targets of a check that lie below a domain among them
// or in the configuration, and says on standard error which these are. The error is the context's.
func (a *app) withHostNames(ctx context.Context, cfg *config.Config, asker identity.Asker, zones []blocklists.Zone, ts checks.Targets) (checks.Targets, error) {
	if !expand.AnyOfNames(zones) {
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
	var hosts expand.HostNames
	if err := hosts.Find(ctx, asker, expand.Reversible(cfg, expand.Pooled(cfg, ts)), ours, time.Now()); err != nil {
		return ts, err
	}
	names, left := hosts.Names(expand.Reversible(cfg, expand.Pooled(cfg, ts)))
	for i, n := range names {
		t, err := checks.Domain(n.Name)
		if _, there := ts.Find(t); err != nil || there {
			continue
		}
		if err := ts.Add(n.Name, n.Of.Pool, n.Of.Tags); err != nil {
			return ts, err // not after find
		}
		switch {
		case i < maxLeft:
			fmt.Fprintf(a.stderr, "reputed: %s, the PTR name of %s, is asked about too\n", n.Name, n.Of)
		case i == maxLeft:
			fmt.Fprintf(a.stderr, "reputed: and %d more PTR names\n", len(names)-maxLeft)
		}
	}
	if left > 0 {
		fmt.Fprintf(a.stderr, "reputed: %d PTR names are not asked about: name those that matter\n", left)
	}
	return ts, nil
}
