package store

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"reputed/checks/bounce"
)

// left is a mail of ours that the log saw leave for example.net.
func left(n int) LogEvent {
	return logged(bounce.Delivered, t0, queue(fmt.Sprintf("4B%05dz", n)), func(e *LogEvent) {
		e.MessageID, e.Ours = fmt.Sprintf("%d@pc.invalid", n), true
	})
}

// TestABounceOfAMailThatLeftIsProved: a receiver took it, and sent a bounce of its own.
func TestABounceOfAMailThatLeftIsProved(t *testing.T) {
	remote := func(change ...func(*bounce.Bounce)) Mail {
		m := refusal(1, "kim@example.net", t0.Add(time.Minute))
		m.Report.Proof = bounce.Proof{}
		b := &m.Report.Bounces[0]
		b.MessageID, b.ReportingHost = "7@pc.invalid", "mx.example.net"
		for _, f := range change {
			f(b)
		}
		return m
	}
	also := func(m Mail, id, recipient string) Mail {
		b := m.Report.Bounces[0]
		b.MessageID, b.Recipient = id, recipient
		m.Report.Bounces, m.Targets = append(m.Report.Bounces, b), append(m.Targets, "192.0.2.10")
		return m
	}
	for name, c := range map[string]struct {
		mail   Mail
		proved bool
	}{
		"a Message-ID that left":                 {remote(), true},
		"which a person put in capitals":         {remote(func(b *bounce.Bounce) { b.Recipient = "Kim@EXAMPLE.NET" }), true},
		"a Message-ID that nobody has seen":      {remote(func(b *bounce.Bounce) { b.MessageID = "8@pc.invalid" }), false},
		"no Message-ID":                          {remote(func(b *bounce.Bounce) { b.MessageID = "" }), false},
		"what left for another domain":           {remote(func(b *bounce.Bounce) { b.Recipient = "kim@example.com" }), false},
		"no recipient":                           {remote(func(b *bounce.Bounce) { b.Recipient, b.Domain = "", "" }), false},
		"another recipient of the domain":        {also(remote(), "7@pc.invalid", "lee@example.net"), true},
		"one recipient more, of another domain":  {also(remote(), "7@pc.invalid", "lee@example.com"), false},
		"one message more, that nobody has seen": {also(remote(), "8@pc.invalid", "lee@example.net"), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, logFirst := range []bool{true, false} {
				db := fresh(t)
				if logFirst {
					mustLog(t, db, t0.Add(time.Hour), left(6), left(7))
				}
				mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: []Mail{c.mail}}, nothing)
				if !logFirst {
					mustLog(t, db, t0.Add(time.Hour), left(6))
					mustLog(t, db, t0.Add(time.Hour), left(7))
				}
				refused := 0
				for _, y := range look(t, db, t0.Add(90*time.Minute), Batch{Window: 24 * time.Hour}).Tallies {
					refused += y.Refused
				}
				all, err := db.Bounces(t.Context(), BounceFilter{})
				if err != nil || len(all) != len(c.mail.Report.Bounces) {
					t.Fatalf("%d bounces, %v", len(all), err)
				}
				if p := all[0].Proof; p.Proved() != c.proved || c.proved && p != (bounce.Proof{Kind: bounce.ByMessageID, Detail: "Message-ID in the log mx1"}) {
					t.Errorf("log first %v: proof %+v, want it proved: %v", logFirst, p, c.proved)
				}
				if c.proved != (refused == len(all)) || !c.proved && refused != 0 {
					t.Errorf("log first %v: %d refusals count", logFirst, refused)
				}
			}
		})
	}
}

func TestWhatOthersChoseProvesNothing(t *testing.T) {
	db := fresh(t)
	e := left(7)
	e.Ours = false // it came in, or was passed on
	mustLog(t, db, t0, e)
	m := refusal(1, "kim@example.net", t0)
	m.Report.Proof, m.Report.Bounces[0].MessageID = bounce.Proof{}, "7@pc.invalid"
	if y := look(t, db, t0, Batch{Mails: []Mail{m}, Window: time.Hour}).Tallies; len(y) != 0 {
		t.Errorf("tallies %+v, want none", y)
	}
}

// TestMailsThatLeftAreForgotten: by their age, and by their number.
func TestMailsThatLeftAreForgotten(t *testing.T) {
	db := fresh(t)
	// As many as there may be, in blocks a second apart.
	if _, err := db.write.Exec(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 4)
		INSERT INTO sent (log, at, n, hashes) SELECT 'old', ?1 + i * 1000000, 500000, zeroblob(8192) FROM k`, t0.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	mustLog(t, db, t0.Add(time.Minute), left(1))
	if n := count(t, db, "SELECT count(*) FROM sent WHERE log = 'old'"); n != 3 {
		t.Errorf("%d blocks of those that are too many are left, want 3", n)
	}
	for i := range 3 { // few at a time make one row
		mustLog(t, db, t0.Add(time.Hour), left(2+i))
	}
	if n, ids := count(t, db, "SELECT count(*) FROM sent WHERE log = 'mx1'"), count(t, db, "SELECT n FROM sent WHERE log = 'mx1'"); n != 1 || ids != 4 || count(t, db, "SELECT length(hashes) FROM sent WHERE log = 'mx1'") != 32 {
		t.Errorf("%d rows with %d mails, want 1 with 4", n, ids)
	}
	later := t0.Add(sentFor + 2*time.Hour)
	if _, err := db.CommitLog(t.Context(), later, LogRead{Log: "mx2", Position: position(1), Events: []LogEvent{left(9)}}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT sum(n) FROM sent"); n != 1 {
		t.Errorf("%d mails are known after %v, want the one that left then", n, sentFor)
	}
}

// BenchmarkProveSent looks for one report among as many mails as are known.
func BenchmarkProveSent(b *testing.B) {
	db := fresh(b)
	block := make([]byte, 8*5000)
	s := uint64(1)
	for i := range sentMost / 5000 {
		for k := 0; k < len(block); k += 8 {
			s = s*6364136223846793005 + 1442695040888963407
			binary.LittleEndian.PutUint64(block[k:], s^s>>29)
		}
		if _, err := db.write.Exec("INSERT INTO sent (log, at, n, hashes) VALUES ('mx1', ?, 5000, ?)", t0.UnixMicro()+int64(i), block); err != nil {
			b.Fatal(err)
		}
	}
	m := refusal(1, "kim@example.net", t0)
	m.Report.Proof = bounce.Proof{}
	mustCommit(b, db, t0, Batch{Mails: []Mail{m}}, nothing)
	for b.Loop() {
		mustCommit(b, db, t0, Batch{}, nothing)
	}
}
