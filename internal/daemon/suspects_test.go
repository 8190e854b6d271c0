package daemon

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"reputed/internal/daemon/daemontest"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/probes"
)

// TestALogNamesSuspects: from the line of smtpd to the name that is shown with the incident.
func TestALogNamesSuspects(t *testing.T) {
	r, l := logRig(t)
	ctx, now := context.Background(), time.Now().Add(-time.Minute)
	var lines []string
	mail := func(n int, login, line string) {
		id := fmt.Sprintf("4A%05dz", n)
		lines = append(lines, "postfix/submission/smtpd[5]: "+id+": client=pc.example.org[192.0.2.80], sasl_method=PLAIN, sasl_username="+login,
			"postfix/qmgr[6]: "+id+": from=<"+login+"@example.org>, size=900, nrcpt=1 (queue active)", strings.ReplaceAll(line, "ID", id), "postfix/qmgr[6]: "+id+": removed")
	}
	const unknown = "postfix/smtp[7]: ID: to=<nobody@example.net>, relay=mx1.example.net[198.51.100.7]:25, delay=0.1, delays=0/0/0/0.1, dsn=5.1.1, status=bounced (host mx1.example.net[198.51.100.7] said: 550 5.1.1 <nobody@example.net>: Recipient address rejected: User unknown (in reply to RCPT TO command))"
	for i := range 200 {
		switch {
		case i < 5:
			mail(i, "lea", daemontest.Sent("ID", "kim@example.net"))
		case i < 10:
			mail(i, "max", daemontest.Sent("ID", "kim@example.net"))
		case i < 60:
			mail(i, "kim", unknown)
		case i < 70:
			mail(i, "kim", refusedBySpamCop("ID", "kim@example.net"))
		default:
			mail(i, "kim", daemontest.Sent("ID", "kim@example.net"))
		}
	}
	first := len(lines)
	mail(200, "lea", daemontest.Sent("ID", "kim@example.net"))
	more := lines[first:]
	if err := r.intakeLog(ctx, l, probes.LogBatch{Lines: mailLines(now, lines[:first]...), Position: position(1)}); err != nil {
		t.Fatal(err)
	}
	if err := r.judge(ctx, now); err != nil {
		t.Fatal(err)
	}
	open, err := r.db.Incidents(ctx, store.IncidentFilter{})
	if err != nil || len(open) != 1 {
		t.Fatalf("%d incidents, %v, want one", len(open), err)
	}
	got, err := view.Suspicion(ctx, r.db, open[0])
	if err != nil {
		t.Fatal(err)
	}
	want := "login kim: 190 of 200 mails in 14 hours, and nothing is known of what is usual; 50 of 190 mails to unknown users; 10 of all 10 refusals"
	if !got.Known || got.Mails != 200 || len(got.Suspects) == 0 || got.Suspects[0].String() != want {
		t.Errorf("got %+v, want %s", got, want)
	}
	// What is shown may be a minute old, and no older.
	v, err := view.New(r.db, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		mails int
	}{{0, 200}, {view.SuspicionKept - time.Second, 200}, {view.SuspicionKept, 201}} {
		if shown, err := v.Suspicion(ctx, open[0], now.Add(c.after)); err != nil || shown.Mails != c.mails {
			t.Errorf("after %v: %d mails, %v, want %d", c.after, shown.Mails, err, c.mails)
		}
		if c.after == 0 {
			if err := r.intakeLog(ctx, l, probes.LogBatch{Lines: mailLines(now, more...), Position: position(2)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range got.Suspects {
		if strings.Contains(s.String(), "nobody@") || strings.Contains(s.String(), "kim@example.net") {
			t.Errorf("a recipient is a suspect: %s", s)
		}
	}
}
