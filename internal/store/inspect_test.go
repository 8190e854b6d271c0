package store

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reputed/checks/bounce"
)

func TestAddressesThatMailLeftFrom(t *testing.T) {
	db := fresh(t)
	hour := t0.Truncate(time.Hour)
	from := func(uid uint32, f func(*bounce.Bounce, *Mail)) Mail {
		m := refusal(uid, "kim@example.net", hour.Add(time.Minute))
		f(&m.Report.Bounces[0], &m)
		return m
	}
	unwatched, judged := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.8")
	mustCommit(t, db, hour.Add(time.Hour), Batch{Mails: []Mail{
		from(1, func(b *bounce.Bounce, m *Mail) { b.Source, m.Targets = unwatched, nil }),
		from(2, func(b *bounce.Bounce, m *Mail) { b.Judgement.Address, m.Targets = judged, nil }),
		from(3, func(b *bounce.Bounce, m *Mail) { // anybody may write this
			b.Judgement.Address, m.Targets, m.Report.Proof = netip.MustParseAddr("203.0.113.66"), nil, bounce.Proof{}
		}),
	}}, nothing)
	for _, r := range []struct {
		target, domain string
		n              int
	}{{"192.0.2.10", "*", 5}, {"192.0.2.10", "example.net", 5}, {"2001:db8::a", "*", 2}, {"example.org", "*", 7}, {"host7", "*", 7}} {
		if _, err := db.write.Exec("INSERT INTO traffic (target, domain, hour, vendor, delivered, deferred, refused) VALUES (?, ?, ?, '', ?, 0, 0)", r.target, r.domain, hourOf(hour.UnixMicro()), r.n); err != nil {
			t.Fatal(err)
		}
	}
	got, counted, err := db.UsedAddresses(t.Context(), hour)
	if err != nil {
		t.Fatal(err)
	}
	want := []UsedAddress{
		{Addr: netip.MustParseAddr("192.0.2.10"), Mails: 5, Last: hour},
		{Addr: netip.MustParseAddr("2001:db8::a"), Mails: 2, Last: hour},
		{Addr: unwatched, Mails: 1, Refused: 1, Last: hour.Add(time.Minute)},
		{Addr: judged, Mails: 1, Refused: 1, Last: hour.Add(time.Minute)},
	}
	less := cmpopts.SortSlices(func(a, b UsedAddress) bool { return a.Addr.Less(b.Addr) })
	if diff := cmp.Diff(want, got, less, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if counted {
		t.Error("no log has told of a delivery by receiver")
	}
	if later, _, err := db.UsedAddresses(t.Context(), hour.Add(2*time.Hour)); err != nil || len(later) != 0 {
		t.Errorf("of the time after: %+v, %v", later, err)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	db := fresh(t)
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("a new database: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(db.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 2; i < len(data)/2+8192 && i < len(data); i++ {
		data[i] = 0xa5
	}
	path := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged, err := OpenReadOnly(t.Context(), path)
	if err == nil {
		err = errors.Join(damaged.Check(t.Context()), damaged.Close())
	}
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged file: %v, want ErrCorrupt", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fresh(t).Check(ended); err == nil {
		t.Error("it goes on after the end of its context")
	}
}
