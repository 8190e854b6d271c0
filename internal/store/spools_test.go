package store

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/checks/bounce"
	"reputed/probes"
)

func TestSpoolMarksAreKeptWithTheirMails(t *testing.T) {
	db := fresh(t)
	m := refusal(0, "kim@example.net", t0)
	m.Place = Place{Mailbox: "local", Spool: "1764.M1P2.mx1"}
	unread := Mail{Place: Place{Mailbox: "local", Spool: "2.link"}, Report: bounce.Report{Kind: bounce.KindUnparsed, Trouble: "it is no regular file"}}
	another := unread
	another.Place.Spool = "3.link"
	commit := func(mails []Mail, b probes.SpoolBatch) {
		t.Helper()
		mustCommit(t, db, t0, Batch{Mails: mails, Spools: map[string]probes.SpoolBatch{"local": b}}, nothing)
	}
	commit([]Mail{m, unread, another}, probes.SpoolBatch{Seen: []int64{1, -2, 3}})
	commit([]Mail{m}, probes.SpoolBatch{Seen: []int64{4}, Gone: []int64{-2, 77}})
	commit(nil, probes.SpoolBatch{Gone: []int64{3}})
	mustCommit(t, db, t0, Batch{Spools: map[string]probes.SpoolBatch{"mbox": {Mbox: probes.MboxMark{Offset: 9e9, Last: 3, Sum: "ab"}}}}, nothing)
	for name, want := range map[string]probes.SpoolMark{
		"local": {Seen: map[int64]struct{}{1: {}, 4: {}}},
		"mbox":  {Seen: map[int64]struct{}{}, Mbox: probes.MboxMark{Offset: 9e9, Last: 3, Sum: "ab"}},
		"never": {Seen: map[int64]struct{}{}},
	} {
		got, err := db.SpoolMark(t.Context(), name)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	got, err := db.Bounces(t.Context(), BounceFilter{})
	if err != nil || len(got) != 1 || got[0].Place.String() != "spool local, 1764.M1P2.mx1" {
		t.Errorf("%v: %+v", err, got)
	}
	notRead, total, err := db.Unparsed(t.Context(), 0)
	if err != nil || total != 2 || notRead[1].Place.Spool != "2.link" {
		t.Errorf("%v: %d mails without content, want one for each place: %+v", err, total, notRead)
	}
	boxes, err := db.Mailboxes(t.Context(), t0.Add(-time.Hour))
	if diff := cmp.Diff([]Mailbox{{Name: "local", ReadAt: t0, Watched: t0, Proved: 1}, {Name: "mbox", ReadAt: t0, Watched: t0}}, boxes, cmpopts.IgnoreFields(Mailbox{}, "Seen", "Since")); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestEachDiagnosticIsWhatRulesJudgeBy(t *testing.T) {
	db := fresh(t)
	old, young, success := refusal(1, "kim@example.net", t0), refusal(2, "lee@example.net", t0.Add(time.Hour)), refusal(3, "sam@example.net", t0.Add(time.Hour))
	young.Report.Bounces[0].Diagnostic = bounce.Diagnostic{Reply: "554", Status: "5.7.1", Text: "554 5.7.1 <lee@example.net> refused", Stage: "rcpt"}
	young.Report.Bounces[0].RemoteHost = "mx.example.net"
	success.Report.Bounces[0].Action = bounce.Delivered
	mustCommit(t, db, t0.Add(2*time.Hour), Batch{Mails: []Mail{young, success, old}}, nothing)
	read := func(since time.Time) (all []bounce.Bounce) {
		t.Helper()
		if err := db.EachDiagnostic(t.Context(), since, func(b bounce.Bounce) error { all = append(all, b); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := bounce.Bounce{Action: bounce.Failed, Domain: "example.net", RemoteHost: "mx.example.net", At: t0.Add(time.Hour),
		Diagnostic: bounce.Diagnostic{Reply: "554", Status: "5.7.1", Text: "554 5.7.1 <…@example.net> refused", Stage: "rcpt"}}
	if diff := cmp.Diff([]bounce.Bounce{want}, read(t0.Add(time.Minute)), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if all := read(time.Time{}); len(all) != 2 || !all[0].At.Equal(t0) {
		t.Errorf("%d refusals, want the two, oldest first", len(all))
	}
}
