package main

import (
	"syscall"
	"time"
)

// The kernel's view of its clock, adjtimex(2): package syscall lacks the names.
const (
	clockUnsync = 0x40 // STA_UNSYNC
	clockError  = 5    // TIME_ERROR: the clock is not kept
)

// kernelClock says whether something keeps the clock, and how far off it may be.
func kernelClock() (kept bool, within time.Duration, known bool) {
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t) // Modes is 0: it only asks
	if err != nil {
		return false, 0, false
	}
	return state != clockError && t.Status&clockUnsync == 0, time.Duration(t.Maxerror) * time.Microsecond, true
}

// diskFree is how much room there is for whoever is not root.
func diskFree(dir string) (bytes uint64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}

// mayWrite asks the kernel, and opens nothing.
func mayWrite(path string) (ok, known bool) {
	const write = 2 // W_OK
	return syscall.Access(path, write) == nil, true
}
