package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reputed/checks/bounce"
	"reputed/internal/reliability"
	"reputed/internal/slowdisk"
)

// The disk under the database takes its time, then hangs again and again, then is well. Slow, it delays who writes and nobody who
// reads. Hanging, it holds nobody up without end, and what is given once more after that is stored once.
func TestSlowDisk(t *testing.T) {
	disk := slowdisk.New(t)
	if disk == nil {
		return
	}
	path := filepath.Join(disk.Dir, "reputed.db")
	db, reader := open(t, path), readOnly(t, path)
	mails, lines := uint32(0), 0
	mail := func() error {
		f := listed("192.0.2.10", fmt.Sprint("list ", mails+1), t0)
		_, err := db.Commit(t.Context(), t0, Batch{Mails: []Mail{refusal(mails+1, "kim@example.net", t0)}, Read: readTo(mails + 1)}, func(s Situation) Decision {
			for _, inc := range s.Open {
				if inc.Members[0].Finding.Key == f.Key {
					return Decision{} // as alerts.Fold sees it
				}
			}
			return opens(f, t0, "slack")(s)
		})
		return err
	}
	line := func() error {
		_, err := db.CommitLog(t.Context(), t0, LogRead{Log: "mx1", Position: position(int64(lines + 1)), Lines: 1,
			Events: []LogEvent{logged(bounce.Delivered, t0, queue(fmt.Sprint("4Slow", lines)))}})
		return err
	}
	look := func(ctx context.Context) {
		t.Helper()
		p, err := reader.Position(ctx, "bounces")
		if err != nil {
			t.Error(err)
		}
		if all, err := reader.Incidents(ctx, IncidentFilter{Limit: -1}); err != nil || len(all) < int(p.UID) {
			t.Errorf("a reader sees %d incidents of %d mails, %v", len(all), p.UID, err)
		}
	}

	disk.Slow(20)
	const slow = 5
	var wg sync.WaitGroup
	for _, write := range []func() error{
		func() error { defer func() { mails++ }(); return mail() },
		func() error { defer func() { lines++ }(); return line() },
	} {
		wg.Go(func() {
			for range slow {
				if err := write(); err != nil {
					t.Errorf("on a slow disk: %v", err)
				}
			}
		})
	}
	written := make(chan struct{})
	go func() { wg.Wait(); close(written) }()
	looks := 0
	for reading := true; reading; looks++ {
		look(t.Context())
		select {
		case <-written:
			reading = false
		default:
		}
	}
	if looks < 10*slow {
		t.Errorf("%d looks in %d slow commits: whoever reads is held up", looks, 2*slow)
	}

	disk.Fast()
	const hangs = 3
	given := 0
	for n := range 2 * hangs {
		first, second := mail, line // who is in the middle of it, and who comes after
		if n%2 == 1 {
			first, second = line, mail
		}
		db.patience = 100 * time.Millisecond
		disk.Hang()
		for _, write := range []func() error{first, second, func() error { return db.TryWriting(t.Context()) }} {
			if err := write(); !errors.Is(err, ErrSlow) {
				t.Errorf("while it hangs: %v, want ErrSlow", err)
				continue
			}
			given++
		}
		look(t.Context())
		disk.Fast()
		db.patience = patience
		for _, write := range []func() error{second, first, func() error { return db.TryWriting(t.Context()) }} {
			if err := write(); err != nil {
				t.Errorf("once it is well: %v", err)
			}
		}
		mails, lines = mails+1, lines+1
	}
	n, parts := stories(t, db)
	logs, err := db.Logs(t.Context())
	if n != int(mails) || err != nil || len(logs) != 1 || logs[0].Lines != lines || logs[0].Told != lines {
		t.Errorf("%d mails and %+v, %v; want %d, and as many lines", n, logs, err, mails)
	}
	look(t.Context())
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "a disk that takes 20 writes a second", Tries: 2 * slow, Unit: "commits",
		Promised: "each is written, and readers are not held up", Seen: fmt.Sprintf("%d of %d written, readers held up: %v", 2*slow, 2*slow, looks < 10*slow)})
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "a disk that hangs in the middle of a commit, and is well again", Tries: 2 * hangs, Unit: "times",
		Promised: "nobody who writes is kept for long, nobody who reads at all; each mail and line once afterwards",
		Seen:     fmt.Sprintf("%d of %d writes given up in time; %d mails lost or twice, %d stored in part, %d lines lost or twice", given, 6*hangs, int(mails)-n, parts, lines-logs[0].Lines)})
}

// The file system has an error, and Linux turns it read-only under a daemon that runs: whoever writes is refused whole and told what to
// do, whoever reads is not, and after it is checked and mounted anew everything goes in once.
func TestReadOnlyWhileOpen(t *testing.T) {
	disk := slowdisk.New(t)
	if disk == nil {
		return
	}
	path := filepath.Join(disk.Dir, "reputed.db")
	db, reader := open(t, path), readOnly(t, path)
	const before, tries = 3, 20
	commit := func(n uint32) error {
		_, err := db.Commit(t.Context(), t0, Batch{Mails: []Mail{refusal(n, fmt.Sprintf("user%d@example.net", n), t0)}, Read: readTo(n)}, nothing)
		return err
	}
	for n := range uint32(before) {
		if err := commit(n + 1); err != nil {
			t.Fatal(err)
		}
	}
	disk.Break()
	taken := 0
	for range tries {
		if err := commit(before + 1); !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "fsck") {
			taken++
			t.Errorf("err = %v, want ErrDisk that says what to do", err)
		}
		if p, err := reader.Position(t.Context(), "bounces"); err != nil || p.UID != before {
			t.Errorf("a reader sees position %v, %v", p, err)
		}
	}
	if err := db.TryWriting(t.Context()); !errors.Is(err, ErrDisk) {
		t.Errorf("TryWriting = %v, want ErrDisk", err)
	}
	_ = db.Close()
	_ = reader.Close()
	disk.Mend()
	db = open(t, path)
	for n := range uint32(tries) {
		if err := commit(before + n + 1); err != nil {
			t.Fatal(err)
		}
	}
	n := count(t, db, "SELECT count(*) FROM bounces")
	if n != before+tries {
		t.Errorf("%d bounces, want %d", n, before+tries)
	}
	integrity(t, db)
	reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "the file system has an error and turns read-only while the daemon runs, and is mended", Tries: tries, Unit: "commits",
		Promised: "refused whole, each mail once afterwards", Seen: fmt.Sprintf("%d taken in part, %d of %d after", taken, n-before, tries)})
}
