package store

import (
	"os"
	"path/filepath"
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
