package store

import (
	"os"
	"syscall"
)

// room is how many bytes are free in a folder for whoever is not root.
func room(dir string) (free int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(min(s.Bavail, 1<<40)) * s.Bsize, true // #nosec G115 -- bounded
}

// sameDisk says whether two folders take their room from one file system; true where it cannot be told.
func sameDisk(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX != nil || errY != nil {
		return true
	}
	s, okS := x.Sys().(*syscall.Stat_t)
	t, okT := y.Sys().(*syscall.Stat_t)
	return !okS || !okT || s.Dev == t.Dev
}
