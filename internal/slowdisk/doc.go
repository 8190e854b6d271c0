// Package slowdisk gives a test a disk of its own that is as slow as the test says, or broken: a file behind a loop device, with a
// file system on it, and the kernel's limit on what may be written to that device. Only tests import this package.
//
// It takes root, a loop device, mkfs.ext4, and the blkio controller of cgroup v1. Elsewhere the test is skipped with the
// reason, and fails in the continuous integration (CI=true).
package slowdisk
