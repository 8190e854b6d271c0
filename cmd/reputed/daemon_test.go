package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
	"reputed/probes/probestest"
)

// rig is the real daemon over the lab, with every step taken by hand: nothing
// runs unless a test calls it.
type rig struct {
	*daemon
	t     *testing.T
	world *lab.World
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
	return newRigLogging(t, slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelDebug})), change)
}

// newRigLogging is newRigWith with a log of its own: that of a test is kept in memory, a line for each question.
func newRigLogging(t *testing.T, log *slog.Logger, change func(*config.Config, *lab.World)) *rig {
	t.Helper()
	zones, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var asked []blocklists.Zone
	for _, z := range zones {
		if z.Default {
			asked = append(asked, z)
		}
	}
	world, err := lab.Start(asked)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(world.Config(filepath.Join(dir, "reputed.db"))), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, config.LoadOptions{Env: world.Env})
	if err != nil {
		t.Fatal(err)
	}
	cfg.DNS.Confirm.Duration = 0
	change(cfg, world)
	unpaced(cfg)
	db, err := store.Open(t.Context(), cfg.Database.Path, store.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	cfg.Alerts.Channels = []string{"test"}
	d, err := newDaemon(Options{Config: cfg, DB: db, Channels: map[string]alerts.Notifier{"test": nil}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{daemon: d, t: t, world: world, zones: asked, path: path}
}

// testLog writes the daemon's log to the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
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
	var b probes.Batch
	for i, raw := range mails {
		b.Messages = append(b.Messages, probes.Message{Mailbox: "bounces", UIDValidity: 1, UID: first + uint32(i), Received: time.Now(), Size: int64(len(raw)), Bytes: raw})
	}
	b.Position = probes.Position{UIDValidity: 1, UID: first + uint32(len(mails)) - 1}
	if err := r.intake(r.t.Context(), "bounces", b); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) open() []alerts.Incident {
	r.t.Helper()
	all, err := r.db.Incidents(r.t.Context(), store.IncidentFilter{})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// only fails unless exactly one incident is open, and gives it.
func (r *rig) only(why string) alerts.Incident {
	r.t.Helper()
	all := r.open()
	if len(all) != 1 {
		r.t.Fatalf("%s: %d incidents open, want 1: %+v", why, len(all), titles(all))
	}
	return all[0]
}

func titles(all []alerts.Incident) (out []string) {
	for _, i := range all {
		out = append(out, fmt.Sprintf("%s (%s, %s)", i.Title, i.State, i.Severity))
	}
	return out
}

func (r *rig) mode(m probestest.ZoneMode) {
	for _, z := range r.zones {
		r.world.Lists.SetMode(z.Zone, m)
	}
}

func TestAListingAndARefusalAreOneIncident(t *testing.T) {
	r := newRig(t)
	r.mustRound()
	if all := r.open(); len(all) != 0 {
		t.Fatalf("a clean world has incidents: %v", titles(all))
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
		t.Fatalf("blind: %d incidents, want the old one and one about the resolver: %v", len(all), titles(all))
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
	r.daemon.log = slog.New(onLine{r.daemon.log.Handler(), "no list answers, all are asked again", func() { r.mode(probestest.ZoneNormal) }})
	r.mustRound()
	if all := r.open(); len(all) != 0 {
		t.Errorf("open after a restart of the resolver: %v", titles(all))
	}
	if run, ok, err := r.db.LastCompleteRun(t.Context(), monitor.JobDNSBL); err != nil || !ok || run.Summary.Trouble != "" {
		t.Errorf("the round counts as troubled (%q) or not at all (%v): %v", run.Summary.Trouble, ok, err)
	}

	r.mode(probestest.ZoneServFail)
	r.daemon.log = slog.New(slog.DiscardHandler)
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
	r.daemon.log = slog.New(onLine{r.daemon.log.Handler(), "no list answers, all are asked again", cancel})
	if err := r.round(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("the round ended with %v, want that it was stopped", err)
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("told without being confirmed: %v", titles(all))
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
		t.Errorf("a report that nothing proves opened %v", titles(all))
	}
	shown, err := r.db.Bounces(t.Context(), store.BounceFilter{})
	if err != nil || len(shown) != 1 || shown[0].Proof.Proved() {
		t.Errorf("it is to be stored and shown, unproved: %+v, %v", shown, err)
	}

	for i := range fewReports {
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
	err := r.run(ctx)
	if held := new(store.LeaseError); !errors.As(err, &held) {
		t.Fatalf("a second daemon got %v", err)
	}
	if !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("the error does not say which process holds it: %v", err)
	}
}

func TestReloadTakesWhatIsRightAndKeepsWhatWas(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"LAB_IMAP_PASSWORD", "LAB_SLACK_WEBHOOK"} {
		value, _ := r.world.Env(name)
		t.Setenv(name, value)
	}
	r.db.Close() // the daemon under test opens it
	good, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	lines := &logLines{more: make(chan struct{}, 1000)}
	a := &app{stdout: lines, stderr: lines, configPath: r.path}
	hup := make(chan os.Signal)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type outcome struct {
		next *config.Config
		err  error
	}
	done := make(chan outcome, 1)
	cfg, err := a.loadConfig(config.Resolve)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		next, err := a.runWith(ctx, cfg, service{}, hup)
		done <- outcome{next, err}
	}()
	lines.wait(ctx, t, "msg=started")
	if err := os.WriteFile(r.path, append(good, "\n[slak]\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	hup <- syscall.SIGHUP
	lines.wait(ctx, t, "the old one stays in force")
	select {
	case o := <-done:
		t.Fatalf("a bad configuration ended the daemon: %v", o.err)
	default:
	}
	if err := os.WriteFile(r.path, append(good, "\n[alerts]\nmin_severity = \"major\"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	hup <- syscall.SIGHUP
	o := <-done
	if text := lines.String(); strings.Contains(text, "msg=stopped") || strings.Count(text, "msg=started") != 1 {
		t.Errorf("a reload is no stop:\n%s", text)
	}
	if o.err != nil || o.next == nil || o.next.Alerts.MinSeverity != checks.Major {
		t.Fatalf("a good configuration: next %v, error %v\n%s", o.next != nil, o.err, lines.String())
	}
}

// logLines collects what is logged, for waiting until something has been.
type logLines struct {
	lockedBuffer
	more chan struct{}
}

func (l *logLines) Write(p []byte) (int, error) {
	defer func() { l.more <- struct{}{} }()
	return l.lockedBuffer.Write(p)
}

func (l *logLines) wait(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	for !strings.Contains(l.String(), text) {
		select {
		case <-l.more:
		case <-ctx.Done():
			t.Fatalf("never logged %q:\n%s", text, l.String())
		}
	}
}

func TestDemoCheck(t *testing.T) {
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	if code := a.main(t.Context(), []string{"demo", "--check"}); code != exitOK {
		t.Fatalf("exit code %d\n%s\n%s", code, errs.String(), out.String())
	}
	for _, want := range []string{"New, major", "Worse, critical", "acknowledged by kim", "Resolved:", "All clear"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the rehearsal never said %q:\n%s", want, out.String())
		}
	}
	cfg, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d lists, a bounce mailbox", len(cfg.Blocklists.Zones)); !strings.Contains(out.String(), want) {
		t.Errorf("the lists that are asked are %q:\n%s", want, out.String())
	}
	intro, _, _ := strings.Cut(out.String(), "\n\n")
	for line := range strings.Lines(intro) {
		if n := len(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns in %q, want at most 80", n, line)
		}
	}
}

// Invariant 7 for the log: what a list, a bounce or a server says cannot begin a
// line or colour a terminal.
func TestLogCannotBeForged(t *testing.T) {
	hostile := "x\n time=2026-01-01T00:00:00Z level=ERROR msg=forged\x1b[31m\r\u202e"
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := newLog(&out, config.Log{Level: "info", Format: format})
		log.LogAttrs(t.Context(), slog.LevelInfo, "round finished", slog.String("why", hostile), slog.Any("err", errors.New(hostile)))
		if got := strings.Count(out.String(), "\n"); got != 1 {
			t.Errorf("%s: %d lines, want 1:\n%q", format, got, out.String())
		}
		if strings.ContainsAny(out.String(), "\x1b\r") {
			t.Errorf("%s: control characters: %q", format, out.String())
		}
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
		t.Fatalf("an old refusal brings back what a person ended: %v", titles(all))
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
