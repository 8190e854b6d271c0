package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
)

// mailLines are lines of a Postfix at mx1 as a file holds them.
func mailLines(at time.Time, all ...string) (lines []probes.LogLine) {
	for _, l := range all {
		lines = append(lines, probes.LogLine{Text: at.UTC().Format("2006-01-02T15:04:05.000000+00:00") + " mx1 " + l})
	}
	return lines
}

func refusedBySpamCop(id, to string) string {
	return fmt.Sprintf("postfix/smtp[7]: %s: to=<%s>, relay=mx1.example.net[198.51.100.7]:25, delay=0.1, delays=0/0/0/0.1, dsn=5.7.1, status=bounced (host mx1.example.net[198.51.100.7] said: 554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using bl.spamcop.net (in reply to RCPT TO command))", id, to)
}

// logRig is the daemon of newRig with a log.
func logRig(t *testing.T) (*rig, *mailLog) {
	t.Helper()
	r := newRig(t)
	l, err := newMailLog(config.MailLog{Name: "mx1", Path: filepath.Join(t.TempDir(), "mail.log"), Format: config.LogPostfix}, r.cfg, r.rules, r.Daemon.log)
	if err != nil {
		t.Fatal(err)
	}
	r.logs = []*mailLog{l}
	return r, l
}

func position(n int) probes.LogPosition { return probes.LogPosition{Inode: 7, Offset: int64(n)} }

// TestALogBecomesAnIncident: from the line to the alert, with what it costs.
func TestALogBecomesAnIncident(t *testing.T) {
	r, l := logRig(t)
	ctx := context.Background()
	now := time.Now().Add(-time.Minute)
	var lines []string
	for i := range 30 {
		lines = append(lines, daemontest.Sent(fmt.Sprintf("4A%05dz", i), "kim@example.net"))
	}
	for i := range 10 {
		lines = append(lines, refusedBySpamCop(fmt.Sprintf("4B%05dz", i), "kim@example.net"))
	}
	if err := r.intakeLog(ctx, l, probes.LogBatch{Lines: mailLines(now, lines...), Position: position(1)}); err != nil {
		t.Fatal(err)
	}
	if waiting := r.named.take(); len(waiting) != 1 || waiting[0].target.String() != "192.0.2.10" || !waiting[0].lists["spamcop"] {
		t.Errorf("to be asked at once: %+v, want SpamCop about 192.0.2.10, once", waiting)
	}
	if err := r.judge(ctx, now); err != nil {
		t.Fatal(err)
	}
	open, err := r.db.Incidents(ctx, store.IncidentFilter{})
	if err != nil || len(open) != 1 {
		t.Fatalf("%d incidents, %v, want one", len(open), err)
	}
	i := open[0]
	if got := i.Impact.Costs(1)[0].Text; !strings.HasPrefix(got, "10 of 40 mails to example.net refused") {
		t.Errorf("cost %q", got)
	}
	f := i.Members[0].Finding
	if f.Key.Source != "spamcop" || f.Target.String() != "192.0.2.10" || f.Evidence[0].Via != "log mx1, queue id 4B00009z" || strings.Contains(fmt.Sprint(f), "kim@") {
		t.Errorf("finding %+v", f)
	}
	// The list is asked, and says no.
	asked := checks.Finding{Key: checks.Key{Check: monitor.JobDNSBL, Target: "192.0.2.10", Source: "spamcop"}, Target: f.Target, Code: checks.CodeNotListed, Status: checks.OK, At: time.Now(),
		Evidence: []checks.Evidence{{Question: "10.2.0.192.bl.spamcop.net. A", Answer: "NXDOMAIN"}}}
	if err := r.commit(ctx, store.Batch{}, []checks.Finding{asked}, false); err != nil {
		t.Fatal(err)
	}
	if err := r.tick(ctx, time.Now()); err != nil { // what was answered is still known
		t.Fatal(err)
	}
	h, err := r.db.Incident(ctx, i.ID)
	if err != nil {
		t.Fatal(err)
	}
	if e := h.Incident.Members[0].Finding.Evidence; len(e) != 2 || e[1].Answer != "NXDOMAIN" || !strings.HasPrefix(e[1].Reason, "contradiction: the refusal names") {
		t.Errorf("evidence %+v, want the answer of the list beside the refusal", e)
	}
}

// TestManyRefusalsAreOneQuestion: as many as there are, the lists are not asked again at once.
func TestManyRefusalsAreOneQuestion(t *testing.T) {
	r, l := logRig(t)
	now := time.Now().Add(-time.Minute)
	for n := range 3 {
		if err := r.intakeLog(context.Background(), l, probes.LogBatch{Lines: mailLines(now, refusedBySpamCop(fmt.Sprintf("4B%05dz", n), "kim@example.net")), Position: position(n)}); err != nil {
			t.Fatal(err)
		}
		waiting := r.named.take()
		if want := map[bool]int{true: 1}[n == 0]; len(waiting) != want {
			t.Errorf("refusal %d: %d to be asked, want %d", n, len(waiting), want)
		}
		r.named.done(waiting, time.Now())
	}
	if found := r.named.add(checks.Address(netip.MustParseAddr("192.0.2.10")), "psbl", time.Now()); !found {
		t.Error("another list is another question")
	}
	if found := r.named.add(checks.Address(netip.MustParseAddr("192.0.2.10")), "spamcop", time.Now().Add(namedAgain)); !found {
		t.Error("after a while it is asked again")
	}
}

// TestAReadThatIsNotStoredIsReadAgain: what the reader remembers of earlier lines goes
// back with the position.
func TestAReadThatIsNotStoredIsReadAgain(t *testing.T) {
	r, l := logRig(t)
	now := time.Now().Add(-time.Minute)
	b := probes.LogBatch{Lines: mailLines(now, "postfix/cleanup[7]: 4B00001z: message-id=<1@mx1.example.org>", refusedBySpamCop("4B00001z", "kim@example.net"), "postfix/qmgr[7]: 4B00001z: removed"), Position: position(1)}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.intakeLog(gone, l, b); err == nil {
		t.Fatal("a stopped commit is no error")
	}
	if err := r.intakeLog(context.Background(), l, b); err != nil {
		t.Fatal(err)
	}
	all, err := r.db.Bounces(context.Background(), store.BounceFilter{Counted: true})
	if err != nil || len(all) != 1 || all[0].MessageID != "1@mx1.example.org" {
		t.Errorf("bounces %+v, %v; want one, with its Message-ID", all, err)
	}
}

func TestWhichAddressALogIsAbout(t *testing.T) {
	ours := bounce.Ours{Hosts: map[string]netip.Addr{}}
	for _, w := range []string{"192.0.2.10", "192.0.2.11", "192.0.2.12", "example.org"} {
		if err := ours.Targets.Add(w, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Outbound = []config.Outbound{{Hosts: map[string]string{"mx2.example.org": "192.0.2.12", "mx3.example.org": "192.0.2.10", "mx3.example.net": "192.0.2.11"}}}
	l, err := newMailLog(config.MailLog{Name: "a", Path: "/var/log/mail.log", Format: config.LogAuto,
		Sources: map[string]string{"postfix/out25": "192.0.2.10", "postfix/out25/bulk": "192.0.2.11", "remote_smtp": "192.0.2.12"}}, cfg, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tag, host, source, sender string
		action                    bounce.Action
		want                      string
	}{
		"by the beginning of its tag":         {"postfix/out25/smtp", "mx9", "", "example.org", bounce.Delivered, "192.0.2.10 example.org"},
		"by the longest beginning":            {"postfix/out25/bulk/smtp", "mx9", "", "news.example.org", bounce.Delivered, "192.0.2.11 example.org"},
		"no part of a word":                   {"postfix/out255/smtp", "mx9", "", "example.com", bounce.Delivered, "receiver:example.net "},
		"by its transport":                    {"remote_smtp", "mx9", "", "example.com", bounce.Failed, "192.0.2.12 "},
		"by its host, as syslog writes it":    {"postfix/smtp", "mx2", "", "example.com", bounce.Delivered, "192.0.2.12 "},
		"a label that two hosts share":        {"postfix/smtp", "mx3", "", "example.com", bounce.Delivered, "receiver:example.net "},
		"by the address that its tag spells":  {"postfix/192.0.2.12/smtp", "mx2", "", "example.com", bounce.Delivered, "192.0.2.12 "},
		"also with hyphens":                   {"postfix/192-0-2-11/smtp", "mx9", "", "example.com", bounce.Delivered, "192.0.2.11 "},
		"what is named goes before":           {"postfix/out25/192.0.2.12", "mx9", "", "example.com", bounce.Delivered, "192.0.2.10 "},
		"a tag that spells a stranger":        {"postfix/203.0.113.9/smtp", "mx9", "", "example.com", bounce.Delivered, "receiver:example.net "},
		"the log names it":                    {"postfix/out25/smtp", "mx2", "192.0.2.11", "example.com", bounce.Delivered, "192.0.2.11 "},
		"not known: the domain it is sent as": {"postfix/smtp", "mx9", "", "example.org", bounce.Delivered, "example.org "},
	} {
		e := maillog.Event{Tag: c.tag, Bounce: bounce.Bounce{Action: c.action, ReportingHost: c.host, Sender: c.sender, Domain: "example.net", Recipient: "kim@example.net"}}
		if c.source != "" {
			e.Source = netip.MustParseAddr(c.source)
		}
		got := l.attribute([]maillog.Event{e}, ours)
		if s := got[0].Target + " " + got[0].Domain; s != c.want {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
	}
}

// TestARemoteBounceOfAMailInTheLogIsProved: the receiver took it, and refused it later; its
// Message-ID was made by a program that names no domain of ours.
func TestARemoteBounceOfAMailInTheLogIsProved(t *testing.T) {
	r, l := logRig(t)
	ctx := context.Background()
	lines := mailLines(time.Now().Add(-time.Minute),
		"postfix/cleanup[5]: 4A00001z: message-id=<7@pc.invalid>",
		"postfix/qmgr[6]: 4A00001z: from=<news@example.org>, size=500, nrcpt=1 (queue active)",
		daemontest.Sent("4A00001z", "kim@example.net"))
	if err := r.intakeLog(ctx, l, probes.LogBatch{Lines: lines, Position: position(1)}); err != nil {
		t.Fatal(err)
	}
	report := strings.Join([]string{
		"Received: from mx1.example.net (mx1.example.net [198.51.100.7]) by mail.example.org; " + time.Now().UTC().Format(time.RFC1123Z),
		"From: MAILER-DAEMON@mx1.example.net", "To: news@example.org", "Subject: Undelivered", "MIME-Version: 1.0",
		`Content-Type: multipart/report; report-type=delivery-status; boundary="x"`, "",
		"--x", "Content-Type: message/delivery-status", "",
		"Reporting-MTA: dns; mx1.example.net", "", "Final-Recipient: rfc822; kim@example.net", "Action: failed", "Status: 5.7.1",
		"Diagnostic-Code: smtp; 554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using bl.spamcop.net", "",
		"--x", "Content-Type: text/rfc822-headers", "", "From: news@example.org", "To: kim@example.net", "Message-ID: <7@pc.invalid>", "", "--x--", "",
	}, "\r\n")
	if err := r.intake(ctx, "bounces", probes.Batch{Position: probes.Position{UIDValidity: 1, UID: 1},
		Messages: []probes.Message{{Mailbox: "bounces", UIDValidity: 1, UID: 1, Received: time.Now(), Bytes: []byte(report)}}}); err != nil {
		t.Fatal(err)
	}
	all, err := r.db.Bounces(ctx, store.BounceFilter{Counted: true})
	if err != nil || len(all) != 1 || all[0].Proof != (bounce.Proof{Kind: bounce.ByMessageID, Detail: "Message-ID in the log mx1"}) {
		t.Errorf("bounces that count: %+v, %v", all, err)
	}
}
