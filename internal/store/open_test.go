package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
)

func TestOpenMakesFolderAndFileForTheOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "reputed.db")
	db := open(t, path)
	mustCommit(t, db, t0, Batch{}, nothing)
	for name, want := range map[string]fs.FileMode{path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, filepath.Dir(path): 0o750 | fs.ModeDir} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&^want != 0 {
			t.Errorf("%s has mode %v, want no more than %v", name, info.Mode(), want)
		}
	}
}

func TestPathsMayHoldAnything(t *testing.T) {
	for _, name := range []string{"with space.db", "what?.db", "50%.db", "%41.db", "#1.db", "a&b=c;d+e.db", "x.db?mode=memory", "köln.db", ":memory:", "'quoted\".db", "back\\slash.db", "file:x.db"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			db, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != name {
				t.Errorf("the folder holds %v, %v; want %q alone", entries, err, name)
			}
			ro, err := OpenReadOnly(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer ro.Close()
			if all, err := ro.Incidents(t.Context(), IncidentFilter{}); err != nil || len(all) != 1 {
				t.Errorf("incidents = %v, %v, want one", all, err)
			}
		})
	}
}

// TestEveryConnectionHasItsSettings holds the trap shut that a PRAGMA through Exec
// reaches one connection of a pool only.
func TestEveryConnectionHasItsSettings(t *testing.T) {
	db := fresh(t)
	for name, p := range map[string]*sql.DB{"write": db.write, "read": db.read} {
		want := map[string]string{"journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "30000", "trusted_schema": "0"}
		conns := 1
		if name == "read" {
			conns, want["query_only"] = readers, "1"
		} else {
			want["synchronous"] = "2"
		}
		var held []*sql.Conn
		for range conns {
			c, err := p.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
			for pragma, want := range want {
				var got string
				if err := c.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s: %s = %q, %v, want %s", name, pragma, got, err, want)
				}
			}
		}
		for _, c := range held {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := db.read.ExecContext(t.Context(), "DELETE FROM runs"); err == nil {
		t.Error("a reader may write")
	}
	if _, err := db.write.ExecContext(t.Context(), `SELECT "no such column" FROM runs`); err == nil {
		t.Error("a column that does not exist reads as a text")
	}
}

func TestTablesAreStrict(t *testing.T) {
	db := fresh(t)
	err := each(t.Context(), db.read, func(r *sql.Rows) error {
		var name string
		var strict bool
		if err := r.Scan(&name, &strict); err != nil {
			return err
		}
		if !strict && name != versionTable {
			t.Errorf("table %s is not STRICT", name)
		}
		return nil
	}, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.ExecContext(t.Context(), "INSERT INTO runs (check_name, started, state) VALUES ('dnsbl', ?, 'running')", t0); err == nil {
		t.Error("a time.Time can be stored as text")
	}
}

// schema is what the database is made of, as SQLite writes it down.
func schema(t *testing.T, db *DB) string {
	t.Helper()
	var b strings.Builder
	if err := each(t.Context(), db.read, func(r *sql.Rows) error {
		var s string
		err := r.Scan(&s)
		fmt.Fprintln(&b, s)
		return err
	}, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMigratesFromEveryVersion(t *testing.T) {
	newest := fresh(t)
	want := schema(t, newest)
	p, err := newest.provider()
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range append([]*goose.Source{{Version: 0}}, p.ListSources()...) {
		if testing.Short() && from.Version%5 != 0 {
			continue // its time grows with the square of their number
		}
		t.Run(fmt.Sprint(from.Version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "reputed.db")
			write, err := pool(dsn(path, "_txlock=immediate"), 1)
			if err != nil {
				t.Fatal(err)
			}
			old, err := (&DB{write: write}).provider()
			if err != nil {
				t.Fatal(err)
			}
			if from.Version > 0 {
				if _, err := old.UpTo(t.Context(), from.Version); err != nil {
					t.Fatal(err)
				}
			}
			if err := write.Close(); err != nil {
				t.Fatal(err)
			}
			db := open(t, path)
			if got := schema(t, db); got != want {
				t.Errorf("schema from version %d:\n%s\nwant\n%s", from.Version, got, want)
			}
			integrity(t, db)
		})
	}
}

func TestOpenAgainKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reputed.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	key := db.key
	mustCommit(t, db, t0, Batch{}, opens(listed("192.0.2.10", "spamcop", t0), t0))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	if !bytes.Equal(db.key, key) || len(key) != 32 {
		t.Error("the key of recipient hashes is another one")
	}
	if s := look(t, db, t0, Batch{}); len(s.Open) != 1 {
		t.Errorf("%d incidents are open, want 1", len(s.Open))
	}
}

// TestOpenSaysWhatToDo is about files that cannot be used. None of them is
// changed, and each error says what to do.
func TestOpenSaysWhatToDo(t *testing.T) {
	exec := func(t *testing.T, path, query string) {
		p, err := pool(dsn(path), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	whole := func(t *testing.T, path string) {
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for uid := range uint32(20) {
			if err := commitStory(t.Context(), db, uid+1); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		is   error
		says string
	}{
		"newer schema": {func(t *testing.T, path string) {
			whole(t, path)
			exec(t, path, "INSERT INTO schema_version (version_id, is_applied) VALUES (99, 1)")
		}, ErrSchema, "run the newer version"},
		"no database at all": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("This is a letter. "), 500), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "restore the newest backup"},
		"damaged pages": {func(t *testing.T, path string) {
			whole(t, path)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 4096 * 2; i < len(b); i++ {
				b[i] ^= 0x5a
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "restore the newest backup"},
		"cut short": {func(t *testing.T, path string) {
			whole(t, path)
			if err := os.Truncate(path, 4096*10); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "restore the newest backup"},
		"of another program": {func(t *testing.T, path string) {
			exec(t, path, "CREATE TABLE notes (text)")
		}, ErrNotOurs, "another path"},
		"marked by another program": {func(t *testing.T, path string) {
			exec(t, path, "PRAGMA application_id = 252006674")
		}, ErrNotOurs, "another path"},
	} {
		for _, way := range []string{"write", "read"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "reputed.db")
				c.make(t, path)
				before, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				var db *DB
				if way == "write" {
					db, err = Open(t.Context(), path, Options{})
				} else {
					db, err = OpenReadOnly(t.Context(), path)
					if err == nil && c.is == ErrCorrupt {
						// A reader does not look through the whole file first.
						_, err = db.Incidents(t.Context(), IncidentFilter{Limit: -1})
						if err == nil {
							_, err = db.Bounces(t.Context(), BounceFilter{Limit: -1})
						}
					}
				}
				if db != nil {
					db.Close()
				}
				if !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) || !strings.Contains(fmt.Sprint(err), path) {
					t.Errorf("err = %v\nwant %v that names the file and says %q", err, c.is, c.says)
				}
				after, err := os.ReadFile(path)
				if err != nil || !bytes.Equal(before, after) {
					t.Errorf("the file was changed (%v)", err)
				}
			})
		}
	}
}

// SQLite takes a folder for a disk that fails.
func TestAFolderIsNoDatabase(t *testing.T) {
	dir := t.TempDir()
	_, writing := Open(t.Context(), dir, Options{})
	_, reading := OpenReadOnly(t.Context(), dir)
	for _, err := range []error{writing, reading} {
		if err == nil || !strings.Contains(err.Error(), "this is a folder: name the file in it, such as "+dir+"/reputed.db") {
			t.Errorf("err = %v", err)
		}
	}
	nothingBeside(t, dir)
}

func TestOpenReadOnlyWithoutDatabase(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"missing": filepath.Join(dir, "missing.db"), "empty": empty} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenReadOnly(t.Context(), path)
			if !errors.Is(err, ErrNoDatabase) {
				t.Errorf("err = %v, want ErrNoDatabase", err)
			}
		})
	}
	if exists(filepath.Join(dir, "missing.db")) {
		t.Error("opening for reading made a file")
	}
}

func TestOpenWhereNothingCanBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), filepath.Join(file, "reputed.db"), Options{}); err == nil {
		t.Error("a database was made below a file")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, filepath.Join(t.TempDir(), "reputed.db"), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: err = %v", err)
	}
}
