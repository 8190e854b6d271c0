package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/internal/reliability"
)

// TestKill kills a process at random moments while it opens and writes, and looks at what
// it leaves: each mail that was acknowledged is there, each mail that is there is
// there once and whole, with position, incident and notice.
func TestKill(t *testing.T) {
	databases, lives := 20, 37 // of each; with the kills of cmd/reputed a thousand
	if testing.Short() {
		databases, lives = 2, 2
	}
	var lost, halves, killed atomic.Int64
	t.Run("lives", func(t *testing.T) { // ends when all do
		for range databases {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "reputed.db")
				lay(t, path)
				acknowledged := 0
				pace := 10 * time.Millisecond // from one commit to the next
				for life := range lives {
					wait := rand.N(2 * pace) // while it opens
					cmd, out, _ := process(t, roleWriter, path, 0)
					if commits := rand.IntN(5); commits > 0 {
						acknowledged = uidOf(t, lineOf(t, out))
						began := time.Now()
						for range commits {
							acknowledged = uidOf(t, lineOf(t, out))
						}
						pace = time.Since(began) / time.Duration(commits)
						wait = rand.N(2 * pace) // somewhere within the next commits
					}
					<-time.After(wait)
					if err := cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
					for { // what it said before it died counts as well
						line, err := out.ReadString('\n')
						if err != nil {
							break
						}
						acknowledged = uidOf(t, strings.TrimSpace(line))
					}
					_ = cmd.Wait()
					killed.Add(1)

					db, err := Open(t.Context(), path, Options{})
					if err != nil {
						t.Fatalf("life %d: %v", life, err)
					}
					n, parts := stories(t, db)
					halves.Add(int64(parts))
					if n < acknowledged || n > acknowledged+1 {
						lost.Add(1)
						t.Errorf("life %d: position %d after %d was acknowledged", life, n, acknowledged)
					}
					acknowledged = n
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	})
	if !testing.Short() {
		reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "kill -9 while a database is opened, and in the middle of commits", Tries: int(killed.Load()), Unit: "kills",
			Promised: "integrity; a mail is stored with its position, incident and notice, or not at all", Seen: fmt.Sprintf("%d lost, %d stored in part", lost.Load(), halves.Load())})
	}
}

// uidOf is what the process says of a mail that is written.
func uidOf(t *testing.T, line string) int {
	t.Helper()
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// stories looks through what [commitStory] has left, and gives how many there are and of how many some is missing.
func stories(t *testing.T, db *DB) (n, parts int) {
	t.Helper()
	integrity(t, db)
	p, err := db.Position(t.Context(), "bounces")
	if err != nil {
		t.Fatal(err)
	}
	n = int(p.UID)
	for table, query := range map[string]string{
		"mails": "SELECT count(*) FROM mails", "bounces": "SELECT count(*) FROM bounces", "incidents": "SELECT count(*) FROM incidents",
		"members": "SELECT count(*) FROM members", "notices": "SELECT count(*) FROM outbox", "transitions": "SELECT count(*) FROM transitions",
	} {
		if got := count(t, db, query); got != n {
			parts++
			t.Errorf("%d %s, want %d like the position", got, table, n)
		}
	}
	return n, parts
}

func TestManyWritersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	open(t, path) // whoever comes first makes the schema; TestManyOpenAtOnce is about that
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	const processes, dbs, writers = 2, 2, 3
	for range processes {
		cmd, out, _ := process(t, roleDrip, path, 0)
		wg.Go(func() {
			said, _ := out.ReadString('\n')
			if err := cmd.Wait(); err != nil {
				errs <- fmt.Errorf("%w: %s", err, said)
			}
		})
	}
	for d := range dbs {
		db := open(t, path)
		for w := range writers {
			wg.Go(func() {
				for i := range drips {
					if err := commitDrip(t.Context(), db, fmt.Sprintf("db %d writer %d mail %d", d, w, i)); err != nil {
						errs <- err
					}
				}
			})
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	db := open(t, path)
	integrity(t, db)
	const want = (processes + dbs*writers) * drips
	all, err := db.Incidents(t.Context(), IncidentFilter{})
	if err != nil || len(all) != 1 || all[0].Relapses != want {
		t.Errorf("incidents = %+v, %v; want one, which saw all %d refusals", all, err, want)
	}
	h, err := db.Incident(t.Context(), all[0].ID)
	if err != nil || len(h.Decisions) != 1 || h.Decisions[0].Times != want {
		t.Errorf("decisions = %+v, %v; want one of %d times", h.Decisions, err, want)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "reputed.db")
	var wg sync.WaitGroup
	for range 3 {
		cmd, out, _ := process(t, roleOpener, path, 0)
		wg.Go(func() {
			said, _ := out.ReadString('\n')
			if err := cmd.Wait(); err != nil || said != "open\n" {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			db, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	integrity(t, open(t, path))
}

func TestReadersSeeOnlyWhatIsWhole(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{}, func(Situation) Decision {
		if all, err := db.Incidents(t.Context(), IncidentFilter{}); err != nil || len(all) != 0 {
			t.Errorf("while a commit decides: incidents = %v, %v, want none", all, err)
		}
		return opens(listed("192.0.2.10", "spamcop", t0), t0)(Situation{})
	})
	if all, err := db.Incidents(t.Context(), IncidentFilter{}); err != nil || len(all) != 1 {
		t.Errorf("after the commit: incidents = %v, %v, want one", all, err)
	}
}

// TestAckDuringCommitIsNotLost is why everything is read under the write lock.
func TestAckDuringCommitIsNotLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	daemon, command := open(t, path), open(t, path)
	id := mustCommit(t, daemon, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))[0].Incident.ID
	acked := make(chan error, 1)
	mustCommit(t, daemon, t0, Batch{}, func(s Situation) Decision {
		go func() {
			_, err := command.Act(t.Context(), alerts.Action{Kind: alerts.Ack, Incident: id, By: "kim", Note: "on it", At: t0.Add(time.Second)}, nil)
			acked <- err
		}()
		return Decision{Changes: []alerts.Change{{Kind: alerts.Quiet, Incident: s.Open[0], At: t0, Why: "nothing new"}}}
	})
	if err := <-acked; err != nil {
		t.Fatal(err)
	}
	s := look(t, daemon, t0.Add(time.Minute), Batch{})
	if s.Open[0].State != alerts.Acknowledged || s.Open[0].AckedBy != "kim" {
		t.Errorf("state %s by %q, want acknowledged by kim", s.Open[0].State, s.Open[0].AckedBy)
	}
}
