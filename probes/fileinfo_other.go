//go:build !unix

package probes

import "io/fs"

// fileID returns nothing: files are recognised by their beginnings alone.
func fileID(fs.FileInfo) (device, inode uint64) { return 0, 0 }

// fileGroup returns nothing: there are no such groups.
func fileGroup(fs.FileInfo) (gid int, ok bool) { return 0, false }

// fileOwner returns nobody.
func fileOwner(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }
