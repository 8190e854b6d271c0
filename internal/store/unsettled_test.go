package store

import (
	"slices"
	"testing"

	"reputed/probes"
)

func TestUnsettledIsWrittenWithTheMail(t *testing.T) {
	db := fresh(t)
	var mails []Mail
	for uid := range uint32(4) {
		m := refusal(uid+1, "kim@example.net", t0)
		m.Settle = uid != 1 // not wanted for UID 2
		mails = append(mails, m)
	}
	mustCommit(t, db, t0, Batch{Mails: mails, Read: readTo(4)}, nothing)
	left := func(mailbox string, validity uint32, limit int) []uint32 {
		t.Helper()
		uids, err := db.Unsettled(t.Context(), mailbox, validity, limit)
		if err != nil {
			t.Fatal(err)
		}
		return uids
	}
	want := func(name string, got []uint32, want ...uint32) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	want("after the commit", left("bounces", 7, 0), 1, 3, 4)
	want("limited", left("bounces", 7, 2), 1, 3)
	want("another mailbox", left("returns", 7, 0))
	want("another UIDVALIDITY", left("bounces", 8, 0))
	for range 2 { // twice does no harm
		if err := db.Settled(t.Context(), "bounces", 7, []uint32{1, 4}); err != nil {
			t.Fatal(err)
		}
	}
	want("after two were settled", left("bounces", 7, 0), 3)

	// The same mail comes again under another UIDVALIDITY: what was noted under the old one is moot.
	again := mails[0]
	again.Place.Position = probes.Position{UIDValidity: 9, UID: 1}
	mustCommit(t, db, t0, Batch{Mails: []Mail{again}, Read: map[string]probes.Position{"bounces": {UIDValidity: 9, UID: 1}}}, nothing)
	want("the old UIDVALIDITY after a new one", left("bounces", 7, 0))
	want("the new UIDVALIDITY", left("bounces", 9, 0), 1)
	if n := count(t, db, "SELECT count(*) FROM bounces"); n != 4 {
		t.Errorf("%d bounces, want 4: a mail that is settled counts as any other", n)
	}
}

func TestSealedSettings(t *testing.T) {
	db := fresh(t)
	if got, err := db.Sealed(t.Context(), "recipient_key"); got != nil || err != nil {
		t.Errorf("the key of recipients is given away: %x, %v", got, err)
	}
	for _, value := range []string{"one", "two"} {
		if err := db.Seal(t.Context(), "recipient_key", []byte(value)); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Sealed(t.Context(), "recipient_key"); string(got) != value || err != nil {
			t.Errorf("sealed %q, %v, want %q", got, err, value)
		}
	}
	if key, err := db.recipientKey(t.Context()); err != nil || string(key) != string(db.key) {
		t.Errorf("the key of recipients was overwritten: %v", err)
	}
}
