package store

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/probes"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(child(role))
	}
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		_ = f.Value.Set(strconv.Itoa(6 * scale)) // each opens real files several times
	}
	goleak.VerifyTestMain(m)
}

// t0 is when the tests take place.
var t0 = time.Date(2026, 3, 29, 1, 30, 0, 123456000, time.UTC)

func logTo(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, Options{Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func fresh(t testing.TB) *DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reputed.db")
	lay(t, path)
	return open(t, path)
}

// empty is the bytes of a database that was made and never used: to make one takes twenty
// transactions, which are most of the time of most tests. All that are laid have one key.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "reputed")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// lay puts an empty database at path, and makes its folder.
func lay(t interface{ Fatal(...any) }, path string) {
	b, err := empty()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o750)
	}
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// nothing decides that nothing follows.
func nothing(Situation) Decision { return Decision{} }

// one decides the same whatever the situation.
func one(d Decision) func(Situation) Decision { return func(Situation) Decision { return d } }

func mustCommit(t testing.TB, db *DB, now time.Time, b Batch, decide func(Situation) Decision) []alerts.Change {
	t.Helper()
	changes, err := db.Commit(t.Context(), now, b, decide)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// look gives the situation as a commit of b sees it.
func look(t testing.TB, db *DB, now time.Time, b Batch) Situation {
	t.Helper()
	var got Situation
	mustCommit(t, db, now, b, func(s Situation) Decision { got = s; return Decision{} })
	return got
}

func count(t testing.TB, db *DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.read.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// refusal is a proved bounce mail with one recipient, refused at that time for
// the reputation of 192.0.2.10.
func refusal(uid uint32, recipient string, at time.Time) Mail {
	return Mail{
		Place: Place{Mailbox: "bounces", Position: probes.Position{UIDValidity: 7, UID: uid}, Received: at},
		Size:  2048,
		Report: bounce.Report{
			Kind:  bounce.KindBounce,
			Hash:  fmt.Sprintf("hash of mail %d", uid),
			Proof: bounce.Proof{Kind: bounce.ByOwnMTA, Detail: "written by mx1.example.org"},
			Bounces: []bounce.Bounce{{
				Action: bounce.Failed, Recipient: recipient, At: at,
				Diagnostic: bounce.Diagnostic{Reply: "554", Status: "5.7.1", Text: "554 5.7.1 Poor reputation", Stage: "greeting"},
				Judgement:  bounce.Judgement{Category: bounce.IPReputation, Reputation: true, Vendor: "Cisco Talos", Rule: "cisco-banner", Remedy: "cisco-talos"},
				RemoteHost: "mx.example.net", MessageID: fmt.Sprintf("%d@mx1.example.org", uid), Sender: "example.org",
			}},
		},
		Targets: []string{"192.0.2.10"},
	}
}

func readTo(uid uint32) map[string]probes.Position {
	return map[string]probes.Position{"bounces": {UIDValidity: 7, UID: uid}}
}

// listed is a finding that a list names a target.
func listed(target, source string, at time.Time) checks.Finding {
	tgt, err := checks.ParseID(target)
	if err != nil {
		panic(err)
	}
	return checks.Finding{
		Key: checks.Key{Check: "dnsbl", Target: target, Source: source}, Target: tgt,
		Code: checks.CodeListed, Status: checks.Problem, Severity: checks.Major,
		Summary: target + " is listed by " + source, Facts: map[string]string{checks.FactCodes: "127.0.0.2"},
		Evidence: []checks.Evidence{{Question: "10.2.0.192.bl.example.net. A", Answer: "127.0.0.2", Via: "192.0.2.53:53", At: at}},
		At:       at, Settle: 5 * time.Minute,
	}
}

func incident(f checks.Finding, now time.Time) alerts.Incident {
	return alerts.Incident{
		Cause: "target:" + f.Key.Target, Title: f.Summary, State: alerts.Open, Severity: f.Severity,
		Members: []alerts.Member{{Finding: f, First: f.At, Last: f.At}},
		Impact:  checks.Impact{Target: f.Key.Target, Since: now, Receivers: []checks.ReceiverImpact{{Receiver: "example.net", Refused: checks.Count{N: 3, Counted: true}, First: now, Last: now}}},
		Opened:  now, Changed: now, LastSeen: now, LastTold: now,
	}
}

// opens decides that a finding opens an incident, told to the channels.
func opens(f checks.Finding, now time.Time, channels ...string) func(Situation) Decision {
	return one(Decision{
		Findings: []checks.Finding{f},
		Changes:  []alerts.Change{{Kind: alerts.Opened, Incident: incident(f, now), At: now, Tell: true, New: []checks.Key{f.Key}}},
		Notify:   notify(channels...),
	})
}

// notify makes one notice a channel, with everything filled in from the change.
func notify(channels ...string) func(alerts.Change) []Notice {
	return func(c alerts.Change) (notices []Notice) {
		for _, channel := range channels {
			notices = append(notices, Notice{Channel: channel, Notification: alerts.Notification{
				ID:   fmt.Sprintf("%d/%s/%d", c.Incident.ID, c.Kind, c.At.Unix()),
				Kind: c.Kind, At: c.At, Incident: c.Incident,
				Command: fmt.Sprintf("reputed incident show %d", c.Incident.ID),
			}})
		}
		return notices
	}
}

// integrity fails the test if the file or a reference in it is broken.
func integrity(t testing.TB, db *DB) {
	t.Helper()
	var said string
	if err := db.read.QueryRowContext(context.Background(), "PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		t.Fatalf("integrity_check: %q, %v", said, err)
	}
	if err := each(context.Background(), db.read, func(r *sql.Rows) error { return fmt.Errorf("a foreign key points nowhere") }, "PRAGMA foreign_key_check"); err != nil {
		t.Fatal(err)
	}
}

func probesPosition(uid uint32) probes.Position { return probes.Position{UIDValidity: 7, UID: uid} }
