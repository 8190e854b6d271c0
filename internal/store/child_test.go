package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/alerts"
)

// The test binary runs itself as another process, in one of these roles.
const (
	roleVariable = "REPUTED_STORE_TEST_ROLE"
	pathVariable = "REPUTED_STORE_TEST_PATH"

	roleWriter = "writer" // commits one mail after the other and prints each uid once it is acknowledged
	roleLease  = "lease"  // takes the lease, says so, and waits for its end
	roleReader = "reader" // opens for reading only and prints what it finds
	roleOpener = "opener" // opens for writing, and says so
	roleDrip   = "drip"   // commits drips in competition with others
)

func child(role string) int {
	ctx, path := context.Background(), os.Getenv(pathVariable)
	if err := play(ctx, role, path); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

func play(ctx context.Context, role, path string) error {
	if role == roleReader {
		db, err := OpenReadOnly(ctx, path)
		if err != nil {
			return err
		}
		defer db.Close()
		all, err := db.Incidents(ctx, IncidentFilter{})
		if err != nil {
			return err
		}
		fmt.Printf("%d incidents\n", len(all))
		if _, err := db.Act(ctx, alerts.Action{Kind: alerts.Ack, Incident: 1, By: "kim", At: t0}, nil); !errors.Is(err, ErrReadOnly) {
			return fmt.Errorf("acknowledging gave %v, want ErrReadOnly", err)
		}
		return nil
	}
	db, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	switch role {
	case roleOpener:
		fmt.Println("open")
	case roleLease:
		if _, err := db.Lease(ctx, "the other daemon", time.Hour, t0); err != nil {
			return err
		}
		if _, err := db.BeginRun(ctx, "dnsbl", t0); err != nil {
			return err
		}
		fmt.Println("leased")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it, or kills us
	case roleWriter:
		position, err := db.Position(ctx, "bounces")
		if err != nil {
			return err
		}
		for uid := position.UID + 1; ; uid++ {
			if err := commitStory(ctx, db, uid); err != nil {
				return err
			}
			fmt.Println(uid)
		}
	case roleDrip:
		for i := range drips {
			if err := commitDrip(ctx, db, fmt.Sprintf("process %d mail %d", os.Getpid(), i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// commitStory commits one mail, its position, and an incident with its notice,
// each about the same number.
func commitStory(ctx context.Context, db *DB, uid uint32) error {
	f := listed("192.0.2.10", "list "+strconv.Itoa(int(uid)), t0)
	_, err := db.Commit(ctx, t0, Batch{Mails: []Mail{refusal(uid, "kim@example.net", t0)}, Read: readTo(uid), Window: time.Hour}, opens(f, t0, "slack"))
	return err
}

func commitDrip(ctx context.Context, db *DB, hash string) error {
	m := refusal(1, "kim@example.net", t0)
	m.Report.Hash, m.Report.Bounces[0].MessageID = hash, strings.ReplaceAll(hash, " ", "-")+"@mx1.example.org"
	_, err := db.Commit(ctx, t0, Batch{Mails: []Mail{m}, Window: time.Hour}, func(s Situation) Decision {
		// What was read is what is written: the tally and the incident move in step.
		n := 0
		for _, y := range s.Tallies {
			n += y.Refused
		}
		c := alerts.Change{Kind: alerts.Quiet, At: t0, Why: "count"}
		if len(s.Open) == 0 {
			c.Incident = incident(listed("192.0.2.10", "spamcop", t0), t0)
		} else {
			c.Incident = s.Open[0]
		}
		c.Incident.Relapses = n
		return Decision{Changes: []alerts.Change{c}}
	})
	return err
}

// drips is how often each competitor commits.
const drips = 10 * scale

// process starts the test binary in a role. As is who to run as; 0 is ourselves.
func process(t *testing.T, role, path string, as int) (cmd *exec.Cmd, out *bufio.Reader, stop func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), roleVariable+"="+role, pathVariable+"="+path)
	cmd.Stderr = os.Stderr
	if as != 0 {
		// Another user may not reach into the folder where the test binary lies.
		there := filepath.Join(filepath.Dir(filepath.Dir(path)), "store.test")
		copyFile(t, exe, there, 0o755)
		cmd.Path = there
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(as), Gid: uint32(as)}}
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(pipe), func() { _ = in.Close() }
}

// lineOf reads one line of a process, and fails the test if there is none.
func lineOf(t *testing.T, out *bufio.Reader) string {
	t.Helper()
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("the process ended with %q: %v", line, err)
	}
	return strings.TrimSpace(line)
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, mode); err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
