package store

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/checks/bounce"
	"reputed/probes"
)

func TestTallies(t *testing.T) {
	ip := func(m Mail) *bounce.Bounce { return &m.Report.Bounces[0] }
	now := t0.Add(24 * time.Hour)
	for name, c := range map[string]struct {
		mails func() []Mail
		want  string // refused/deferred of each tally
	}{
		"equal refusals are one tally": {func() []Mail {
			return []Mail{refusal(1, "kim@example.net", now), refusal(2, "lee@example.net", now)}
		}, "2/0"},
		"receivers are tallied apart": {func() []Mail {
			a, b := refusal(1, "kim@example.net", now), refusal(2, "kim@example.com", now)
			ip(a).Domain, ip(b).Domain = "example.net", "example.com"
			return []Mail{a, b}
		}, "1/0 1/0"},
		"a deferral is no refusal": {func() []Mail {
			m := refusal(1, "kim@example.net", now)
			ip(m).Action = bounce.Delayed
			return []Mail{m}
		}, "0/1"},
		"without proof nothing counts": {func() []Mail {
			m := refusal(1, "kim@example.net", now)
			m.Report.Proof = bounce.Proof{}
			return []Mail{m}
		}, ""},
		"a full mailbox is not reputation": {func() []Mail {
			m := refusal(1, "kim@example.net", now)
			ip(m).Judgement.Reputation = false
			return []Mail{m}
		}, ""},
		"laid at nobody it counts against nobody": {func() []Mail {
			m := refusal(1, "kim@example.net", now)
			m.Targets = nil
			return []Mail{m}
		}, ""},
		"a delivery is no refusal": {func() []Mail {
			m := refusal(1, "kim@example.net", now)
			ip(m).Action = bounce.Delivered
			return []Mail{m}
		}, ""},
		"before the window it is over": {func() []Mail {
			return []Mail{refusal(1, "kim@example.net", now.Add(-25*time.Hour)), refusal(2, "lee@example.net", now)}
		}, "1/0"},
		"a date in the future counts now": {func() []Mail {
			return []Mail{refusal(1, "kim@example.net", now.Add(1000*time.Hour))}
		}, "1/0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := look(t, fresh(t), now, Batch{Mails: c.mails(), Window: 24 * time.Hour})
			var got []string
			for _, y := range s.Tallies {
				got = append(got, strings.Join([]string{itoa(y.Refused), itoa(y.Deferred)}, "/"))
				if y.Last.After(now) {
					t.Errorf("last = %v, after now", y.Last)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("tallies %v, want %q", got, c.want)
			}
		})
	}
}

func TestTallyTellsWhenTheLastOneWasWhileItsIncidentIsOpen(t *testing.T) {
	db := fresh(t)
	early, late := refusal(1, "kim@example.net", t0.Add(-time.Hour)), refusal(2, "lee@example.net", t0)
	late.Report.Bounces[0].Diagnostic.Text = "554 the latest words"
	batch := Batch{Mails: []Mail{late, early}, Read: readTo(2), Window: 24 * time.Hour}
	f := listed("192.0.2.10", "Cisco Talos", t0)
	f.Key.Check = "bounce"
	mustCommit(t, db, t0, batch, opens(f, t0))

	s := look(t, db, t0.Add(72*time.Hour), Batch{Window: 24 * time.Hour})
	if len(s.Tallies) != 1 {
		t.Fatalf("%d tallies, want one that says when the last refusal was", len(s.Tallies))
	}
	got := s.Tallies[0]
	if got.Refused != 2 || got.Deferred != 0 || !got.Last.Equal(t0) || !got.First.Equal(t0.Add(-time.Hour)) {
		t.Errorf("refused %d, deferred %d, first %v, last %v; want what there was before it ended", got.Refused, got.Deferred, got.First, got.Last)
	}
	if got.Sample.Diagnostic.Text != "554 the latest words" || got.Via != "mailbox bounces, UID 2" || !got.Proof.Proved() || got.Sample.Recipient != "@example.net" {
		t.Errorf("sample = %+v via %q, want the latest", got.Sample, got.Via)
	}
	if got.Target != "192.0.2.10" || got.Receiver != "example.net" || got.Vendor != "Cisco Talos" || got.Rule != "cisco-banner" || got.Remedy != "cisco-talos" {
		t.Errorf("tally = %+v", got)
	}
	// What goes on is counted in the window alone.
	again := refusal(3, "kim@example.net", t0.Add(70*time.Hour))
	s = look(t, db, t0.Add(72*time.Hour), Batch{Mails: []Mail{again}, Window: 24 * time.Hour})
	if len(s.Tallies) != 1 || s.Tallies[0].Refused != 1 || !s.Tallies[0].First.Equal(t0.Add(70*time.Hour)) || s.Tallies[0].Via != "mailbox bounces, UID 3" {
		t.Errorf("with one more: tallies = %+v, want that one alone", s.Tallies)
	}
	if s := look(t, db, t0.Add(72*time.Hour), Batch{}); len(s.Tallies) != 0 {
		t.Errorf("without a window: %d tallies, want none", len(s.Tallies))
	}
}

func TestCommitTellsHowMailboxesStand(t *testing.T) {
	db := fresh(t)
	unproved := refusal(2, "lee@example.net", t0)
	unproved.Report.Proof = bounce.Proof{}
	s := look(t, db, t0, Batch{Mails: []Mail{refusal(1, "kim@example.net", t0), unproved}, Read: readTo(2), Window: time.Hour})
	want := []Mailbox{{Name: "bounces", Position: probes.Position{UIDValidity: 7, UID: 2}, ReadAt: t0, Proved: 1, Unproved: 1}}
	if diff := cmp.Diff(want, s.Mailboxes); diff != "" {
		t.Errorf("mailboxes (-want +got):\n%s", diff)
	}
}
