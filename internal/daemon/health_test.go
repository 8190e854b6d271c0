package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
	"reputed/probes/probestest"
)

// about gives the open incident whose worst finding has the code.
func (r *rig) about(code checks.Code) (alerts.Incident, bool) {
	for _, inc := range r.open() {
		if inc.Members[0].Finding.Code == code {
			return inc, true
		}
	}
	return alerts.Incident{}, false
}

func (r *rig) mustTick() {
	r.t.Helper()
	if err := r.tick(r.t.Context(), time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

// due gives the one notice that waits.
func (r *rig) due() alerts.Delivery {
	r.t.Helper()
	due, err := r.db.Due(r.t.Context(), "test", time.Now().Add(time.Minute), 10)
	if err != nil || len(due) == 0 {
		r.t.Fatalf("nothing waits for the channel: %v", err)
	}
	return due[0]
}

// What a channel refuses does not wait, so that an empty queue is no sign of health.
func TestAChannelThatRefusesIsInTrouble(t *testing.T) {
	r := newRig(t)
	r.world.ListAtSpamCop()
	r.mustRound()
	if err := r.db.Refuse(t.Context(), r.due().ID, time.Now(), "token_revoked"); err != nil {
		t.Fatal(err)
	}
	r.mustTick()
	inc, ok := r.about(checks.CodeChannelDown)
	if !ok || !strings.Contains(inc.Title, "has refused alerts since 20") {
		t.Fatalf("a channel that refuses everything: %v", daemontest.Titles(r.open()))
	}
	if err := r.db.Sent(t.Context(), r.due().ID, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	r.mustTick()
	if _, ok := r.about(checks.CodeChannelDown); ok {
		t.Error("it takes alerts again, and is still in trouble")
	}
}

// What is taken out of the configuration is never looked at again, so that its
// incident would stay for ever.
func TestWhatIsDismissedIsNoTroubleAnyMore(t *testing.T) {
	r := newRig(t)
	box := r.mailboxes[0]
	box.began, box.state.LastErr = time.Now().Add(-time.Hour), errors.New("connection refused")
	r.world.ListAtSpamCop()
	r.mustRound()
	if err := r.db.Refuse(t.Context(), r.due().ID, time.Now(), "token_revoked"); err != nil {
		t.Fatal(err)
	}
	r.mustTick()
	for _, code := range []checks.Code{checks.CodeMailbox, checks.CodeChannelDown} {
		if _, ok := r.about(code); !ok {
			t.Fatalf("no incident about %s: %v", code, daemontest.Titles(r.open()))
		}
	}
	r.mailboxes, r.deliverer.Channels = nil, map[string]alerts.Notifier{"other": nil}
	r.mustTick()
	for _, code := range []checks.Code{checks.CodeMailbox, checks.CodeChannelDown} {
		if inc, ok := r.about(code); ok {
			t.Errorf("not in the configuration any more, and still open: %s", inc.Title)
		}
	}
	if _, ok := r.about(checks.CodeListed); !ok {
		t.Error("the listing has gone with them")
	}
}

// cutter is an asker whose context ends right after it has heard of a listing.
type cutter struct {
	dnsbl.Asker
	cut context.CancelFunc
}

func (c cutter) Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	return c.Asker.Ask(ctx, questions, func(q probes.Question, a probes.Answer, err error) {
		got(q, a, err)
		if strings.HasPrefix(q.Name, "10.2.0.192.") && len(a.Addrs()) > 0 {
			c.cut()
		}
	})
}

func TestARoundThatIsCutShortKeepsWhatItSaw(t *testing.T) {
	r := newRig(t)
	r.mustRound()
	r.world.ListAtSpamCop()
	ctx, cut := context.WithCancel(t.Context())
	r.lists.Asker = cutter{r.lists.Asker, cut}
	if err := r.round(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Fatalf("cut short: %v", err)
	}
	if inc := r.only("seen before the end"); inc.Members[0].Finding.Code != checks.CodeListed {
		t.Errorf("got %s", inc.Title)
	}
	run, ok, err := r.db.LastRun(t.Context(), monitor.JobDNSBL)
	if err != nil || !ok || run.State != store.Troubled {
		t.Errorf("the round counts as %s, want troubled: %v", run.State, err)
	}
}

func TestANoticeOfAWholeNetworkIsBrief(t *testing.T) {
	r := newRig(t)
	var findings []checks.Finding
	for i := range 200 {
		target, err := checks.ParseID(fmt.Sprintf("198.51.100.%d", i))
		if err != nil {
			t.Fatal(err)
		}
		findings = append(findings, checks.Finding{
			Key: checks.Key{Check: monitor.JobDNSBL, Target: target.ID(), Source: lab.SpamCop}, Target: target,
			Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Major, Summary: target.String() + " is listed", At: time.Now(),
		})
	}
	if err := r.commit(t.Context(), store.Batch{}, findings, false); err != nil {
		t.Fatal(err)
	}
	if inc := r.only("one list, many addresses"); len(inc.Members) != 200 {
		t.Errorf("the incident has %d members, want 200", len(inc.Members))
	}
	if n := r.due().Notification; len(n.Incident.Members) != alerts.ToldMembers || n.Targets != 200 {
		t.Errorf("the notice has %d members and speaks of %d targets, want %d and 200", len(n.Incident.Members), n.Targets, alerts.ToldMembers)
	}
}

// list.unusable advises to take the list out of the configuration; doing so ends
// the list's own incident, and nothing about a target.
func TestAListThatWasDisabledIsNoTroubleAnyMore(t *testing.T) {
	r := newRig(t)
	r.world.ListAtSpamCop()
	r.mustRound()
	r.world.Lists.SetMode("bl.spamcop.net", probestest.ZoneListWorld)
	r.mustRound()
	if _, ok := r.about(checks.CodeListUnusable); !ok {
		t.Fatalf("a list that lists the world: %v", daemontest.Titles(r.open()))
	}
	r.mustTick()
	if _, ok := r.about(checks.CodeListUnusable); !ok {
		t.Fatal("ended while the list is still asked")
	}
	r.cfg.Blocklists.Zones = slices.DeleteFunc(slices.Clone(r.cfg.Blocklists.Zones), func(z blocklists.Zone) bool { return z.ID == "spamcop" })
	r.mustTick()
	if _, ok := r.about(checks.CodeListUnusable); ok {
		t.Error("the list is disabled, and its own incident still open")
	}
	if _, ok := r.about(checks.CodeListed); !ok {
		t.Error("what it said about our address was ended without an answer")
	}
}

// A pager that takes nothing while a page waits for it is told as one, at any hour, to whoever else there is.
func TestAChannelThatHoldsAPageBackIsCritical(t *testing.T) {
	for severity, want := range map[checks.Severity]checks.Severity{checks.Major: checks.Major, checks.Critical: checks.Critical} {
		r := newRig(t)
		f := checks.Finding{Key: checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "zen"}, Target: checks.Address(netip.MustParseAddr("192.0.2.10")),
			Code: checks.CodeListed, Status: checks.Problem, Severity: severity, Summary: "192.0.2.10 is listed", At: time.Now()}
		long := time.Now().Add(-time.Hour)
		if _, err := r.db.Commit(t.Context(), long, store.Batch{}, func(s store.Situation) store.Decision { return r.decide(s, []checks.Finding{f}, sight{}, false) }); err != nil {
			t.Fatal(err)
		}
		r.mustTick()
		if inc, ok := r.about(checks.CodeChannelDown); !ok || inc.Severity != want {
			t.Errorf("while something %s waits: %v %s, want %s", severity, ok, inc.Severity, want)
		}
	}
}
