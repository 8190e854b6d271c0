package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
	"reputed/probes/probestest"
)

// rig is the real daemon over the lab, with every step taken by hand: nothing
// runs unless a test calls it.
type rig struct {
	*Daemon
	t     *testing.T
	w     *daemontest.World
	world *lab.World // that of w
	zones []blocklists.Zone
	path  string // of the configuration
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, func(*config.Config, *lab.World) {})
}

// newRigWith is a rig whose configuration, or world, is changed before the daemon is made.
func newRigWith(t *testing.T, change func(*config.Config, *lab.World)) *rig {
	t.Helper()
	return newRigLogging(t, daemontest.Log(t), change)
}

// newRigLogging is newRigWith with a log of its own: that of a test is kept in memory, a line for each question.
func newRigLogging(t *testing.T, log *slog.Logger, change func(*config.Config, *lab.World)) *rig {
	t.Helper()
	w := daemontest.Start(t, log, change)
	d, err := New(Options{Config: w.Config, DB: w.DB, Channels: daemontest.Notifiers(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Daemon: d, t: t, w: w, world: w.Lab, zones: w.Zones, path: w.Path}
}

func (r *rig) mustRound() {
	r.t.Helper()
	if err := r.round(r.t.Context(), time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

// read hands mails to the daemon as the mailbox would.
func (r *rig) read(first uint32, mails ...[]byte) {
	r.t.Helper()
	if err := r.intake(r.t.Context(), "bounces", daemontest.Batch(first, mails...)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) open() []alerts.Incident { r.t.Helper(); return r.w.Open() }

// only fails unless exactly one incident is open, and gives it.
func (r *rig) only(why string) alerts.Incident { r.t.Helper(); return r.w.Only(why) }

func (r *rig) mode(m probestest.ZoneMode) { r.w.Mode(m) }

func TestAListingAndARefusalAreOneIncident(t *testing.T) {
	r := newRig(t)
	r.mustRound()
	if all := r.open(); len(all) != 0 {
		t.Fatalf("a clean world has incidents: %v", daemontest.Titles(all))
	}
	r.world.ListAtSpamCop()
	r.mustRound()
	if inc := r.only("listed"); inc.Severity != checks.Major || inc.Existing {
		t.Errorf("listed: %s, existing %v", inc.Severity, inc.Existing)
	}
	r.read(1, lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net"))
	inc := r.only("listed and refused")
	if inc.Severity != checks.Critical || inc.Impact.Refusals() != 1 || len(inc.Members) != 2 {
		t.Errorf("listed and refused: %s, %d refusals, %d members", inc.Severity, inc.Impact.Refusals(), len(inc.Members))
	}
	if waiting := r.named.take(); len(waiting) != 1 || waiting[0].target.ID() != lab.OurAddress.String() {
		t.Errorf("the address that was refused is to be asked about at once, got %v", waiting)
	}
	due, err := r.db.Due(t.Context(), "test", time.Now().Add(time.Minute), 10)
	if err != nil || len(due) != 1 || due[0].Notification.Kind != alerts.Opened {
		t.Errorf("first notice: %+v, %v", due, err)
	}
	for _, d := range due {
		if len(d.Notification.Remediation) == 0 || d.Notification.Command != alerts.ShowCommand(inc.ID) {
			t.Errorf("a notice without a way out: %+v", d.Notification)
		}
	}
}

// Invariant 1, end to end: a resolver that is down opens one incident about
// itself, and neither opens nor ends one about a target.
func TestADeadResolverMovesNothing(t *testing.T) {
	r := newRig(t)
	r.mustRound()
	r.world.ListAtSpamCop()
	r.mustRound()
	before := r.only("listed")

	r.mode(probestest.ZoneServFail)
	r.world.DelistAtSpamCop()
	r.world.Lists.SetListed("psbl.surriel.com", lab.OurAddress.String(), "")
	for range 3 {
		r.mustRound()
	}
	if run, ok, err := r.db.LastRun(t.Context(), monitor.JobDNSBL); err != nil || !ok || run.State != store.Troubled {
		t.Errorf("blind: the round counts as %s, want troubled: %v", run.State, err)
	}
	all := r.open()
	if len(all) != 2 {
		t.Fatalf("blind: %d incidents, want the old one and one about the resolver: %v", len(all), daemontest.Titles(all))
	}
	for _, inc := range all {
		switch inc.ID {
		case before.ID:
			if inc.State != before.State || inc.Severity != before.Severity || !inc.LastSeen.Equal(before.LastSeen) {
				t.Errorf("blind: the old incident moved from %s %s to %s %s", before.State, before.Severity, inc.State, inc.Severity)
			}
		default:
			if inc.Members[0].Finding.Code != checks.CodeBlind {
				t.Errorf("blind: the new incident is about %s", inc.Members[0].Finding.Code)
			}
		}
	}

	r.mode(probestest.ZoneNormal)
	r.mustRound()
	for _, inc := range r.open() {
		if inc.Members[0].Finding.Code == checks.CodeBlind {
			t.Errorf("seeing again: the resolver's incident is still open")
		}
	}
}

// A resolver that is restarted during a round is asked again, and nobody hears of it; one
// that stays silent is told of in that same round.
func TestAResolverThatIsBackAtOnceIsNoNews(t *testing.T) {
	r := newRig(t)
	r.lists.Options.Confirm = time.Millisecond
	r.mode(probestest.ZoneServFail)
	r.Daemon.log = slog.New(onLine{r.Daemon.log.Handler(), "no list answers, all are asked again", func() { r.mode(probestest.ZoneNormal) }})
	r.mustRound()
	if all := r.open(); len(all) != 0 {
		t.Errorf("open after a restart of the resolver: %v", daemontest.Titles(all))
	}
	if run, ok, err := r.db.LastCompleteRun(t.Context(), monitor.JobDNSBL); err != nil || !ok || run.Summary.Trouble != "" {
		t.Errorf("the round counts as troubled (%q) or not at all (%v): %v", run.Summary.Trouble, ok, err)
	}

	r.mode(probestest.ZoneServFail)
	r.Daemon.log = slog.New(slog.DiscardHandler)
	r.mustRound()
	if inc := r.only("silent twice"); inc.Members[0].Finding.Code != checks.CodeBlind {
		t.Errorf("told of %s", inc.Members[0].Finding.Code)
	}
}

// A daemon that is stopped or reloaded while it waits to ask again has not confirmed anything.
func TestBlindnessIsNotToldOfUnconfirmed(t *testing.T) {
	r := newRig(t)
	r.lists.Options.Confirm = time.Hour
	r.mode(probestest.ZoneServFail)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.Daemon.log = slog.New(onLine{r.Daemon.log.Handler(), "no list answers, all are asked again", cancel})
	if err := r.round(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("the round ended with %v, want that it was stopped", err)
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("told without being confirmed: %v", daemontest.Titles(all))
	}
}

// onLine is a log that does something when a line is written.
type onLine struct {
	slog.Handler
	line string
	do   func()
}

func (h onLine) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == h.line {
		h.do()
	}
	return h.Handler.Handle(ctx, r)
}

// A list that goes on failing is told of once and asked more and more slowly; what it
// said before stays as it was, and it comes back when it passes a test.
func TestAListThatGoesOnFailingIsQuarantined(t *testing.T) {
	r := newRig(t)
	r.mustRound()
	r.world.ListAtSpamCop()
	r.mustRound()
	before := r.only("listed")
	const zone = "bl.spamcop.net"
	r.world.Lists.SetMode(zone, probestest.ZoneServFail)
	for range 3 {
		r.mustRound()
	}
	asked := r.world.Lists.Asked(zone).All
	r.mustRound()
	if again := r.world.Lists.Asked(zone).All; again != asked {
		t.Errorf("a list in quarantine was asked %d times", again-asked)
	}
	run, _, err := r.db.LastCompleteRun(t.Context(), monitor.JobDNSBL)
	if err != nil {
		t.Fatal(err)
	}
	state := ""
	for _, l := range run.Summary.Lists {
		if l.List == "spamcop" {
			state = l.State
			if l.Failing != 3 || l.Since.IsZero() {
				t.Errorf("summary %+v, want three failures since the first", l)
			}
		}
	}
	if state != stateQuarantined {
		t.Errorf("the list is %q, want %q", state, stateQuarantined)
	}
	for _, inc := range r.open() {
		switch inc.ID {
		case before.ID:
			if inc.State != alerts.Open || !inc.LastSeen.Equal(before.LastSeen) {
				t.Errorf("the listing moved: %+v", inc)
			}
		default:
			if inc.Severity != checks.Minor || inc.Members[0].Finding.Code != checks.CodeListUnknown || !inc.LastTold.IsZero() {
				t.Errorf("the list's own incident: %s, %s, told %v; want a minor one for the digest", inc.Severity, inc.Title, inc.LastTold)
			}
		}
	}
}

func TestQuarantineIsLeftByATestThatIsPassed(t *testing.T) {
	began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	zones := []blocklists.Zone{{ID: "a"}, {ID: "b"}}
	failing := map[string]dnsbl.Failing{"a": {Runs: 3, Since: began.Add(-2 * time.Hour), Last: began}}
	for after, want := range map[time.Duration]int{time.Minute: 1, 61 * time.Minute: 2} {
		if ask, _ := sortOut(zones, failing, began.Add(after)); len(ask) != want {
			t.Errorf("%s later: %d lists are asked, want %d", after, len(ask), want)
		}
	}
	s := store.Summary{Lists: []store.ListSummary{{List: "a", State: store.ListOK}, {List: "b", State: "unknown"}}}
	carry(&s, began.Add(2*time.Hour), failing, nil)
	if s.Lists[0].Failing != 0 || s.Lists[1].Failing != 1 {
		t.Errorf("summary %+v", s.Lists)
	}
}

func TestAForgedReportMovesNothing(t *testing.T) {
	forged := bytes.Replace(lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net"),
		[]byte("Received: by mail.example.org (Postfix)"), []byte("Received: from mail.example.org (unknown [203.0.113.66])\r\n\tby mx.example.com (Postfix)"), 1)
	forged = bytes.ReplaceAll(forged, []byte("invoice@example.org"), []byte("invoice@example.com"))
	r := newRig(t)
	r.mustRound()
	r.read(1, forged)
	if all := r.open(); len(all) != 0 {
		t.Errorf("a report that nothing proves opened %v", daemontest.Titles(all))
	}
	shown, err := r.db.Bounces(t.Context(), store.BounceFilter{})
	if err != nil || len(shown) != 1 || shown[0].Proof.Proved() {
		t.Errorf("it is to be stored and shown, unproved: %+v, %v", shown, err)
	}

	for i := range FewReports {
		r.read(uint32(2+i), bytes.ReplaceAll(forged, []byte("4TgXkR2x9zB"), fmt.Appendf(nil, "4TgXkR2x9z%d", i)))
	}
	if inc := r.only("nothing can be proved"); inc.Members[0].Finding.Code != checks.CodeUnproved {
		t.Errorf("got %s", inc.Members[0].Finding.Code)
	}
	r.read(100, lab.CiscoRefusal(time.Now(), "4TgXkR2proved", "kim@example.net"))
	for _, inc := range r.open() {
		if inc.Members[0].Finding.Code == checks.CodeUnproved {
			t.Error("one proved report ends the finding that nothing can be proved")
		}
	}
}

// What is wrong with one mail must not keep the next from being read: over real
// IMAP, a 60 MB mail, a thousand nested parts, a truncated report and noise, then a refusal.
func TestHostileMailsDoNotHoldUpTheNext(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	good := lab.CiscoRefusal(now, "4TgXkR2x9zB", "kim@example.net")
	var nested strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	for _, raw := range [][]byte{
		append([]byte("Subject: big\r\n\r\n"), bytes.Repeat([]byte("0123456789abcde\n"), 60<<20/16)...),
		[]byte(nested.String()),
		good[:len(good)/2],
		bytes.Repeat([]byte{0, 0xff, '\r'}, 1000),
		good,
	} {
		r.world.Mailbox.Append(raw, now)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	read := make(chan int, 10)
	var wg sync.WaitGroup
	wg.Go(func() {
		box := r.mailboxes[0]
		err := box.probe.Watch(ctx, probes.Position{}, func(ctx context.Context, b probes.Batch) error {
			defer func() { read <- len(b.Messages) }()
			return r.intake(ctx, box.name, b)
		}, func(s probes.MailboxState) { r.mailboxState(ctx, box, s) })
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	for n := 0; n < 5; {
		select {
		case k := <-read:
			n += k
		case <-ctx.Done():
			t.Fatalf("%d of 5 mails were read", n)
		}
	}
	cancel()
	wg.Wait()
	if inc := r.only("the last mail is a refusal"); inc.Members[0].Finding.Code != checks.CodeRefused {
		t.Errorf("got %s", inc.Members[0].Finding.Code)
	}
	if changes := r.world.Mailbox.Changes(); len(changes) != 0 {
		t.Errorf("the mailbox was altered: %v", changes)
	}
	if p, err := r.db.Position(t.Context(), "bounces"); err != nil || p.UID != 5 {
		t.Errorf("position %+v, %v", p, err)
	}
}

func TestASecondDaemonIsRefused(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := r.db.Lease(ctx, "reputed test", time.Minute, time.Now()); err != nil {
		t.Fatal(err)
	}
	err := r.Run(ctx)
	if held := new(store.LeaseError); !errors.As(err, &held) {
		t.Fatalf("a second daemon got %v", err)
	}
	if !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("the error does not say which process holds it: %v", err)
	}
}

// What a person has ended costs nothing any more: neither a listing that comes later nor
// the same history when it comes back counts the refusals from before.
func TestRefusalsOfWhatIsOverAreNoCostOfWhatComesLater(t *testing.T) {
	r := newRig(t)
	r.mustRound()
	r.read(1, lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net"))
	inc := r.only("refused")
	if _, err := r.db.Act(t.Context(), alerts.Action{Kind: alerts.ResolveHand, Incident: inc.ID, By: "kim", At: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.tick(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if all := r.open(); len(all) != 0 {
		t.Fatalf("an old refusal brings back what a person ended: %v", daemontest.Titles(all))
	}
	r.world.ListAtSpamCop()
	r.mustRound()
	if inc := r.only("listed afterwards"); inc.Impact.Refusals() != 0 || inc.Severity != checks.Major {
		t.Errorf("a listing that cost nothing: %s, %d refusals", inc.Severity, inc.Impact.Refusals())
	}
	r.read(2, lab.CiscoRefusal(time.Now().Add(2*time.Second), "4TgXkR2x9zC", "lee@example.net"))
	if inc := r.only("refused again"); inc.Impact.Refusals() != 1 {
		t.Errorf("refused once since: %d refusals", inc.Impact.Refusals())
	}
}
