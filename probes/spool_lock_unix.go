//go:build unix

package probes

import (
	"io"
	"os"
	"syscall"
)

// lockShared takes both locks that mail servers take on an mbox, for reading and without
// waiting, and says whether nobody is writing. The locks end when the file is closed. If the
// file system has no locks, nobody is known to be writing.
func lockShared(f *os.File) bool {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == syscall.EWOULDBLOCK {
		return false
	}
	err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_RDLCK, Whence: io.SeekStart})
	return err != syscall.EAGAIN && err != syscall.EACCES
}
