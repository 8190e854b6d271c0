package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reputed/checks/bounce"
)

// notice is a proved report of one message to kim@example.net, named by queue id and Message-ID.
func notice(uid int, action bounce.Action, at time.Time, queueID, messageID string) Mail {
	m := refusal(uint32(uid), "kim@example.net", at)
	b := &m.Report.Bounces[0]
	b.Action, b.ReportingHost, b.QueueID, b.MessageID = action, "mx1.example.org", queueID, messageID
	return m
}

// TestReportsOfOneMessageAreOneRefusal where no log is read, in every order of two.
func TestReportsOfOneMessageAreOneRefusal(t *testing.T) {
	const q, id = "4TgXkR2x9zB", "1@mx1.example.org"
	day := func(n int) time.Time { return t0.Add(time.Duration(n) * 24 * time.Hour) }
	with := func(m Mail, f func(*Mail, *bounce.Bounce)) Mail { f(&m, &m.Report.Bounces[0]); return m }
	about := func(c bounce.Category) func(*Mail, *bounce.Bounce) {
		return func(_ *Mail, b *bounce.Bounce) {
			b.Judgement = bounce.Judgement{Category: c, Reputation: c.Reputation(), Rule: "x"}
		}
	}
	late := func() Mail { return notice(1, bounce.Delayed, day(1), q, id) }
	for name, c := range map[string]struct {
		a, b Mail
		want string // refused/deferred
	}{
		"late, then given up":                     {late(), notice(2, bounce.Failed, day(4), q, id), "1/0"},
		"late every day":                          {late(), notice(2, bounce.Delayed, day(2), q, id), "0/1"},
		"the same by two ways":                    {notice(1, bounce.Failed, day(1), q, id), notice(2, bounce.Failed, day(1), q, id), "1/0"},
		"known by the queue id alone":             {notice(1, bounce.Delayed, day(1), q, ""), notice(2, bounce.Failed, day(4), q, id), "1/0"},
		"known by the Message-ID alone":           {notice(1, bounce.Delayed, day(1), "", id), notice(2, bounce.Failed, day(4), q, id), "1/0"},
		"the next host in line gives up":          {late(), with(notice(2, bounce.Failed, day(4), "other", id), func(_ *Mail, b *bounce.Bounce) { b.ReportingHost = "mx2.example.org" }), "1/0"},
		"given up for what it waited for":         {late(), with(notice(2, bounce.Failed, day(4), q, id), about(bounce.System)), "1/0"},
		"at last the recipient is not known":      {late(), with(notice(2, bounce.Failed, day(4), q, id), about(bounce.RecipientFault)), "0/1"},
		"late for the network, then refused":      {with(late(), about(bounce.Network)), notice(2, bounce.Failed, day(4), q, id), "1/0"},
		"another message":                         {late(), notice(2, bounce.Failed, day(4), "other", "2@mx1.example.org"), "1/1"},
		"another recipient":                       {late(), with(notice(2, bounce.Failed, day(4), q, id), func(_ *Mail, b *bounce.Bounce) { b.Recipient = "lee@example.net" }), "1/1"},
		"a queue id of another host":              {notice(1, bounce.Delayed, day(1), q, ""), with(notice(2, bounce.Failed, day(4), q, ""), func(_ *Mail, b *bounce.Bounce) { b.ReportingHost = "mx2.example.org" }), "1/1"},
		"a queue id that is given again":          {late(), notice(2, bounce.Failed, day(4), q, "2@mx1.example.org"), "1/1"},
		"too far apart to be one":                 {late(), notice(2, bounce.Failed, day(20), q, id), "1/1"},
		"one without proof changes nothing":       {late(), with(notice(2, bounce.Failed, day(4), q, id), func(m *Mail, _ *bounce.Bounce) { m.Report.Proof = bounce.Proof{} }), "0/1"},
		"neither queue id nor Message-ID is told": {notice(1, bounce.Delayed, day(1), "", ""), notice(2, bounce.Failed, day(4), "", ""), "1/1"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, mails := range [][]Mail{{c.a, c.b}, {c.b, c.a}} {
				db := fresh(t)
				for range 2 { // the second time as after a renumbering
					for _, m := range mails {
						mustCommit(t, db, day(21), Batch{Mails: []Mail{m}}, nothing)
					}
				}
				refused, deferred := 0, 0
				for _, y := range look(t, db, day(21), Batch{Window: 30 * 24 * time.Hour}).Tallies {
					refused, deferred = refused+y.Refused, deferred+y.Deferred
				}
				if got := fmt.Sprintf("%d/%d", refused, deferred); got != c.want {
					t.Errorf("%s first: tallied %s, want %s", mails[0].Report.Hash, got, c.want)
				}
				counted, err := db.Bounces(t.Context(), BounceFilter{Counted: true})
				if err != nil || len(counted) != refused+deferred {
					t.Errorf("%s first: %d rows count, %v", mails[0].Report.Hash, len(counted), err)
				}
				told := 0
				if err := db.EachDiagnostic(t.Context(), time.Time{}, func(bounce.Bounce) error { told++; return nil }); err != nil || told > 2 || c.want != "1/1" && name[:3] != "one" && told != 1 {
					t.Errorf("%s first: %d diagnostics, %v", mails[0].Report.Hash, told, err)
				}
			}
		})
	}
}

// TestProofThatComesLaterJoins: a mailbox was renumbered, and now its hosts are configured.
func TestProofThatComesLaterJoins(t *testing.T) {
	db := fresh(t)
	a, b := notice(1, bounce.Delayed, t0, "4TgXkR2x9zB", "1@mx1.example.org"), notice(2, bounce.Failed, t0.Add(time.Hour), "4TgXkR2x9zB", "1@mx1.example.org")
	proof := b.Report.Proof
	b.Report.Proof = bounce.Proof{}
	mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: []Mail{a, b}}, nothing)
	b.Report.Proof = proof
	mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: []Mail{b}}, nothing)
	if n := count(t, db, "SELECT count(*) FROM bounces WHERE counted AND action = 'failed'"); n != 1 || count(t, db, "SELECT count(*) FROM bounces WHERE counted") != 1 {
		t.Errorf("%d refusals count, want one", n)
	}
}

// TestWhatIsToldInAnyOrderIsOneRefusal is invariant 4 of the design for messages of which a
// log, delay notices and bounces tell, some of them twice, in any order.
func TestWhatIsToldInAnyOrderIsOneRefusal(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		db, err := Open(context.Background(), filepath.Join(dir, "reputed.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close(); _ = os.RemoveAll(dir) }()
		type news struct {
			mail Mail
			line LogEvent
		}
		var all []news
		want := map[bounce.Action]int{}
		first, last := map[string]time.Time{}, map[string]time.Time{}
		logs := 0
		for msg := range rapid.IntRange(1, 3).Draw(t, "messages") {
			q, id := fmt.Sprintf("4B%05dz", msg), fmt.Sprintf("%d@example.org", msg)
			rep, gaveUp := false, false
			begun := len(all)
			notices := rapid.IntRange(1, 4).Draw(t, "notices")
			for k := range notices {
				at := t0.Add(time.Duration(k) * 24 * time.Hour)
				action := bounce.Delayed
				if k == notices-1 && rapid.Bool().Draw(t, "given up") {
					action = bounce.Failed
				}
				m := notice(len(all)+1, action, at, q, id)
				b := &m.Report.Bounces[0]
				switch rapid.SampledFrom([]string{"both", "queue id", "Message-ID"}).Draw(t, "names") {
				case "queue id":
					b.MessageID = ""
				case "Message-ID":
					b.QueueID = ""
				}
				if k == 0 {
					b.QueueID, b.MessageID = q, id // what holds the others together
				}
				if rapid.IntRange(0, 2).Draw(t, "why") == 0 {
					b.Judgement = bounce.Judgement{Category: bounce.Network, Rule: "x"}
				}
				if b.Judgement.Reputation {
					if !rep {
						first[id] = at
					}
					rep, last[id] = true, at
				}
				gaveUp = gaveUp || action == bounce.Failed
				all = append(all, news{mail: m})
				if rapid.Bool().Draw(t, "by a second way") {
					m.Report.Hash, m.Place.Mailbox = m.Report.Hash+" as it came to the spool", "spool"
					all = append(all, news{mail: m})
				}
			}
			if rapid.Bool().Draw(t, "in the log") {
				e := logged(bounce.Delayed, t0, queue(q))
				e.MessageID = id
				all, rep = append(all, news{line: e}), true
				logs++
				for i := range all[begun:] { // which then is all the proof there is
					all[begun+i].mail.Report.Proof = bounce.Proof{}
				}
			}
			switch {
			case rep && gaveUp:
				want[bounce.Failed]++
			case rep:
				want[bounce.Delayed]++
			}
		}
		now := t0.Add(5 * 24 * time.Hour)
		for i, x := range rapid.Permutation(all).Draw(t, "order") {
			if x.line.QueueID != "" {
				_, err = db.CommitLog(context.Background(), now, LogRead{Log: "mx1", Position: position(int64(i)), Events: []LogEvent{x.line}})
			} else {
				_, err = db.Commit(context.Background(), now, Batch{Mails: []Mail{x.mail}}, nothing)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		counted, err := db.Bounces(context.Background(), BounceFilter{Counted: true})
		if err != nil {
			t.Fatal(err)
		}
		got := map[bounce.Action]int{}
		fromLog := 0
		for _, b := range counted {
			got[b.Action]++
			switch {
			case b.Log != "":
				fromLog++
			case !b.First.Equal(first[b.MessageID]) && b.MessageID != "", !b.At.Equal(last[b.MessageID]) && b.MessageID != "":
				t.Fatalf("%s was refused from %v to %v, the truth is %v to %v", b.MessageID, b.First, b.At, first[b.MessageID], last[b.MessageID])
			}
		}
		if got[bounce.Failed] != want[bounce.Failed] || got[bounce.Delayed] != want[bounce.Delayed] || fromLog != logs {
			t.Fatalf("counted %v, %d by the log, the truth is %v, %d", got, fromLog, want, logs)
		}
		var refused, deferred int
		if err := db.read.QueryRowContext(context.Background(), "SELECT coalesce(sum(refused), 0), coalesce(sum(deferred), 0) FROM traffic WHERE domain = '*'").Scan(&refused, &deferred); err != nil {
			t.Fatal(err)
		}
		failedLogged := 0
		for _, b := range counted {
			if b.Log != "" && b.Action == bounce.Failed {
				failedLogged++
			}
		}
		if refused != failedLogged || deferred != logs {
			t.Fatalf("traffic has %d refused and %d deferred, the log %d and %d", refused, deferred, failedLogged, logs)
		}
	})
}
