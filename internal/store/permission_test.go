package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reputed/checks/bounce"
)

// nobody is a user without any rights, for tests that run as root; 0 is the
// user that runs the test.
func nobody() int {
	if os.Geteuid() == 0 {
		return 65534
	}
	return 0
}

// TestReadingWithoutWritePermission reads as a user that may write neither file
// nor folder: a live database, one that was closed, and one that was killed.
func TestReadingWithoutWritePermission(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, path string){
		"while it is open": func(t *testing.T, path string) {
			lay(t, path)
			mustCommit(t, open(t, path), t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
		},
		"closed": func(t *testing.T, path string) {
			db, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if exists(path + "-wal") {
				t.Fatal("a -wal file is left")
			}
		},
		"killed": func(t *testing.T, path string) {
			lay(t, path)
			cmd, out, _ := process(t, roleWriter, path, 0)
			lineOf(t, out)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if !exists(path + "-wal") {
				t.Fatal("no -wal file is left")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			outer, err := os.MkdirTemp("", "reputed-store") // t.TempDir lies below a folder of ours alone
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(outer, "state")
			path := filepath.Join(dir, "reputed.db")
			t.Cleanup(func() {
				_ = os.Chmod(dir, 0o755)
				if err := os.RemoveAll(outer); err != nil {
					t.Error(err)
				}
			})
			prepare(t, path)
			for name, mode := range map[string]fs.FileMode{outer: 0o755, dir: 0o555, path: 0o444, path + "-wal": 0o444, path + "-shm": 0o444} {
				if err := os.Chmod(name, mode); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			cmd, out, _ := process(t, roleReader, path, nobody())
			said := lineOf(t, out)
			if err := cmd.Wait(); err != nil || said == "0 incidents" || !strings.HasSuffix(said, " incidents") {
				t.Errorf("it read %q, %v", said, err)
			}
		})
	}
}

func TestNoPermissionAtAllSaysSo(t *testing.T) {
	outer, err := os.MkdirTemp("", "reputed-store")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(outer, "state")
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755); _ = os.RemoveAll(outer) })
	path := filepath.Join(dir, "reputed.db")
	open(t, path)
	for name, mode := range map[string]fs.FileMode{outer: 0o755, path: 0, dir: 0o555} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for role, advice := range map[string]string{roleReader: "must be readable for you", roleOpener: "run it as the user of the daemon (sudo -u reputed reputed ...)"} {
		cmd, out, _ := process(t, role, path, nobody())
		said := lineOf(t, out)
		if err := cmd.Wait(); err == nil || !strings.Contains(said, ErrPermission.Error()) || !strings.Contains(said, path) || !strings.Contains(said, advice) {
			t.Errorf("%s: %v, %q; want %q and %q", role, err, said, ErrPermission, advice)
		}
	}
}

// TestNoAddressInTheFile greps the raw files for what must not be in them.
func TestNoAddressInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := refusal(1, "Kim.Secret+tag@Example.net", t0)
	b := &m.Report.Bounces[0]
	b.Diagnostic.Text = "550 5.1.1 <kim.secret+tag@example.net> (forwarded to <kim.private@home.example.com>): refused"
	b.MessageID = "kim.secret+tag=example.net.77@mx1.example.org"
	b.Judgement.URL = "https://example.net/why?rcpt=Kim.Secret+tag%40Example.net"
	m.Report.Proof.Detail = "return path bounce-kim.secret+tag=example.net@mx1.example.org"
	m.Report.Trouble = "no block for kim.secret+tag@example.net"
	unparsed := Mail{Place: Place{Mailbox: "bounces", Position: probesPosition(2)}, Report: bounce.Report{
		Kind: bounce.KindUnparsed, Hash: "u", Trouble: "nothing for kim.secret@example.com", Subject: "Returned: kim.secret@example.com"}}
	complaint := Mail{Place: Place{Mailbox: "bounces", Position: probesPosition(3)}, Report: bounce.Report{Kind: bounce.KindComplaint, Hash: "c",
		Complaint: bounce.Feedback{Type: "abuse", Recipient: "kim.secret@example.net", Reporter: "example.net", MessageID: "kim.secret=example.net.1@mx1.example.org", URL: "https://example.net/fbl?who=kim.secret@example.net"}}}
	mustCommit(t, db, t0, Batch{Mails: []Mail{m, unparsed, complaint}}, nothing)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"kim.secret", "kim.private"} {
		if i := bytes.Index(bytes.ToLower(raw), []byte(secret)); i >= 0 {
			t.Errorf("the file holds %q", raw[max(0, i-40):min(len(raw), i+60)])
		}
	}
}
