package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A secret or a configuration that only root may read is found by root's "config check", before the service does not start.
func TestWhatStopsTheUserOfTheDaemon(t *testing.T) {
	reputed := account{name: "reputed", group: "reputed", uid: 994, gids: []uint32{994, 4}}
	tree := map[string]owned{
		"/":                     {mode: 0o755},
		"/etc":                  {mode: 0o755},
		"/etc/reputed":          {mode: 0o750, gid: 994},
		"/etc/reputed/good":     {mode: 0o640, gid: 994},
		"/etc/reputed/adm":      {mode: 0o640, gid: 4},
		"/etc/reputed/own":      {mode: 0o400, uid: 994},
		"/etc/reputed/others":   {mode: 0o604},
		"/etc/reputed/root":     {mode: 0o640},
		"/etc/reputed/600":      {mode: 0o600, gid: 994},
		"/etc/reputed/locked":   {mode: 0o040, uid: 994, gid: 994}, // its owner gets the owner's bits, and no others
		"/root":                 {mode: 0o700},
		"/root/imap-password":   {mode: 0o640, gid: 994},
		"/root/far/imap-secret": {mode: 0o640, gid: 994},
	}
	stat := func(path string) (owned, bool) { f, ok := tree[path]; return f, ok }
	for path, want := range map[string]string{
		"/etc/reputed/good": "", "/etc/reputed/adm": "", "/etc/reputed/own": "", "/etc/reputed/others": "", "/etc/reputed/none": "",
		"/etc/reputed/root": "/etc/reputed/root", "/etc/reputed/600": "/etc/reputed/600", "/etc/reputed/locked": "/etc/reputed/locked",
		"/root/imap-password": "/root", "/root/far/imap-secret": "/root",
	} {
		if got := reputed.stopped(path, stat); got != want {
			t.Errorf("%s: stopped by %q, want %q", path, got, want)
		}
	}
	if got := (account{uid: 0}).stopped("/root/imap-password", stat); got != "" {
		t.Errorf("root is stopped by %s", got)
	}
}

func TestRootIsToldWhatTheDaemonCannotRead(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root, whom the modes of files do not stop")
	}
	const nobody = 65534 // a user of every system
	top, err := os.MkdirTemp("", "reputed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	db := filepath.Join(top, "db")
	for _, err := range []error{os.Chmod(top, 0o755), os.Mkdir(db, 0o750), os.Chown(db, nobody, nobody)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string, mode fs.FileMode) {
		t.Helper()
		path := filepath.Join(top, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("password", "s3cret\n", 0o600)
	write("config.toml", "[[outbound]]\naddresses = [\"192.0.2.10\"]\n[[mailbox]]\nserver = \"localhost\"\nuser = \"bounces\"\npassword = \"file:password\"\n[database]\npath = \"db/reputed.db\"\n", 0o644)
	warnings := func() string {
		t.Helper()
		cfg, err := Load(filepath.Join(top, "config.toml"), LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(cfg.Warnings, "\n")
	}
	if got := warnings(); !strings.Contains(got, `config.toml:6: [[mailbox]] password: file "password" is closed to the user nobody, who owns the database`) || strings.Contains(got, "this file is closed") {
		t.Errorf("warnings:\n%s", got)
	}
	if err := os.Chown(filepath.Join(top, "password"), 0, nobody); err != nil {
		t.Fatal(err)
	}
	write("password", "s3cret\n", 0o640)
	write("config.toml", strings.Repeat("\n", 3)+"[[outbound]]\naddresses = [\"192.0.2.10\"]\n[database]\npath = \"db/reputed.db\"\n", 0o600)
	if got := warnings(); !strings.Contains(got, "config.toml: this file is closed to the user nobody") || strings.Contains(got, "password") {
		t.Errorf("warnings:\n%s", got)
	}
}

// Who may not enter the working directory, as after "sudo -u reputed" in root's home, is no worse off where no path is relative.
func TestTheWorkingDirectoryIsNeededForRelativePathsAlone(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(gone)
	if err := os.Remove(gone); err != nil {
		t.Skip(err) // a system that keeps it
	}
	if _, err := Default(); err != nil {
		t.Errorf("without a file: %v", err)
	}
	_, err := Parse([]byte("[database]\npath = \"reputed.db\"\n[backup]\ndir = \"copies\"\n"), "reputed.toml", LoadOptions{})
	if err == nil || strings.Count(err.Error(), "lead nowhere") != 1 {
		t.Errorf("a relative path from nowhere: %v", err)
	}
}
