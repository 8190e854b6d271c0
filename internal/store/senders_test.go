package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
)

// by lets a mail come from somebody, as another message than all others.
func by(id, login, client, sender string) func(*LogEvent) {
	return func(e *LogEvent) {
		e.QueueID, e.Origin = id, maillog.Origin{Login: login, Client: client, Sender: sender}
	}
}

func senders(t *testing.T, db *DB, targets ...string) map[string]bounce.SenderHour {
	t.Helper()
	all, err := db.Senders(t.Context(), targets, t0.Add(-240*time.Hour), t0.Add(240*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bounce.SenderHour{}
	for _, h := range all {
		key := string(h.Kind) + " " + h.Name + " " + h.At.Format("15")
		h.Origin, h.At = bounce.Origin{}, time.Time{}
		got[key] = h
	}
	return got
}

func TestWhoHandedMailIn(t *testing.T) {
	db := fresh(t)
	at := t0.Truncate(time.Hour)
	hour := at.Format("15")
	ours := func(e *LogEvent) { e.Domain = "example.org" }
	mustLog(t, db, t0.Add(time.Hour),
		logged(bounce.Delivered, at, by("Q1", "kim", "pc [192.0.2.80]", "info@example.org"), ours),
		logged(bounce.Delivered, at, by("Q2", "kim", "pc [192.0.2.80]", "victim@gmail.example")),
		logged(bounce.Failed, at, by("Q3", "kim", "pc [192.0.2.80]", "info@example.org"), because(bounce.RecipientFault), ours),
		logged(bounce.Delayed, at, by("Q4", "kim", "", "info@example.org"), ours),
		logged(bounce.Delayed, at.Add(time.Minute), by("Q4", "kim", "", "info@example.org"), ours),
		logged(bounce.Failed, at.Add(2*time.Minute), by("Q4", "kim", "", "info@example.org"), ours),
		logged(bounce.Failed, at.Add(2*time.Minute), by("Q4", "kim", "", "info@example.org"), ours), // the same line again
		logged(bounce.Delivered, at, by("Q5", "", "user www-data", "")),
	)
	want := map[string]bounce.SenderHour{
		"login kim " + hour:                  {Mails: 4, Unknown: 1, Refused: 1},
		"client pc [192.0.2.80] " + hour:     {Mails: 3, Unknown: 1},
		"client user www-data " + hour:       {Mails: 1},
		"sender info@example.org " + hour:    {Mails: 3, Unknown: 1, Refused: 1},
		"sender @gmail.example " + hour:      {Mails: 1}, // of somebody else: no whole address is kept
		"stream postfix/smtp on mx1 " + hour: {Mails: 5, Unknown: 1, Refused: 1},
	}
	if d := cmp.Diff(want, senders(t, db, "192.0.2.10")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := senders(t, db); got["login kim "+hour].Mails != 4 {
		t.Errorf("of all addresses: %+v", got)
	}
	if got := senders(t, db, "192.0.2.11"); len(got) != 0 {
		t.Errorf("of another address: %+v", got)
	}
}

func TestWithoutALogReportsTell(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{Mails: []Mail{refusal(1, "kim@example.net", t0)}}, one(Decision{}))
	got := senders(t, db, "192.0.2.10")
	if len(got) != 1 {
		t.Fatalf("got %+v, want the sender of one bounce", got)
	}
	for key, h := range got {
		if h.Refused != 1 || h.Mails != 0 {
			t.Errorf("%s: %+v", key, h)
		}
	}
}

// However many names there are, the heaviest stay, and what is old goes.
func TestSendersAreBounded(t *testing.T) {
	db := fresh(t)
	mustLog(t, db, t0.Add(-SendersKept-time.Hour), logged(bounce.Delivered, t0.Add(-SendersKept-2*time.Hour), by("old", "old", "", "")))
	id := 0
	for range 3 {
		var events []LogEvent
		for range sendersMost {
			id++
			events = append(events, logged(bounce.Delivered, t0, by(fmt.Sprint("N", id), fmt.Sprint("user", id), "", "")))
			if id%100 == 0 {
				events = append(events, logged(bounce.Delivered, t0, by(fmt.Sprint("H", id), "heavy", "", "")))
			}
		}
		mustLog(t, db, t0, events...)
	}
	got := senders(t, db, "192.0.2.10")
	heavy := got["login heavy "+t0.Format("15")]
	if len(got) > sendersMost+10 || heavy.Mails != 30 {
		t.Errorf("%d names, the heaviest %+v; want at most %d, and 30 mails", len(got), heavy, sendersMost)
	}
	for key := range got {
		if key[:9] == "login old" {
			t.Errorf("%s is still there", key)
		}
	}
}
