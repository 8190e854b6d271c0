//go:build unix

package probes

import (
	"io/fs"
	"syscall"
)

// fileID returns the device and the inode of a file.
func fileID(info fs.FileInfo) (device, inode uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev), s.Ino // Dev is of another type on every system
	}
	return 0, 0
}

// fileGroup returns the group that a file belongs to.
func fileGroup(info fs.FileInfo) (gid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Gid), true
}

// fileOwner returns the user and the group that a file belongs to.
func fileOwner(info fs.FileInfo) (uid, gid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(s.Uid), int(s.Gid), true
}
