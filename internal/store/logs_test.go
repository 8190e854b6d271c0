package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks/bounce"
	"reputed/checks/bounce/maillog"
	"reputed/probes"
)

// logged is an event of the log of mx1 about a message to kim@example.net.
func logged(action bounce.Action, at time.Time, change ...func(*LogEvent)) LogEvent {
	e := LogEvent{Target: "192.0.2.10", Event: maillog.Event{Tag: "postfix/smtp", Final: action != bounce.Delayed}}
	e.Bounce = bounce.Bounce{Action: action, Recipient: "kim@example.net", Domain: "example.net", At: at, ReportingHost: "mx1", QueueID: "4TgXkR2x9zB", Sender: "example.org"}
	if action != bounce.Delivered {
		e.Diagnostic = bounce.Diagnostic{Reply: "554", Text: "554 poor reputation of kim@example.net"}
		e.Judgement = bounce.Judgement{Category: bounce.IPReputation, Reputation: true, Vendor: "Cisco Talos", Rule: "cisco-banner"}
	}
	for _, f := range change {
		f(&e)
	}
	return e
}

func queue(id string) func(*LogEvent) { return func(e *LogEvent) { e.QueueID = id } }

// because makes an event one of another category.
func because(c bounce.Category) func(*LogEvent) {
	return func(e *LogEvent) {
		e.Judgement = bounce.Judgement{Category: c, Reputation: c.Reputation(), Rule: "x"}
		e.Diagnostic.Text = "4.4.1 " + string(c)
	}
}

func position(n int64) probes.LogPosition { return probes.LogPosition{Inode: 7, Offset: n} }

func mustLog(t testing.TB, db *DB, now time.Time, events ...LogEvent) []int {
	t.Helper()
	fresh, err := db.CommitLog(t.Context(), now, LogRead{Log: "mx1", Position: position(now.UnixNano()), Events: events})
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

// TestOneRefusalForEachMessage: however often a message is tried, and by whichever way
// its end is heard of.
func TestOneRefusalForEachMessage(t *testing.T) {
	at := func(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }
	to := func(recipient string) func(*LogEvent) {
		return func(e *LogEvent) { e.Recipient = recipient }
	}
	for name, c := range map[string]struct {
		events []LogEvent
		want   string // action, tries, outcome of each row that counts
		fresh  string // indexes of what is news
	}{
		"tries of one message are one deferral":       {[]LogEvent{logged(bounce.Delayed, at(0)), logged(bounce.Delayed, at(5)), logged(bounce.Delayed, at(15))}, "delayed 3 delayed", "[0]"},
		"a deferral that ends refused is one refusal": {[]LogEvent{logged(bounce.Delayed, at(0)), logged(bounce.Failed, at(5))}, "failed 2 failed", "[0 1]"},
		"a deferral that ends delivered was one":      {[]LogEvent{logged(bounce.Delayed, at(0)), logged(bounce.Delivered, at(5))}, "delayed 1 delivered", "[0]"},
		"it expires for what it waited for":           {[]LogEvent{logged(bounce.Delayed, at(0)), logged(bounce.Failed, at(5), because(bounce.System))}, "failed 2 failed", "[0 1]"},
		"an unknown recipient is nobody's reputation": {[]LogEvent{logged(bounce.Delayed, at(0)), logged(bounce.Failed, at(5), because(bounce.RecipientFault))}, "delayed 2 failed", "[0]"},
		"a network that is down is no reputation":     {[]LogEvent{logged(bounce.Delayed, at(0), because(bounce.Network)), logged(bounce.Delayed, at(5), because(bounce.Network))}, "", "[]"},
		"waits for the network, then is refused":      {[]LogEvent{logged(bounce.Delayed, at(0), because(bounce.Network)), logged(bounce.Failed, at(5))}, "failed 1 failed", "[1]"},
		"is deferred, then waits for the network":     {[]LogEvent{logged(bounce.Delayed, at(0)), logged(bounce.Delayed, at(5), because(bounce.Network))}, "delayed 2 delayed", "[0]"},
		"recipients of one message are told apart":    {[]LogEvent{logged(bounce.Failed, at(0)), logged(bounce.Failed, at(0), to("lee@example.net"))}, "failed 1 failed, failed 1 failed", "[0 1]"},
		"messages are told apart":                     {[]LogEvent{logged(bounce.Failed, at(0)), logged(bounce.Failed, at(0), queue("other"))}, "failed 1 failed, failed 1 failed", "[0 1]"},
		"one line that is read twice":                 {[]LogEvent{logged(bounce.Failed, at(0)), logged(bounce.Failed, at(0))}, "failed 1 failed", "[0]"},
		"a queue id that is given again":              {[]LogEvent{logged(bounce.Failed, at(0)), logged(bounce.Failed, at(60))}, "failed 1 failed, failed 1 failed", "[0 1]"},
		"before a recipient was named":                {[]LogEvent{logged(bounce.Delayed, at(0), to("")), logged(bounce.Failed, at(0))}, "failed 2 failed", "[0 1]"},
		"the next host takes it":                      {[]LogEvent{logged(bounce.Delayed, at(0), to("")), logged(bounce.Delivered, at(0))}, "delayed 1 delivered", "[0]"},
		"laid at nobody it counts against nobody":     {[]LogEvent{logged(bounce.Failed, at(0), func(e *LogEvent) { e.Target = "" })}, "", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, cut := range []bool{false, true} { // in one read, or each line in one of its own
				db := fresh(t)
				news := []int{}
				if cut {
					for i, e := range c.events {
						if len(mustLog(t, db, at(100), e)) > 0 {
							news = append(news, i)
						}
					}
				} else {
					news = append(news, mustLog(t, db, at(100), c.events...)...)
				}
				all, err := db.Bounces(t.Context(), BounceFilter{Counted: true})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, b := range all {
					got = append(got, fmt.Sprintf("%s %d %s", b.Action, b.Tries, b.Outcome))
				}
				if strings.Join(got, ", ") != c.want || fmt.Sprint(news) != c.fresh {
					t.Errorf("cut %v: rows %q, news %v; want %q, %s", cut, got, news, c.want, c.fresh)
				}
				tallied := 0
				for _, y := range look(t, db, at(100), Batch{Window: 24 * time.Hour}).Tallies {
					tallied += y.Refused + y.Deferred
				}
				if tallied != len(got) {
					t.Errorf("cut %v: %d tallied of %d rows", cut, tallied, len(got))
				}
			}
		})
	}
}

// TestALogAndAMailAreOneRefusal: in either order, and the log proves the mail.
func TestALogAndAMailAreOneRefusal(t *testing.T) {
	mail := func(change func(*bounce.Bounce)) Mail {
		m := refusal(1, "kim@example.net", t0.Add(time.Minute))
		m.Report.Proof = bounce.Proof{}
		m.Report.Bounces[0].ReportingHost, m.Report.Bounces[0].QueueID = "mx1.example.org", "4TgXkR2x9zB"
		if change != nil {
			change(&m.Report.Bounces[0])
		}
		return m
	}
	id := func(e *LogEvent) { e.MessageID = "1@mx1.example.org" }
	for name, c := range map[string]struct {
		mail   Mail
		events []LogEvent
		want   string // counted rows, and whether the mail is proved
	}{
		"the same queue id":                   {mail(nil), []LogEvent{logged(bounce.Failed, t0)}, "failed; proved"},
		"the same Message-ID":                 {mail(func(b *bounce.Bounce) { b.QueueID = "" }), []LogEvent{logged(bounce.Failed, t0, id)}, "failed; proved"},
		"a queue id of another host":          {mail(func(b *bounce.Bounce) { b.ReportingHost = "mx2.example.org" }), []LogEvent{logged(bounce.Failed, t0)}, "failed; not proved"},
		"another recipient":                   {mail(func(b *bounce.Bounce) { b.Recipient = "lee@example.net" }), []LogEvent{logged(bounce.Failed, t0)}, "failed; not proved"},
		"the log deferred, the mail gives up": {mail(nil), []LogEvent{logged(bounce.Delayed, t0)}, "failed; proved"},
		"the log says nothing of the reason":  {mail(nil), []LogEvent{logged(bounce.Failed, t0, because(bounce.Other))}, "failed; proved"},
		"a delay notice about what ended":     {mail(func(b *bounce.Bounce) { b.Action = bounce.Delayed }), []LogEvent{logged(bounce.Failed, t0)}, "failed; proved"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, logFirst := range []bool{true, false} {
				db := fresh(t)
				if logFirst {
					mustLog(t, db, t0.Add(time.Hour), c.events...)
				}
				for range 2 { // the second time is of a mailbox that was renumbered
					mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: []Mail{c.mail}}, nothing)
				}
				if !logFirst {
					mustLog(t, db, t0.Add(time.Hour), c.events...)
				}
				mustCommit(t, db, t0.Add(time.Hour), Batch{Mails: []Mail{c.mail}}, nothing)
				all, err := db.Bounces(t.Context(), BounceFilter{Counted: true})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, b := range all {
					got = append(got, string(b.Action))
					if b.Log != "mx1" || b.Via() != "log mx1, queue id 4TgXkR2x9zB" || b.Proof.Kind != bounce.ByLog || strings.Contains(b.Diagnostic.Text, "kim@") {
						t.Errorf("log first %v: the row that counts is %+v", logFirst, b)
					}
				}
				proved := "not proved"
				if count(t, db, "SELECT count(*) FROM mails WHERE proof = 'log'") == 1 {
					proved = "proved"
				}
				if said := strings.Join(got, ", ") + "; " + proved; said != c.want {
					t.Errorf("log first %v: %s, want %s", logFirst, said, c.want)
				}
				y := look(t, db, t0.Add(time.Hour), Batch{Window: 24 * time.Hour}).Tallies
				if len(y) != 1 || y[0].Refused != 1 || y[0].Deferred != 0 || y[0].Category != bounce.IPReputation {
					t.Errorf("log first %v: tallies %+v, want one refusal", logFirst, y)
				}
			}
		})
	}
}

func TestOneRecipientThatALogKnowsProvesTheWholeReport(t *testing.T) {
	for _, logFirst := range []bool{true, false} {
		db := fresh(t)
		m := refusal(1, "kim@example.net", t0)
		m.Report.Proof = bounce.Proof{}
		m.Report.Bounces[0].QueueID = "4TgXkR2x9zB"
		other := m.Report.Bounces[0]
		other.Recipient = "max@example.com"
		m.Report.Bounces, m.Targets = append([]bounce.Bounce{other}, m.Report.Bounces...), []string{"192.0.2.10", "192.0.2.10"}
		if logFirst {
			mustLog(t, db, t0, logged(bounce.Failed, t0))
		}
		mustCommit(t, db, t0, Batch{Mails: []Mail{m}}, nothing)
		if !logFirst {
			mustLog(t, db, t0, logged(bounce.Failed, t0))
		}
		if n := count(t, db, "SELECT count(*) FROM bounces WHERE counted"); n != 2 {
			t.Errorf("log first %v: %d refusals count, want that of the log and the other recipient's", logFirst, n)
		}
	}
}

func TestTrafficAndAcceptance(t *testing.T) {
	db := fresh(t)
	at := func(minutes int) time.Time { return t0.Truncate(time.Hour).Add(time.Duration(minutes) * time.Minute) }
	domain := func(e *LogEvent) { e.Domain = "example.org" }
	now := at(180)
	mustLog(t, db, now, logged(bounce.Delivered, at(5), queue("a")), logged(bounce.Failed, at(10), queue("b")), logged(bounce.Delayed, at(61), queue("c")),
		logged(bounce.Delivered, at(62), queue("d"), domain), logged(bounce.Delivered, at(130), queue("c")))
	s := look(t, db, now, Batch{Window: 24 * time.Hour, About: []string{"example.org"}})
	var got []string
	for _, h := range s.Hours {
		got = append(got, fmt.Sprintf("%s %s %d: %d/%d/%d", h.Target, h.Receiver, int(h.At.Sub(at(0)).Hours()), h.Delivered, h.Deferred, h.Refused))
	}
	want := []string{
		"192.0.2.10  0: 1/0/1", "192.0.2.10  1: 1/1/0", "192.0.2.10  2: 1/0/0", "example.org  1: 1/0/0",
		"192.0.2.10 example.net 0: 1/0/1", "192.0.2.10 example.net 1: 1/1/0", "192.0.2.10 example.net 2: 1/0/0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hours (-want +got):\n%s", diff)
	}
	wantAccepted := []bounce.Acceptance{{Target: "192.0.2.10", Receiver: "example.net", Refused: at(61), First: at(62), Last: at(130), Accepted: 2}}
	if diff := cmp.Diff(wantAccepted, s.Acceptances); diff != "" {
		t.Errorf("acceptances (-want +got):\n%s", diff)
	}
	mustLog(t, db, now, logged(bounce.Failed, at(140), queue("e")))
	s = look(t, db, now, Batch{Window: 24 * time.Hour})
	wantAccepted = []bounce.Acceptance{{Target: "192.0.2.10", Receiver: "example.net", Refused: at(140)}}
	if diff := cmp.Diff(wantAccepted, s.Acceptances); diff != "" {
		t.Errorf("after one more refusal (-want +got):\n%s", diff)
	}
}

func TestHowALogStands(t *testing.T) {
	db := fresh(t)
	if l, err := db.Log(t.Context(), "mx1"); err != nil || l.Name != "mx1" || l.Position != (probes.LogPosition{}) {
		t.Fatalf("a log that was never read: %+v, %v", l, err)
	}
	for i, r := range []LogRead{
		{Log: "mx1", Position: position(10), State: []byte("{}"), Lines: 3, Mail: 2, Unread: 1, Gap: "rotated away twice\x1b[0m"},
		{Log: "mx1", Position: position(20), Lines: 2, Events: []LogEvent{logged(bounce.Delivered, t0)}},
	} {
		if _, err := db.CommitLog(t.Context(), t0.Add(time.Duration(i)*time.Hour), r); err != nil {
			t.Fatal(err)
		}
		if l, err := db.Log(t.Context(), "mx1"); err != nil || l.Upto.IsZero() != (i == 0) {
			t.Errorf("after read %d the latest event is of %v: %v", i, l.Upto, err)
		}
		// What tells no event takes nothing back.
		if _, err := db.CommitLog(t.Context(), t0.Add(time.Duration(i)*time.Hour), LogRead{Log: "mx1", Position: r.Position}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.SetLogState(t.Context(), "mx1", t0, fmt.Errorf("gone")); err != nil {
		t.Fatal(err)
	}
	want := []Log{{Name: "mx1", Position: position(20), ReadAt: t0.Add(time.Hour), Began: t0, Upto: t0, Lines: 5, Mail: 2, Told: 1, Unread: 1, Gap: "rotated away twice [0m", GapAt: t0, Since: t0, Seen: t0, Trouble: "gone"}}
	got, err := db.Logs(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestMigrationKeepsWhatFirstVersionsHad: refusals and complaints of a database that knew
// of mails only.
func TestMigrationKeepsWhatFirstVersionsHad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	write, err := pool(dsn(path, "_txlock=immediate"), 1)
	if err != nil {
		t.Fatal(err)
	}
	old, err := (&DB{write: write}).provider()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	at := t0.UnixMicro()
	for _, q := range []string{
		`INSERT INTO mails VALUES (7, 'h1', 'bounces', 7, 1, ?1, ?1, 2048, 0, 'bounce', 'own-mta', 'written by mx1', '', '', 'r1', NULL),
			(8, 'h2', 'bounces', 7, 2, ?1, ?1, 2048, 0, 'complaint', 'message-id', 'x', '', '', 'r2', '{"Type":"abuse","Source":"192.0.2.10","Reporter":"SpamCop"}')`,
		`INSERT INTO bounces VALUES (41, 7, 'hash', 0, ?1, '192.0.2.10', 1, 'failed', 'example.net', '554', '5.7.1', '554 no', 'rcpt', 'ip-reputation', 1, 0, 'Cisco Talos', '', '', '', '', '', 'cisco', '',
			'mx.example.net', '', 'mx1.example.org', '192.0.2.10', '1@mx1.example.org', 'example.org'),
			(42, 7, 'other', 1, ?1, '', 0, 'delayed', 'example.net', '', '', '', '', 'other', 0, 1, '', '', '', '', '', '', 'none', '', '', '', '', '', '', '')`,
	} {
		if _, err := write.ExecContext(t.Context(), q, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	integrity(t, db)
	all, err := db.Bounces(t.Context(), BounceFilter{})
	if err != nil || len(all) != 2 {
		t.Fatalf("%d bounces, %v, want 2", len(all), err)
	}
	if b := all[1]; b.ID != 41 || b.Target != "192.0.2.10" || b.Tries != 1 || b.Outcome != bounce.Failed || !b.First.Equal(t0) || !b.At.Equal(t0) || b.Judgement.Rule != "cisco" || b.Via() != "mailbox bounces, UID 1" {
		t.Errorf("bounce %+v", b)
	}
	s := look(t, db, t0, Batch{Window: time.Hour})
	if len(s.Tallies) != 1 || s.Tallies[0].Refused != 1 || len(s.Complaints) != 1 || s.Complaints[0].Target != "192.0.2.10" || s.Complaints[0].Sample.Reporter != "SpamCop" {
		t.Errorf("tallies %+v, complaints %+v", s.Tallies, s.Complaints)
	}
	mustLog(t, db, t0, logged(bounce.Failed, t0, func(e *LogEvent) { e.MessageID = "1@mx1.example.org" }))
	if n := count(t, db, "SELECT max(id) FROM bounces"); n != 43 {
		t.Errorf("the next row has id %d, want 43: no id is given twice", n)
	}
}
