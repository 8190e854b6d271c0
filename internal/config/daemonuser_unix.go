//go:build unix

package config

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// daemonAccount is the user that a daemon on this database runs as, whom its file or its folder belongs to. Ok is false
// if this is not root, who alone can read more than that user, or if there is no such user but root.
func daemonAccount(database string) (a account, ok bool) {
	if os.Geteuid() != 0 {
		return a, false
	}
	f, ok := statOwned(database)
	if !ok {
		if f, ok = statOwned(filepath.Dir(database)); !ok {
			return a, false
		}
	}
	if f.uid == 0 {
		return a, false
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(f.uid), 10))
	if err != nil {
		return a, false
	}
	a = account{name: u.Username, group: u.Gid, uid: f.uid}
	if g, err := user.LookupGroupId(u.Gid); err == nil {
		a.group = g.Name
	}
	all, err := u.GroupIds()
	if err != nil {
		return a, false
	}
	for _, s := range all {
		if gid, err := strconv.ParseUint(s, 10, 32); err == nil {
			a.gids = append(a.gids, uint32(gid))
		}
	}
	return a, true
}

// statOwned is the mode and the owner of a file; ok is false if they cannot be had.
func statOwned(path string) (f owned, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return f, false
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return f, false
	}
	return owned{mode: info.Mode(), uid: sys.Uid, gid: sys.Gid}, true
}
