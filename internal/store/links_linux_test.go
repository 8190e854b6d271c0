package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Root runs commands in a folder that belongs to the user of the daemon. A link that lies there in place of a file
// of ours must not lead it to make, open up or give away a file elsewhere.
func TestNoLinkInTheFolderIsFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "reputed.db")
	t.Run("the lock is a link to what is not there", func(t *testing.T) {
		elsewhere := filepath.Join(outside, "made")
		if err := os.Symlink(elsewhere, path+lockSuffix); err != nil {
			t.Fatal(err)
		}
		if l, err := lockFile(path); err == nil {
			l.release()
			t.Error("it was locked")
		}
		if _, err := os.Lstat(elsewhere); err == nil {
			t.Error("a file was made elsewhere")
		}
	})
	t.Run("the copy has become a link", func(t *testing.T) {
		elsewhere, beside := filepath.Join(outside, "other"), filepath.Join(dir, ".reputed-1.copy")
		for _, file := range []string{elsewhere, path} {
			if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(elsewhere, beside); err != nil {
			t.Fatal(err)
		}
		if err := inheritOwner(beside, path); err == nil {
			t.Error("the link was followed")
		}
		if info, err := os.Stat(elsewhere); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file elsewhere: %v, %v", info, err)
		}
	})
}

// A folder of somebody else is one in which every name may lead elsewhere a moment later. Root writes
// nothing there by name but what is whole, and what it leaves there is theirs.
func TestRootMakesItsCopiesWhereNobodyElseCan(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root")
	}
	const nobody = 65534
	root := t.TempDir()
	theirs := filepath.Join(root, "theirs")
	deep := filepath.Join(theirs, "deep")
	for _, dir := range []string{theirs, deep} {
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(deep, 0, 0); err != nil { // root's, within theirs: they can move it away
		t.Fatal(err)
	}
	for _, dir := range []string{theirs, deep} {
		d, err := newDraft(dir, "x")
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(d.path, theirs) || d.private == "" || filepath.Dir(d.private) != root {
			t.Errorf("for %s: %+v", dir, d)
		}
		if info, err := os.Stat(d.private); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if err := d.discard(); err != nil || exists(d.private) {
			t.Errorf("it stays: %v", err)
		}
	}
	if err := os.Chmod(root, 0o777); err != nil {
		t.Fatal(err)
	}
	if at, err := rootOnly(root); err != nil || at == root {
		t.Errorf("a folder for everybody is root's alone: %q, %v", at, err)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	// All of it: a backup there, a restore there with a file of theirs in its place, and the copy before an upgrade.
	db := fresh(t)
	for uid := range uint32(3) {
		if err := commitStory(t.Context(), db, uid+1); err != nil {
			t.Fatal(err)
		}
	}
	kept, path := filepath.Join(theirs, "kept.db"), filepath.Join(theirs, "reputed.db")
	if _, err := Backup(t.Context(), db.Path(), kept); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Restore(t.Context(), kept, path, t0); err != nil {
			t.Fatal(err)
		}
	}
	old, _ := earlier(t)
	if err := errors.Join(os.Rename(old, path), os.Chown(path, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	opened, err := Open(t.Context(), path, Options{CopyTo: []string{theirs}})
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(theirs)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		uid, _, _ := owner(info)
		switch name := e.Name(); {
		case strings.HasPrefix(name, ".reputed-"):
			t.Errorf("left behind: %s", name)
		case strings.HasPrefix(name, "reputed.db") && name != "reputed.db-wal" && name != "reputed.db-shm" && uid != nobody:
			t.Errorf("%s is of user %d", name, uid)
		}
	}
	if got := copiesOf(t, theirs); len(got) != 1 {
		t.Errorf("copies before the upgrade: %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".reputed-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Between file systems the file is written anew, by its descriptor.
func TestADraftIsBroughtToAnotherFileSystem(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "reputed-test-")
	if err != nil {
		t.Skip("no second file system here")
	}
	t.Cleanup(func() { _ = os.RemoveAll(shm) })
	dir := t.TempDir()
	if sameDisk(dir, shm) {
		t.Skip("no second file system here")
	}
	private := filepath.Join(dir, "private")
	d := draft{path: filepath.Join(private, "x"), private: private}
	if err := errors.Join(os.Mkdir(private, 0o700), os.WriteFile(d.path, []byte("whole"), 0o600), os.Chmod(d.path, 0o640)); err != nil {
		t.Fatal(err)
	}
	if err := d.bring(shm); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(d.path)
	info, errStat := os.Stat(d.path)
	if err != nil || errStat != nil || string(b) != "whole" || filepath.Dir(d.path) != shm || info.Mode().Perm() != 0o640 {
		t.Errorf("%s: %q, %v", d.path, b, errors.Join(err, errStat))
	}
	if err := d.discard(); err != nil || exists(private) || exists(d.path) {
		t.Errorf("something stays: %v", err)
	}
}

// A second name of a file elsewhere is not given away as if the lock had been made just now.
func TestAHardLinkIsNotGivenAway(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root")
	}
	dir := t.TempDir()
	elsewhere := filepath.Join(dir, "elsewhere")
	theirs := filepath.Join(dir, "theirs")
	if err := errors.Join(os.WriteFile(elsewhere, []byte("x"), 0o600), os.Mkdir(theirs, 0o755), os.Chown(theirs, 65534, 65534), os.Link(elsewhere, filepath.Join(theirs, "reputed.db"+lockSuffix))); err != nil {
		t.Fatal(err)
	}
	l, err := lockFile(filepath.Join(theirs, "reputed.db"))
	if err == nil {
		l.release()
	}
	info, err := os.Stat(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if uid, _, _ := owner(info); uid != 0 {
		t.Errorf("it is of user %d", uid)
	}
}
