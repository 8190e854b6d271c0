package config

import (
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
)

// account is a user of this machine, as far as the modes of files go by it.
type account struct {
	name, group string // of its own group
	uid         uint32
	gids        []uint32
}

// owned is what the mode of a file goes by.
type owned struct {
	mode     fs.FileMode
	uid, gid uint32
}

// may says whether bit 4 (read) or 1 (search) of the mode is there for the account. Access lists are not looked at.
func (a account) may(bit fs.FileMode, f owned) bool {
	switch {
	case a.uid == 0:
		return true
	case a.uid == f.uid:
		return f.mode.Perm()&(bit<<6) != 0
	}
	for _, gid := range a.gids {
		if gid == f.gid {
			return f.mode.Perm()&(bit<<3) != 0
		}
	}
	return f.mode.Perm()&bit != 0
}

// stopped is what keeps the account from reading a file: the file itself, or the folder that it may not pass; empty: nothing.
func (a account) stopped(path string, stat func(path string) (owned, bool)) string {
	var above []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		above = append(above, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for i := len(above) - 1; i >= 0; i-- {
		if f, ok := stat(above[i]); ok && !a.may(1, f) {
			return above[i]
		}
	}
	if f, ok := stat(path); ok && !a.may(4, f) {
		return path
	}
	return ""
}

// readByDaemon warns of what root can read here and the user of the daemon, who owns the database, could not: root's
// "config check" would find all well, and the service would not start.
func (v *validator) readByDaemon() {
	who, ok := daemonAccount(v.cfg.Database.Path)
	if !ok || v.opt.Secrets != Resolve && v.opt.Secrets != "" {
		return
	}
	warn := func(at, what, path string) {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		switch door := who.stopped(path, statOwned); door {
		case "":
		case path:
			v.warn(at, "%s is closed to the user %s, who owns the database and would run the daemon: chgrp %s it, and chmod 640", what, who.name, who.group)
		default:
			v.warn(at, "%s is closed to the user %s, who owns the database and would run the daemon: the folder %s keeps them out", what, who.name, shown(door))
		}
	}
	if v.cfg.Path != "" {
		if path, err := filepath.Abs(v.cfg.Path); err == nil {
			warn("", "this file", path)
		}
	}
	eachSecret(reflect.ValueOf(v.cfg).Elem(), "", func(path string, s *Secret) {
		if kind, name, _ := strings.Cut(s.from, ":"); kind == "file" && s.value != nil {
			warn(path, "file "+shown(name), v.path(name))
		}
	})
}
