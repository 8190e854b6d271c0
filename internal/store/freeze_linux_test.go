package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"reputed/internal/reliability"
)

// TestFrozen looks at what lies on the disk at random moments while a process writes. The process is stopped there with all
// its threads (SIGSTOP), its files are copied and looked through, and it goes on: the copy is what a kill -9 at that moment leaves, at a
// tenth of the cost.
func TestFrozen(t *testing.T) {
	freezes, perLife := 200, 50
	if testing.Short() {
		freezes, perLife = 40, 20
	}
	lost, halves := 0, 0
	for range freezes / perLife {
		path := filepath.Join(t.TempDir(), "reputed.db")
		cmd, out, _ := process(t, roleWriter, path, 0)
		acknowledged := &atomic.Int64{}
		first, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for begun := false; ; begun = true {
				line, err := out.ReadString('\n')
				if err != nil {
					return
				}
				if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
					acknowledged.Store(int64(n))
				}
				if !begun {
					close(first)
				}
			}
		}()
		<-first // the schema is there
		for range perLife {
			for range rand.IntN(1_000_000) { // somewhere within the next commits
			}
			sure := int(acknowledged.Load())
			if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			var status syscall.WaitStatus
			if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
				t.Fatalf("not stopped: %v, %v", status, err)
			}
			copied := filepath.Join(t.TempDir(), "copy.db")
			for _, end := range []string{"", "-wal", "-shm"} {
				raw, err := os.ReadFile(path + end)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(copied+end, raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			db, err := Open(t.Context(), copied, Options{})
			if err != nil {
				t.Fatal(err)
			}
			n, parts := stories(t, db)
			halves += parts
			if n < sure {
				lost++
				t.Errorf("position %d after %d was acknowledged", n, sure)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(copied); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		_ = cmd.Wait()
	}
	if !testing.Short() {
		reliability.Record(t, reliability.Row{Area: reliability.Storage, Fault: "a process is stopped dead in the middle of commits, and what kill -9 would leave is looked at", Tries: freezes, Unit: "moments",
			Promised: "integrity; a mail is stored with its position, incident and notice, or not at all", Seen: fmt.Sprintf("%d lost, %d stored in part", lost, halves)})
	}
}
