package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/checks/bounce"
	"reputed/internal/reliability"
	"reputed/probes"
)

func TestBounceComesBackAsItWasGiven(t *testing.T) {
	db := fresh(t)
	m := refusal(4711, "kim@example.net", t0)
	m.Report.Bounces[0] = bounce.Bounce{
		Action: bounce.Failed, Recipient: "kim@example.net", Domain: "example.net",
		Diagnostic: bounce.Diagnostic{Reply: "554", Status: "5.7.1", Text: "554 5.7.1 refused", Stage: "rcpt"},
		Judgement: bounce.Judgement{Category: bounce.Blocklist, Reputation: true, Temporary: true, Vendor: "Microsoft", Blocklist: "spamcop", Address: netip.MustParseAddr("192.0.2.10"),
			Domain: "example.org", URL: "https://example.net/why", Code: "S3140", Rule: "microsoft", Remedy: "microsoft"},
		RemoteHost: "mx.example.net", RemoteAddr: netip.MustParseAddr("2001:db8::25"), ReportingHost: "mx1.example.org", QueueID: "4TgXkR2x9zB", Source: netip.MustParseAddr("192.0.2.10"),
		MessageID: "1@mx1.example.org", Sender: "example.org", At: t0.Add(-time.Minute),
	}
	mustCommit(t, db, t0, Batch{Mails: []Mail{m}}, nothing)
	got, err := db.Bounces(t.Context(), BounceFilter{})
	want := []Bounce{{ID: 1, Place: m.Place, Target: "192.0.2.10", RecipientHash: db.recipientHash("kim@EXAMPLE.net", 7), Proof: m.Report.Proof, Bounce: m.Report.Bounces[0],
		First: t0.Add(-time.Minute), Tries: 1, Outcome: bounce.Failed}}
	want[0].Recipient = "@example.net"
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if open(t, filepath.Join(t.TempDir(), "reputed.db")).recipientHash("kim@example.net", 0) == want[0].RecipientHash {
		t.Error("two databases hash an address alike")
	}
}

func TestBouncesAreFiltered(t *testing.T) {
	db := fresh(t)
	other := refusal(2, "kim@example.net", t0.Add(time.Minute))
	other.Targets = []string{"192.0.2.11"}
	unproved := refusal(3, "kim@example.net", t0.Add(2*time.Minute))
	unproved.Report.Proof = bounce.Proof{}
	elsewhere := refusal(4, "kim@example.net", t0.Add(3*time.Minute))
	elsewhere.Place.Mailbox = "returns"
	now := t0.Add(time.Hour)
	f := listed("192.0.2.11", "Cisco Talos", t0)
	f.Key.Check = "bounce"
	id := mustCommit(t, db, now, Batch{Mails: []Mail{refusal(1, "kim@example.net", t0), other, unproved, elsewhere}}, opens(f, now))[0].Incident.ID
	for name, c := range map[string]struct {
		filter BounceFilter
		want   []int64
	}{
		"all, latest first": {BounceFilter{}, []int64{4, 3, 2, 1}},
		"limit":             {BounceFilter{Limit: 2}, []int64{4, 3}},
		"since":             {BounceFilter{Since: t0.Add(2 * time.Minute)}, []int64{4, 3}},
		"target":            {BounceFilter{Target: "192.0.2.11"}, []int64{2}},
		"mailbox":           {BounceFilter{Mailbox: "returns"}, []int64{4}},
		"counted":           {BounceFilter{Counted: true}, []int64{4, 2, 1}},
		"of an incident":    {BounceFilter{Incident: id, Limit: -1}, []int64{2}},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := db.Bounces(t.Context(), c.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, b := range all {
				got = append(got, b.ID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnparsedIsKeptAndShown(t *testing.T) {
	db := fresh(t)
	place := func(uid uint32) Place {
		return Place{Mailbox: "bounces", Position: probes.Position{UIDValidity: 7, UID: uid}, Received: t0}
	}
	without := Mail{Place: place(1), Report: bounce.Report{Kind: bounce.KindUnparsed, Trouble: "empty"}} // nothing to hash
	cut := Mail{Place: place(2), Size: 60 << 20, Report: bounce.Report{Kind: bounce.KindUnparsed, Hash: "h", Trouble: "a thousand\nnested parts", Subject: "\u202eReturned", Cut: true}}
	unread := without // its server gave not one byte of it
	unread.Place, unread.Report.Hash = place(3), fmt.Sprintf("%x", sha256.Sum256(nil))
	another := unread
	another.Place = place(4)
	mustCommit(t, db, t0, Batch{Mails: []Mail{without, cut, unread, another, without, cut, unread, another}}, nothing)
	got, n, err := db.Unparsed(t.Context(), 10)
	want := []Unparsed{
		{Place: place(4), Stored: t0, Trouble: "empty"},
		{Place: place(3), Stored: t0, Trouble: "empty"},
		{Place: place(2), Stored: t0, Size: 60 << 20, Cut: true, Trouble: "a thousand nested parts", Subject: "Returned"},
		{Place: place(1), Stored: t0, Trouble: "empty"},
	}
	if diff := cmp.Diff(want, got); err != nil || n != 4 || diff != "" {
		t.Errorf("%d, %v (-want +got):\n%s", n, err, diff)
	}
}

// TestWhatIsKnownOfAMailOnlyGrows is about a mailbox that is read again, by a
// version or with a configuration that knows more.
func TestWhatIsKnownOfAMailOnlyGrows(t *testing.T) {
	db := fresh(t)
	tally := func(m Mail) int {
		n := 0
		for _, y := range look(t, db, t0, Batch{Mails: []Mail{m}, Window: time.Hour}).Tallies {
			n += y.Refused
		}
		return n
	}
	unparsed := refusal(1, "kim@example.net", t0)
	unparsed.Report.Kind, unparsed.Report.Bounces, unparsed.Report.Trouble = bounce.KindUnparsed, nil, "odd"
	unproved := refusal(2, "kim@example.net", t0)
	unproved.Report.Hash, unproved.Report.Proof, unproved.Targets = unparsed.Report.Hash, bounce.Proof{}, nil
	proved := refusal(3, "kim@example.net", t0)
	proved.Report.Hash = unparsed.Report.Hash
	for i, step := range []struct {
		name string
		mail Mail
		want int
	}{{"not readable", unparsed, 0}, {"readable, without proof", unproved, 0}, {"with proof", proved, 1}, {"without proof again", unproved, 1}, {"not readable again", unparsed, 1}} {
		if got := tally(step.mail); got != step.want {
			t.Errorf("step %d, %s: %d refusals count, want %d", i, step.name, got, step.want)
		}
	}
	if _, n, err := db.Unparsed(t.Context(), 0); err != nil || n != 0 {
		t.Errorf("%d mails are unparsed, %v", n, err)
	}
	if all, err := db.Bounces(t.Context(), BounceFilter{}); err != nil || len(all) != 1 || !all[0].Proof.Proved() || all[0].Place.Position.UID != 1 {
		t.Errorf("bounces = %+v, %v, want one, proved, at the place where it was met last", all, err)
	}
}

func TestRecipientsWithoutANameAreToldApart(t *testing.T) {
	db := fresh(t)
	m := refusal(1, "", t0)
	m.Report.Bounces = append(m.Report.Bounces, m.Report.Bounces[0])
	m.Targets = []string{"192.0.2.10", "192.0.2.10"}
	for range 2 {
		mustCommit(t, db, t0, Batch{Mails: []Mail{m}}, nothing)
	}
	if n := count(t, db, "SELECT count(*) FROM bounces"); n != 2 {
		t.Errorf("%d bounces, want 2", n)
	}
}

func TestFullDisk(t *testing.T) {
	db := fresh(t)
	pages := count(t, db, "PRAGMA page_count")
	// SQLite answers as it does on a full disk once the file may not grow.
	if _, err := db.write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	var mails []Mail
	for uid := range uint32(500) {
		mails = append(mails, refusal(uid+1, "kim@example.net", t0))
	}
	b := Batch{Mails: mails, Read: readTo(500)}
	if _, err := db.Commit(t.Context(), t0, b, nothing); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "free some space") {
		t.Fatalf("err = %v, want ErrFull that says what to do", err)
	}
	if p, err := db.Position(t.Context(), "bounces"); err != nil || p != (probes.Position{}) {
		t.Errorf("position = %v, %v, want none", p, err)
	}
	kept := count(t, db, "SELECT count(*) FROM bounces")
	if kept != 0 {
		t.Errorf("%d bounces of a batch that was refused", kept)
	}
	if _, err := db.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, db, t0, b, nothing)
	n := count(t, db, "SELECT count(*) FROM bounces")
	if n != 500 {
		t.Errorf("once there is space: %d bounces, want 500", n)
	}
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "the disk is full, then has space again", Tries: 500, Unit: "mails",
		Promised: "all or nothing of a batch, each mail once", Seen: fmt.Sprintf("%d kept while full, %d after", kept, n)})
}

func TestMask(t *testing.T) {
	recipients := []string{"Kim.Doe@example.net", "\"a b\"@example.com"}
	for in, want := range map[string]string{
		"550 <kim.doe@EXAMPLE.net>: no":             "550 <…@example.net>: no",
		"to=kim.doe@example.net, relay=x":           "to=…@example.net, relay=x",
		"bounce-kim.doe=example.net@mx.example.org": "bounce-…=…@mx.example.org",
		"kim.doe%40example.net":                     "…%40example.net",
		"\"a b\"@example.com is full":               "…@example.com is full",
		"forward lee@home.example.org failed":       "forward …@home.example.org failed",
		"two\r\nlines\x1b[31m":                      "two lines [31m",
		"no address @ all":                          "no address @ all",
	} {
		if got := mask(in, 200, recipients); got != want {
			t.Errorf("mask(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzMask: whatever stands around it, and in whatever case, a recipient never comes through.
func FuzzMask(f *testing.F) {
	f.Add("550 <", "kim.doe@example.net", ">: user unknown")
	f.Add("a=", "KIM@EXAMPLE.NET", "=b@c.example")
	f.Add("", "a+b@example.com", "@example.com")
	f.Fuzz(func(t *testing.T, before, recipient, after string) {
		local, domain, ok := cutAddress(recipient)
		if !ok || len(local) < 3 || len(domain) < 3 || strings.ContainsAny(recipient, "…\ufffd") || strings.ContainsFunc(recipient, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Skip()
		}
		got := mask(before+recipient+after, 0, []string{recipient})
		if strings.Contains(strings.ToLower(got), strings.ToLower(recipient)) {
			t.Errorf("mask(%q) = %q, which holds %q", before+recipient+after, got, recipient)
		}
	})
}

// BenchmarkCommit is one batch of a thousand bounces, on a database that
// holds a day of them.
func BenchmarkCommit(b *testing.B) {
	db := fresh(b)
	uid := uint32(0)
	batch := func() Batch {
		var mails []Mail
		for range 1000 {
			uid++
			m := refusal(uid, fmt.Sprintf("user%d@example.net", uid), t0)
			m.Report.Bounces[0].Domain = fmt.Sprintf("receiver%d.example", uid%50)
			mails = append(mails, m)
		}
		return Batch{Mails: mails, Read: readTo(uid), Window: 24 * time.Hour}
	}
	for range 10 {
		mustCommit(b, db, t0, batch(), nothing)
	}
	for b.Loop() {
		b.StopTimer()
		next := batch()
		b.StartTimer()
		mustCommit(b, db, t0, next, nothing)
	}
}

// BenchmarkTick is a commit that brings nothing, while 20,000 refusals are in
// the window and an incident of 1,000 members is open.
func BenchmarkTick(b *testing.B) {
	db := fresh(b)
	var mails []Mail
	for uid := range uint32(20_000) {
		m := refusal(uid+1, fmt.Sprintf("user%d@example.net", uid), t0)
		m.Report.Bounces[0].Domain = fmt.Sprintf("receiver%d.example", uid%50)
		mails = append(mails, m)
	}
	d := opens(listed("192.0.2.10", "spamcop", t0), t0)(Situation{})
	in := &d.Changes[0].Incident
	for i := range 1000 {
		in.Members = append(in.Members, incident(listed(fmt.Sprintf("198.51.%d.%d", i/250, i%250), "spamcop", t0), t0).Members...)
	}
	mustCommit(b, db, t0, Batch{Mails: mails}, one(d))
	for b.Loop() {
		mustCommit(b, db, t0, Batch{Window: 24 * time.Hour}, nothing)
	}
}
