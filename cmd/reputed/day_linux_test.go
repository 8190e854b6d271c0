package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/reliability"
	"reputed/internal/store"
	"reputed/probes/serverstest"
)

// TestADay is one day of a mail administrator in time-lapse: the real daemon over a real unbound, Postfix and Dovecot,
// all with the addresses and ports that they have in life, in a network without a way out. Each hour something
// happens. The day waits for what the daemon makes of it, and never for time to pass.
func TestADay(t *testing.T) {
	if testing.Short() {
		t.Skip("a day takes half a minute")
	}
	if os.Getenv(dayInside) == "" {
		dayOutside(t)
		return
	}
	d := &day{dayWorld: newDayWorld(t), began: time.Now()}
	for _, h := range []struct {
		hour int
		what string
		do   func()
	}{
		{0, "all is quiet", d.quiet},
		{3, "SpamCop lists our address", d.listed},
		{4, "receivers refuse", d.refused},
		{6, "somebody takes it on", d.takenOn},
		{7, "the resolver begins to invent answers", d.rewriting},
		{8, "the resolver is well", d.seeing},
		{9, "Dovecot is down for a while", d.mailboxAway},
		{10, "the daemon is killed", d.killed},
		{11, "the configuration is spoilt", d.spoilt},
		{12, "the database is backed up", d.backedUp},
		{13, "the chat fails, and another address is listed", d.chatAway},
		{14, "the chat still fails", d.chatStillAway},
		{15, "all take our mail again, and the chat works", d.recovered},
		{17, "the log is rotated", d.rotated},
		{18, "a list dies and lists the world", d.listDies},
		{20, "the chat hears what waited for it", d.chatBack},
		{22, "our domain is listed", d.domainListed},
		{23, "the day is looked back on", d.lookedBack},
		{24, "the daemon is told to stop", d.stopped},
	} {
		at := time.Now()
		h.do()
		if t.Failed() {
			t.Fatalf("%02d:00 %s: failed", h.hour, h.what)
		}
		if h.hour < 24 {
			d.look(h.hour)
		}
		t.Logf("%02d:00 %s: %s", h.hour, h.what, time.Since(at).Round(10*time.Millisecond))
	}
	d.record()
}

// dayLimit is how long the day may take on a machine that has other things to do.
const dayLimit = 5 * time.Minute

// dayOutside runs the test once more, in a network of its own.
func dayOutside(t *testing.T) {
	t.Parallel() // most of it is waiting
	if os.Getuid() != 0 {
		serverstest.Skip(t, "only root makes a network of its own")
	}
	limit := dayLimit
	if end, ok := t.Deadline(); ok { // in time to show where it hangs
		limit = min(limit, time.Until(end)-10*time.Second)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	inside := exec.Command(self, "-test.run=^TestADay$", "-test.v", "-test.count=1", "-test.timeout="+limit.String())
	inside.Env = append(os.Environ(), dayInside+"=1")
	// With processes of its own too: what was started ends with it, however it ends.
	inside.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	out, err := inside.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		serverstest.Skip(t, "no network of its own may be made here: "+err.Error())
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
	t.Logf("%s", out)
}

// day is how far it has come, and what was seen.
type day struct {
	*dayWorld
	began    time.Time
	incident int64 // the one about our address
	looks    int   // how often page, metrics and status were asked
	told     int   // alerts before the kill
	blinded  int   // alerts that the resolver lies
	invented int   // answers about us that changed while it did
}

// record reads the whole day from the database, and writes down what it came to.
func (d *day) record() {
	ctx := d.t.Context()
	db, err := store.OpenReadOnly(ctx, filepath.Join(d.dir, "reputed.db"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer db.Close()
	if err := errors.Join(db.Check(ctx), daemontest.ToldAsPromised(ctx, db, 4*time.Hour)); err != nil {
		d.t.Error(err)
	}
	counted, err := db.Bounces(ctx, store.BounceFilter{Counted: true, Limit: -1})
	if err != nil {
		d.t.Fatal(err)
	}
	recipients := map[string]int{} // each mail has a recipient of its own
	for _, b := range counted {
		recipients[b.RecipientHash]++
	}
	delivered := d.cisco.Taken() + d.plain.Taken() // as many as are counted, see deliveries
	lost, twice := d.submitted()-delivered-len(recipients), len(counted)-len(recipients)
	if lost != 0 || twice != 0 {
		d.t.Errorf("of %d mails %d were delivered, %d refused; %d are lost, %d counted twice", d.submitted(), delivered, len(recipients), lost, twice)
	}

	all, err := db.Incidents(ctx, store.IncidentFilter{Resolved: true, Limit: -1})
	if err != nil {
		d.t.Fatal(err)
	}
	heard, again, opened, ended := map[string]int{}, 0, 0, 0
	for _, p := range d.chat.posts() {
		if heard[p.ID]++; heard[p.ID] > 1 {
			again++
		}
	}
	unheard := 0
	for _, inc := range all {
		h, err := db.Incident(ctx, inc.ID)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, e := range h.Events {
			switch e.Kind {
			case string(alerts.Opened):
				opened++
			case string(alerts.Ended):
				ended++
			}
		}
		for _, s := range h.Deliveries {
			if s.State != store.Sent || heard[s.Notice] == 0 {
				unheard++
			}
		}
	}
	// Of the list that went bad nobody was told at once, and it is looked at again after an hour.
	if len(all) != 5 || opened != 5 || ended != 4 || again != 0 || unheard != 0 {
		d.t.Errorf("%d incidents, opened %d times and resolved %d times, %d alerts heard again and %d never: %v", len(all), opened, ended, again, unheard, daemontest.Titles(all))
	}
	reliability.Record(d.t, reliability.Row{Area: reliability.Process, Fault: "a day over a real Postfix, Dovecot and unbound: each is restarted, the log is rotated, the daemon is killed and reloaded",
		Tries: d.submitted(), Unit: "mails", Promised: "each counts once, as delivered or refused, as Postfix had it",
		Seen: fmt.Sprintf("%d delivered, %d refused, %d lost, %d counted twice", delivered, len(recipients), lost, twice)})
	reliability.Record(d.t, reliability.Row{Area: reliability.Process, Fault: "a day over real servers: page, metrics, health and status are asked after each event",
		Tries: d.looks, Unit: "looks", Promised: "all tell of the same incidents", Seen: fmt.Sprintf("%d times the same", d.looks)})
	reliability.Record(d.t, reliability.Row{Area: reliability.Channels, Fault: "a day over real servers, with a chat that says no for a part of it", Tries: len(all), Unit: "incidents",
		Promised: "each opens once, and each alert is heard once", Seen: fmt.Sprintf("%d opened, %d resolved, %d alerts, %d not heard, %d heard again", opened, ended, len(heard), unheard, again)})
	reliability.Record(d.t, reliability.Row{Area: reliability.DNS, Fault: "a real unbound is restarted, invents an address for every name, and is restarted again", Tries: 2, Unit: "restarts",
		Promised: "told once, and no answer about us changes", Seen: fmt.Sprintf("%s, %d answers changed", checks.Plural(d.blinded, "alert"), d.invented)})
}
