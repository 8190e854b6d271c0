package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBackupIsOneInstantWhileOthersWrite takes copies while another process commits a mail, its position, an
// incident and a notice at a time: in each copy all four agree.
func TestBackupIsOneInstantWhileOthersWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "reputed.db")
	lay(t, path)
	cmd, out, _ := process(t, roleWriter, path, 0)
	last := 0
	for i := range 3 {
		// Lines of before the last copy may still be in the pipe: on a busy machine the writer may not have
		// committed since.
		for acknowledged := 0; acknowledged <= last; {
			n, err := strconv.Atoi(lineOf(t, out))
			if err != nil {
				t.Fatal(err)
			}
			acknowledged = n
		}
		to := filepath.Join(dir, itoa(i)+".db")
		c, err := Backup(t.Context(), path, to)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err != nil || info.Mode() != 0o600 || info.Size() != c.Bytes {
			t.Errorf("%v, %v: want mode 0600 and %d bytes", info, err, c.Bytes)
		}
		if c.Mails <= last || c.Bounces != c.Mails || c.Incidents != c.Mails || c.Queued != c.Mails || c.Transitions != c.Mails {
			t.Errorf("%+v: want the same number of each, and more than %d", c, last)
		}
		last = c.Mails
		if got, err := Inspect(t.Context(), to); err != nil || got != c {
			t.Errorf("Inspect: %+v, %v, want %+v", got, err, c)
		}
		db := open(t, to)
		integrity(t, db)
		if p, err := db.Position(t.Context(), "bounces"); err != nil || int(p.UID) != c.Mails {
			t.Errorf("position %v, %v, want UID %d", p, err, c.Mails)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	nothingBeside(t, dir)
}

// nothingBeside fails the test if a copy that has no name yet was left.
func nothingBeside(t *testing.T, dir string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(dir, ".reputed-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBackupHoldsNoLease(t *testing.T) {
	db := fresh(t)
	if _, err := db.Lease(t.Context(), "reputed", time.Hour, t0); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if _, err := Backup(t.Context(), db.Path(), to); err != nil {
		t.Fatal(err)
	}
	if info, err := open(t, to).LeaseInfo(t.Context()); err != nil || info != (LeaseInfo{}) {
		t.Errorf("LeaseInfo = %+v, %v, want nobody", info, err)
	}
	if info, err := db.LeaseInfo(t.Context()); err != nil || info.Holder != "reputed" {
		t.Errorf("the original: %+v, %v, want its holder", info, err)
	}
}

func TestBackupRefuses(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to string
		want     error
	}{
		"to overwrite a file":            {db.Path(), file("there", "precious"), fs.ErrExist},
		"to overwrite the database":      {db.Path(), db.Path(), fs.ErrExist},
		"to overwrite a folder":          {db.Path(), dir, fs.ErrExist},
		"to follow a link":               {db.Path(), dangling, fs.ErrExist},
		"a folder that is not there":     {db.Path(), filepath.Join(dir, "no", "copy.db"), fs.ErrNotExist},
		"a database that is not there":   {filepath.Join(dir, "no.db"), filepath.Join(dir, "a"), ErrNoDatabase},
		"what is empty":                  {file("empty", ""), filepath.Join(dir, "b"), ErrNoDatabase},
		"what is no database":            {file("text", strings.Repeat("no database", 1000)), filepath.Join(dir, "c"), ErrCorrupt},
		"the database of somebody else":  {foreign(t), filepath.Join(dir, "d"), ErrNotOurs},
		"a database whose page is wrong": {damaged(t, db), filepath.Join(dir, "e"), ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := os.ReadFile(c.to)
			if _, err := Backup(t.Context(), c.from, c.to); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			} else if !strings.Contains(err.Error(), c.to) && !strings.Contains(err.Error(), c.from) {
				t.Errorf("%v names neither file", err)
			}
			if after, _ := os.ReadFile(c.to); string(after) != string(before) {
				t.Errorf("%s was changed", c.to)
			}
		})
	}
	nothingBeside(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Backup(ctx, db.Path(), filepath.Join(dir, "late")); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that was told to stop gave %v", err)
	}
	nothingBeside(t, dir)
}

// foreign is a database of another program.
func foreign(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	p, err := pool(dsn(path), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.ExecContext(t.Context(), "CREATE TABLE t (a)"); err != nil {
		t.Fatal(err)
	}
	return path
}

// damaged is a copy of a database with a page in it that is garbage.
func damaged(t *testing.T, db *DB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "damaged.db")
	if _, err := Backup(t.Context(), db.Path(), path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for at := page * 5; at+page <= len(b); at += page * 3 {
		copy(b[at:], strings.Repeat("\xff", 200))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestorePutsBackWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "reputed.db"), filepath.Join(dir, "copy.db")
	lay(t, path)
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, db, t0, Batch{Mails: []Mail{refusal(1, "kim@example.net", t0)}, Read: readTo(1)}, opens(listed("192.0.2.10", "spamcop", t0), t0, "slack"))
	want, err := Backup(t.Context(), path, copied)
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, db, t0, Batch{Mails: []Mail{refusal(2, "lee@example.net", t0)}, Read: readTo(2)}, opens(listed("192.0.2.11", "spamcop", t0), t0, "slack"))
	// A process that was killed: its -wal file lies there still.
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, path+suffix, filepath.Join(dir, "killed.db"+suffix), 0o640)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(dir, "killed.db")
	if err := os.Chmod(killed, 0o640); err != nil {
		t.Fatal(err)
	}

	done, err := Restore(t.Context(), copied, killed, t0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Restored{want, killed + ".replaced-20260329T013000Z"}, done); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if info, err := os.Stat(killed); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v, want that of the file before", info.Mode(), err)
	}
	for at, incidents := range map[string]int{killed: 1, done.Replaced: 2, copied: 1} {
		got := open(t, at)
		integrity(t, got)
		if all, err := got.Incidents(t.Context(), IncidentFilter{}); err != nil || len(all) != incidents {
			t.Errorf("%s: %d incidents, %v, want %d", at, len(all), err, incidents)
		}
		if p, err := got.Position(t.Context(), "bounces"); err != nil || int(p.UID) != incidents {
			t.Errorf("%s: position %v, %v", at, p, err)
		}
		if n := count(t, got, "SELECT count(*) FROM outbox WHERE state = 'queued'"); n != incidents {
			t.Errorf("%s: %d notices wait, want %d", at, n, incidents)
		}
	}
	nothingBeside(t, dir)
}

func TestRestoreWhereThereIsNone(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
	path := filepath.Join(t.TempDir(), "a", "reputed.db")
	done, err := Restore(t.Context(), db.Path(), path, t0) // of a database that is in use, as of a copy
	if err != nil || done.Replaced != "" || done.Incidents != 1 {
		t.Errorf("%+v, %v, want one incident and nothing replaced", done, err)
	}
	integrity(t, open(t, path))
}

func TestRestoreInPlaceOfADamagedDatabase(t *testing.T) {
	db := fresh(t)
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
	path := filepath.Join(t.TempDir(), "reputed.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), db.Path(), path, t0)
	if err != nil {
		t.Fatal(err)
	}
	integrity(t, open(t, path))
	if b, err := os.ReadFile(done.Replaced); err != nil || !strings.HasPrefix(string(b), "garbage") {
		t.Errorf("what was there is not kept: %v", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	source := fresh(t)
	mustCommit(t, source, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
	newer := filepath.Join(t.TempDir(), "newer.db")
	if _, err := Backup(t.Context(), source.Path(), newer); err != nil {
		t.Fatal(err)
	}
	p, err := pool(dsn(newer), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ExecContext(t.Context(), "INSERT INTO schema_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}

	held, _ := heldByAnother(t)
	idle := fresh(t).Path()
	text := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(text, []byte(strings.Repeat("root:x:0:0:root:/root:/bin/bash\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct {
		from, path string
		at         time.Time
		want       error
		says       string
	}{
		"while a daemon runs":                {source.Path(), held, t0, ErrLeased, "the other daemon"},
		"while a daemon runs that is silent": {source.Path(), held, t0.Add(48 * time.Hour), ErrLeased, "the other daemon"},
		"what is newer than this binary":     {newer, idle, t0, ErrSchema, "99999"},
		"what is damaged":                    {damaged(t, source), idle, t0, ErrCorrupt, "damaged.db"},
		"what is no database":                {text, idle, t0, ErrCorrupt, "passwd is no whole backup, so nothing was changed; name another"},
		"what is not there":                  {filepath.Join(t.TempDir(), "no.db"), idle, t0, ErrNoDatabase, "no.db"},
		"the database itself":                {idle, idle, t0, nil, "name the backup"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Restore(t.Context(), c.from, c.path, c.at)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %v that says %q", err, c.want, c.says)
			}
			if c.want == ErrCorrupt && strings.Contains(err.Error(), "move the file away") {
				t.Errorf("%v: who names the wrong file is told to move it away", err)
			}
			if left, _ := filepath.Glob(c.path + ".replaced*"); len(left) > 0 {
				t.Errorf("set aside: %v", left)
			}
			nothingBeside(t, filepath.Dir(c.path))
		})
	}
}
