package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// lockSuffix is what the name of the lock file has behind that of the database. The file stays
// when nobody holds it: to remove it would let two processes lock two files of one name.
const lockSuffix = ".lock"

// errLocked: another process on this machine holds the lock file, and so is alive.
var errLocked = errors.New("locked by another process")

// fileLock is a lock of the operating system on a file beside the database. The
// system gives it back when its holder ends, however that ends, and in whatever container:
// who gets it knows that no holder of the same file on this machine is left. It says
// nothing of other machines, nor of file systems without locks, so the lease stands
// beside it. A nil fileLock is one that could not be had.
//
// It is not on the database file itself: SQLite's own locks are there, and to close any
// descriptor of that file would drop them (fcntl(2)).
type fileLock struct {
	f  *os.File
	id string // of the file, as long as somebody has it open
}

// lockFile takes the lock of the database at path without waiting. It gives [errLocked] if
// another has it; any other error says why there can be none.
func lockFile(path string) (*fileLock, error) {
	for range 10 {
		// Made by us, or there already: what lies there may be a second name of a file elsewhere, and is not given away.
		f, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
		made := err == nil
		if errors.Is(err, fs.ErrExist) {
			f, err = os.OpenFile(path+lockSuffix, os.O_RDWR|noFollow, 0)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed in between
		}
		if err != nil {
			return nil, err
		}
		if made {
			// Root may be a person who restores a backup; the daemon must be able to open it.
			if info, err := os.Stat(filepath.Dir(path)); err == nil {
				_ = chown(f, info)
			}
		}
		if err := lock(f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		// Somebody may have removed the file between opening and locking, and another made a new one.
		opened, err := f.Stat()
		named, errNamed := os.Stat(path + lockSuffix)
		if err == nil && errNamed == nil && os.SameFile(opened, named) {
			return &fileLock{f: f, id: fileID(opened)}, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s%s is removed again and again", path, lockSuffix)
}

// locked gives the id of the lock file of the database at path as unheld if it is certain that nobody holds it,
// as held if somebody does, and neither where that cannot be told. It takes nothing, so that no
// daemon that starts at this moment finds it taken.
func locked(path string) (unheld, held string) {
	f, err := os.OpenFile(path+lockSuffix, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return "", ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", ""
	}
	switch taken, err := taken(f); {
	case err != nil:
		return "", ""
	case taken:
		return "", fileID(info)
	}
	return fileID(info), ""
}

// release gives the lock back. It does no harm twice, nor to a nil one.
func (l *fileLock) release() {
	if l != nil {
		_ = l.f.Close()
	}
}

// identity is the id of the lock file, "" if there is no lock.
func (l *fileLock) identity() string {
	if l == nil {
		return ""
	}
	return l.id
}

// scope is within what the process of a lease can be known to be dead, as the lease has it.
type scope struct {
	lock string // id of the lock file that it holds; "" if none
	boot string // of the kernel
	pids string // namespace of its pid
}

// String is how a lease has it. What was written before there were lock files lacks the first word.
func (s scope) String() string {
	if s.boot == "" {
		return ""
	}
	if s.lock == "" {
		return s.boot + " " + s.pids
	}
	return "lock:" + s.lock + " " + s.boot + " " + s.pids
}

func parseScope(text string) (s scope) {
	words := strings.Fields(text)
	if len(words) > 0 && strings.HasPrefix(words[0], "lock:") {
		s.lock, words = strings.TrimPrefix(words[0], "lock:"), words[1:]
	}
	if len(words) == 2 {
		s.boot, s.pids = words[0], words[1]
	}
	return s
}

// here is the scope of this process; without a boot where the system does not tell (anything but Linux).
func here(lock string) scope {
	boot, errBoot := os.ReadFile("/proc/sys/kernel/random/boot_id")
	ns, errNS := os.Readlink("/proc/self/ns/pid")
	if errBoot != nil || errNS != nil {
		return scope{}
	}
	return scope{lock, strings.TrimSpace(string(boot)), ns}
}

// chown gives an open file the owner of another, if we may and must. Not by its name: in the folder of the daemon, root
// would give away what a link there leads to.
func chown(f *os.File, like fs.FileInfo) error {
	uid, gid, ok := owner(like)
	if !ok || os.Geteuid() != 0 {
		return nil // it is ours, and we may give it to nobody
	}
	return f.Chown(uid, gid)
}
