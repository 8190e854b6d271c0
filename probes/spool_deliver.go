package probes

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// MakeMaildir creates the folders of a Maildir that are missing. The Maildir itself gets mode
// 0700; new, cur and tmp get the mode of the Maildir, so that whoever lets a group deliver needs
// to say so only once.
func MakeMaildir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	for _, sub := range []string{"tmp", "new", "cur"} {
		path := filepath.Join(dir, sub)
		switch err := os.Mkdir(path, 0o700); {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			return err
		}
		// The umask restricts the mode of Mkdir.
		if err := os.Chmod(path, info.Mode()&(fs.ModePerm|fs.ModeSetgid|fs.ModeSticky)); err != nil {
			return err
		}
	}
	return nil
}

// Deliver puts one mail into a Maildir. It is written to tmp, synced, and moved to new, so that
// nobody ever reads half of it, and a nil error means that it survives a power cut. The group of
// the folder may read the file (mode 0640, whatever the umask); what root delivers belongs to
// the owner of the folder, who could not read it otherwise.
//
// Of a mail longer than limit (0: [MaxMessageBytes]), the first limit bytes and one more are
// kept, which shows that it was cut, and its size in the name. r is read to its end all the
// same, because a mail server takes a closed pipe for a failure. After an error nothing is left
// in the folder; trying again helps once there is space, or permission.
func Deliver(dir string, r io.Reader, limit int, now time.Time) (err error) {
	limit = positive(limit, MaxMessageBytes)
	tmp, err := os.OpenFile(filepath.Join(dir, "tmp", uniqueName(now)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
		}
	}()
	if err := tmp.Chmod(0o640); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		if err := giveToOwner(filepath.Join(dir, "new"), tmp); err != nil {
			return err
		}
	}
	n, err := io.Copy(tmp, io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return err
	}
	more, err := io.Copy(io.Discard, r)
	if err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	target := filepath.Join(dir, "new", filepath.Base(tmp.Name())+fmt.Sprintf(",S=%d", n+more))
	if err := os.Rename(tmp.Name(), target); err != nil {
		return err
	}
	kept = true
	return errors.Join(syncName(filepath.Dir(target), tmp), tmp.Close())
}

// giveToOwner gives a file to the owner and the group of a folder.
func giveToOwner(dir string, f *os.File) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	uid, gid, ok := fileOwner(info)
	if !ok {
		return nil
	}
	return f.Chown(uid, gid)
}

// syncName makes the name of a file in a folder survive a power cut.
func syncName(dir string, f *os.File) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		// It is a drop box, which we may write to but not read. With the file, the journal of any
		// usual file system also writes that it was renamed.
		return f.Sync()
	}
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// uniqueName returns a name that no other mail in the folder has (maildir(5)).
func uniqueName(now time.Time) string {
	host, _ := os.Hostname()
	host = strings.Map(func(r rune) rune {
		if r == '/' || r == ':' || r == ',' || r <= ' ' {
			return '-'
		}
		return r
	}, host)
	return fmt.Sprintf("%d.M%06dP%dR%s.%s", now.Unix(), now.Nanosecond()/1000, os.Getpid(), rand.Text()[:10], host)
}
