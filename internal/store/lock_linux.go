package store

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// Locks of an open file description, fcntl(2): unlike the older ones they are not dropped
// when the process closes another descriptor of the file; and unlike flock(2) it can be
// asked whether there is one without taking it. Package syscall lacks the numbers.
const (
	ofdGetLock = 36 // F_OFD_GETLK
	ofdSetLock = 37 // F_OFD_SETLK
)

func lock(f *os.File) error {
	err := syscall.FcntlFlock(f.Fd(), ofdSetLock, &syscall.Flock_t{Type: syscall.F_WRLCK})
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return errLocked
	}
	return err
}

// taken says whether somebody has the lock. The error means that it cannot be told.
func taken(f *os.File) (bool, error) {
	l := syscall.Flock_t{Type: syscall.F_WRLCK}
	err := syscall.FcntlFlock(f.Fd(), ofdGetLock, &l)
	return l.Type != syscall.F_UNLCK, err
}

// fileID is the inode: no other file of the file system has it while this one is open, removed or not.
// The device is left out, since containers may see one volume as several.
func fileID(info fs.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return strconv.FormatUint(s.Ino, 10)
	}
	return ""
}

// noFollow makes opening fail where the last part of the name is a link.
const noFollow = syscall.O_NOFOLLOW

func owner(info fs.FileInfo) (uid, gid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(s.Uid), int(s.Gid), true
}
