package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/internal/reliability"
	"reputed/probes"
)

// impatient makes db wait a moment for the lock of another.
func impatient(t *testing.T, db *DB) {
	t.Helper()
	if _, err := db.write.ExecContext(t.Context(), "PRAGMA busy_timeout = 20"); err != nil { // the pool has one connection
		t.Fatal(err)
	}
}

// Another process holds the write lock: whoever writes is refused in bounded
// time and keeps nothing, whoever reads is not held up and sees what is whole, and afterwards everything goes in once.
func TestLockedForLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	db, other, reader := open(t, path), open(t, path), readOnly(t, path)
	impatient(t, db)
	held, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := other.Commit(t.Context(), t0, Batch{}, func(Situation) Decision {
			close(held)
			<-release
			return opens(listed("192.0.2.10", "spamcop", t0), t0)(Situation{})
		})
		ended <- err
	}()
	<-held
	const tries = 20
	taken, early := 0, 0
	batch := func(n uint32) Batch {
		return Batch{Mails: []Mail{refusal(n, fmt.Sprintf("user%d@example.net", n), t0)}, Read: readTo(n)}
	}
	for n := range uint32(tries) {
		_, err := db.Commit(t.Context(), t0, batch(n+1), nothing)
		if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "try again") {
			taken++
			t.Errorf("err = %v, want ErrBusy that says what to do", err)
		}
		if all, err := reader.Incidents(t.Context(), IncidentFilter{}); err != nil || len(all) > 0 {
			early++
			t.Errorf("a reader sees %d incidents, %v, of a commit that has not ended", len(all), err)
		}
	}
	if err := db.TryWriting(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("TryWriting = %v, want ErrBusy", err)
	}
	if p, err := db.Position(t.Context(), "bounces"); err != nil || p != (probes.Position{}) {
		t.Errorf("position = %v, %v, want none", p, err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for n := range uint32(tries) {
		mustCommit(t, db, t0, batch(n+1), nothing)
	}
	if err := db.TryWriting(t.Context()); err != nil {
		t.Error(err)
	}
	n := count(t, db, "SELECT count(*) FROM bounces")
	if n != tries {
		t.Errorf("%d bounces once it is free, want %d", n, tries)
	}
	integrity(t, db)
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "another process holds the write lock for longer than we wait", Tries: tries, Unit: "commits",
		Promised: "refused whole, readers see what is whole meanwhile, each mail once afterwards", Seen: fmt.Sprintf("%d taken in part, %d seen too early, %d of %d after", taken, early, n, tries)})
}

func readOnly(t *testing.T, path string) *DB {
	t.Helper()
	db, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// What cannot be written for want of space is tried with as much as a commit needs, and leaves nothing behind.
func TestTryWritingNeedsSpaceAndLeavesNothing(t *testing.T) {
	db := fresh(t)
	pages := count(t, db, "PRAGMA page_count")
	limit := func(n int) {
		if _, err := db.write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 10) // room for a small commit
	if err := db.TryWriting(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("with little space: %v, want ErrFull", err)
	}
	limit(1 << 20)
	for range 3 {
		if err := db.TryWriting(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, "SELECT count(*) FROM settings WHERE name = 'try'"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if n := count(t, db, "PRAGMA page_count"); n > pages+tryBytes/4096+10 {
		t.Errorf("%d pages after %d: each try leaves some", n, pages)
	}
}

// Whoever looks at the lease of a daemon that cannot sign it sees that it is there.
func TestALeaseThatCannotBeSignedIsStillHeld(t *testing.T) {
	path, kill := heldByAnother(t)
	db := open(t, path)
	late := t0.Add(48 * time.Hour)
	info, err := db.LeaseInfo(t.Context())
	if err != nil || info.Alive(late) || !info.Held || info.Gone {
		t.Errorf("while its process is there: %+v, %v, want held and not alive by its signature", info, err)
	}
	kill()
	info, err = db.LeaseInfo(t.Context())
	if err != nil || info.Held || !info.Gone {
		t.Errorf("after its death: %+v, %v, want gone", info, err)
	}
}
