package main

import (
	"context"
	"testing"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/store"
	"reputed/probes/probestest"
)

// rig is the real daemon over the lab, with every step taken by hand: nothing runs unless a test calls it. Commands
// find its configuration at path.
type rig struct {
	*daemon.Daemon
	t     *testing.T
	w     *daemontest.World
	world *lab.World // that of w
	zones []blocklists.Zone
	cfg   *config.Config
	db    *store.DB
	path  string
}

// newRig is a rig whose configuration, or world, is changed before the daemon is made.
func newRig(t *testing.T, change func(*config.Config, *lab.World)) *rig {
	t.Helper()
	return newRigOf(t, daemon.Options{Log: daemontest.Log(t)}, change)
}

// newRigOf fills in what options leave out.
func newRigOf(t *testing.T, o daemon.Options, change func(*config.Config, *lab.World)) *rig {
	t.Helper()
	w := daemontest.Start(t, o.Log, change)
	o.Config, o.DB, o.Channels = w.Config, w.DB, daemontest.Notifiers()
	d, err := daemon.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Daemon: d, t: t, w: w, world: w.Lab, zones: w.Zones, cfg: w.Config, db: w.DB, path: w.Path}
}

// must takes a step.
func (r *rig) must(step func(context.Context) error) {
	r.t.Helper()
	if err := step(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// read hands mails to the daemon as the mailbox would.
func (r *rig) read(first uint32, mails ...[]byte) {
	r.t.Helper()
	if err := r.Intake(r.t.Context(), "bounces", daemontest.Batch(first, mails...)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) open() []alerts.Incident { r.t.Helper(); return r.w.Open() }

// only fails unless exactly one incident is open, and gives it.
func (r *rig) only(why string) alerts.Incident { r.t.Helper(); return r.w.Only(why) }

// member is the member of an open incident that tells of a code, unless it is clear.
func (r *rig) member(code checks.Code) (alerts.Member, bool) {
	for _, inc := range r.open() {
		for _, m := range inc.Members {
			if m.Finding.Code == code && !m.Clear {
				return m, true
			}
		}
	}
	return alerts.Member{}, false
}

// mode makes every list answer in a way.
func (r *rig) mode(m probestest.ZoneMode) { r.w.Mode(m) }
