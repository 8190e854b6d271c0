package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// draft is a file that is made for a folder and has no name there yet. SQLite opens files by their names, and whoever owns
// the folder can put a link in place of a name between two looks: the daemon's user, if it was taken over, would have
// root write where it likes. So for a folder of somebody else root makes it where nobody else can do anything, and only
// the finished file is moved, which follows no link.
type draft struct {
	path    string
	private string // folder that was made for it alone; empty: there is none
}

// newDraft makes an empty file, mode 0600, for the folder dir. The pattern is that of [os.CreateTemp].
func newDraft(dir, pattern string) (d draft, err error) {
	at := dir
	if os.Geteuid() == 0 {
		if at, err = rootOnly(dir); err != nil {
			return d, err
		}
	}
	if at != dir {
		if d.private, err = os.MkdirTemp(at, ".reputed-"); err != nil { // mode 0700
			return d, err
		}
		at = d.private
	}
	f, err := os.CreateTemp(at, pattern)
	if err != nil {
		return d, errors.Join(err, d.discard())
	}
	d.path = f.Name()
	return d, f.Close()
}

// rootOnly is dir if nobody but root can change it or what leads to it, else the nearest folder above of which that is true.
func rootOnly(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	best, whole := string(filepath.Separator), true
	at := best
	for part := range strings.SplitSeq(strings.Trim(real, best), best) {
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		if err != nil {
			return "", err
		}
		// In a folder with the sticky bit nobody can rename what is root's.
		uid, _, known := owner(info)
		if known && (uid != 0 || info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0) {
			whole = false
			break
		}
		best = at
	}
	if whole {
		return dir, nil
	}
	return best, nil
}

// bring makes sure that a finished draft is on the file system of dir, so that it can be given its name there at once. To
// another file system it is copied, by descriptors and not by names, with owner and mode.
func (d *draft) bring(dir string) (err error) {
	if d.private == "" || sameDisk(d.private, dir) {
		return nil
	}
	from, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	to, err := os.CreateTemp(dir, ".reputed-*.copy")
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Chmod(info.Mode().Perm()), chown(to, info), to.Sync(), to.Close()); err != nil {
		return errors.Join(err, os.Remove(to.Name()))
	}
	d.path = to.Name()
	return nil
}

// discard removes what is left of it. It does no harm twice, nor after the file got its name.
func (d *draft) discard() error {
	var errs []error
	if d.path != "" {
		if err := os.Remove(d.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove what is left: %w", err))
		}
	}
	if d.private != "" {
		errs = append(errs, os.RemoveAll(d.private))
	}
	return errors.Join(errs...)
}
