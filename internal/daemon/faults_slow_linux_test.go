package daemon

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/reliability"
	"reputed/internal/slowdisk"
	"reputed/internal/store"
	"reputed/probes"
)

// The disk under the database is slow, and an address is listed: that is told as ever. Then the disk hangs, and another is listed: rounds go on
// and find it, it is told past the database, and status says why. Once the disk is well everything is stored and told as ever, and each
// mail is there once.
func TestTheDaemonOnASlowDisk(t *testing.T) {
	disk := slowdisk.New(t)
	if disk == nil {
		return
	}
	other := lab.OurAddress.Next().String()
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Database.Path = filepath.Join(disk.Dir, "reputed.db")
		cfg.Outbound[0].Addresses = append(cfg.Outbound[0].Addresses, other)
	})
	ear := &listener{}
	r.mustRound()

	disk.Slow(20)
	r.world.ListAtSpamCop()
	r.mustRound()
	const mails = 6
	now := time.Now()
	batch := func(n uint32) (b probes.Batch) {
		raw := lab.CiscoRefusal(now, fmt.Sprintf("4Slow%06d", n), fmt.Sprintf("kim%d@example.net", n))
		b.Messages = []probes.Message{{Mailbox: "bounces", UIDValidity: 1, UID: n, Received: now, Size: int64(len(raw)), Bytes: raw}}
		b.Position = probes.Position{UIDValidity: 1, UID: n}
		return b
	}
	for n := range uint32(mails - 1) {
		if err := r.intake(t.Context(), "bounces", batch(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	r.mustTick()
	r.tellAll(ear)
	r.tellAll(ear) // what is told of one incident is told one after the other
	slow, _ := ear.heard()
	if !slices.Equal(slow, []string{"opened", "worsened"}) {
		t.Errorf("on a slow disk: heard %v, want that it is listed, and then that mail is refused", slow)
	}

	// The same daemon, and one that waits for its disk not for half a minute.
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), r.cfg.Database.Path, store.Options{Log: r.log, Patience: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	disk.Fast()
	if r.Daemon, err = New(Options{Config: r.cfg, DB: db, Channels: map[string]alerts.Notifier{"test": ear}, Log: r.log}); err != nil {
		t.Fatal(err)
	}
	r.w.DB = db
	r.mustTick()
	before := len(r.open())

	disk.Hang()
	r.world.Lists.SetListed("b.barracudacentral.org", other, "")
	if err := r.intake(t.Context(), "bounces", batch(mails)); !errors.Is(err, store.ErrSlow) {
		t.Errorf("a mail while it hangs: %v, want ErrSlow", err)
	}
	const rounds = 3
	for range rounds {
		if err := r.round(t.Context(), time.Now()); !errors.Is(err, store.ErrSlow) {
			t.Errorf("a round while it hangs: %v, want ErrSlow", err)
		}
		_ = r.tick(t.Context(), time.Now())
	}
	if kinds, _ := ear.heard(); len(kinds) > 0 {
		t.Errorf("heard %v at once, want patience", kinds)
	}
	r.unwritten.since = r.unwritten.since.Add(-unwrittenPatience) // the hands of the clock
	_ = r.tick(t.Context(), time.Now())
	kinds, told := ear.heard()
	named := 0
	for _, n := range told {
		for _, m := range n.Incident.Members {
			if m.Finding.Key == (checks.Key{Check: monitor.JobDNSBL, Target: other, Source: "barracuda-brbl"}) {
				named++
			}
		}
	}
	if !slices.Equal(kinds, []string{"opened"}) || named != 1 {
		t.Errorf("after five minutes: heard %v, %d with the listing; want it told once, past the database", kinds, named)
	}
	st := r.view.Status(t.Context(), time.Now())
	if len(st.Own) != 1 || !strings.Contains(st.Own[0].What, "hangs") {
		t.Errorf("status: troubles %+v, want the disk's", st.Own)
	}
	look, err := store.OpenReadOnly(t.Context(), r.cfg.Database.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close()
	if all, err := look.Incidents(t.Context(), store.IncidentFilter{}); err != nil || len(all) != before {
		t.Errorf("another process sees %d incidents, %v, want the %d of before", len(all), err, before)
	}

	disk.Fast()
	for r.tick(t.Context(), time.Now()) != nil { // until what the disk still had is written
		if t.Context().Err() != nil {
			t.Fatal("it is well, and nothing can be written")
		}
	}
	if err := r.intake(t.Context(), "bounces", batch(mails)); err != nil {
		t.Error(err)
	}
	r.mustRound()
	r.tellAll(ear)
	after, _ := ear.heard()
	if !slices.Equal(after, []string{"opened"}) {
		t.Errorf("once the disk is well: heard %v, want what was found, once", after)
	}
	bounces, err := db.Bounces(t.Context(), store.BounceFilter{Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	if len(bounces) != mails {
		t.Errorf("%d mails are stored, want %d", len(bounces), mails)
	}
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "the disk under the daemon is slow, then hangs, and an address is listed each time", Tries: 2, Unit: "times",
		Promised: "told at once, each change; then rounds go on, told past the database after 5 minutes, stored and told once when the disk is well; each mail once",
		Seen:     fmt.Sprintf("told %d times; then %d time past the database, %d with the listing, and %d time when it is well; %d of %d mails", len(slow), len(kinds), named, len(after), len(bounces), mails)})
}
