package probes

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// logEntry is a file that holds a part of a log: the current one, or one that it was rotated to.
type logEntry struct {
	path    string
	name    string // base name without the extension of the compression
	ext     string // "gz", "xz", "zst", "bz2", or one that cannot be read; "" if not compressed
	info    fs.FileInfo
	current bool // the one being written
	number  int  // maillog.3: 3; -1 if the name has none
}

func (e logEntry) packed() bool { return e.ext != "" }

// rotated matches what rotation appends to a name, or puts before its extension: ".1",
// "-20261124", ".2026-11-24", "-20261124-1764000000", ".old".
var rotated = regexp.MustCompile(`^[-._](?:(\d{1,5})|\d{8}(?:[-._T]?\d+)?|\d{4}-\d\d(?:-\d\d)?(?:[-._T]\d+)*|old)$`)

var packings = []string{"gz", "xz", "zst", "bz2", "Z", "lz4", "lzma", "lz"}

// entryOf reads the name of a file beside the log with the name base. It is false if that is not
// a part of the log.
func entryOf(base, name string) (logEntry, bool) {
	e := logEntry{name: name, number: -1}
	for _, p := range packings {
		if rest, ok := strings.CutSuffix(name, "."+p); ok {
			e.name, e.ext = rest, p
			break
		}
	}
	if e.name == base {
		e.current = e.ext == ""
		return e, e.current
	}
	suffix, ok := strings.CutPrefix(e.name, base)
	if !ok {
		// "mail-20261124.log" beside "mail.log": logrotate's extension directive.
		ext := filepath.Ext(base)
		stem := strings.TrimSuffix(base, ext)
		middle, cut := strings.CutSuffix(e.name, ext)
		if suffix, ok = strings.CutPrefix(middle, stem); !ok || !cut || ext == "" || stem == "" {
			return e, false
		}
	}
	m := rotated.FindStringSubmatch(suffix)
	if m == nil {
		return e, false
	}
	if m[1] != "" {
		e.number, _ = strconv.Atoi(m[1]) // at most five digits
	}
	return e, true
}

// siblings lists the parts of the log at path, the oldest first. If there is both a plain and a
// compressed one, as while it is being compressed, the plain one counts.
func siblings(path string) ([]logEntry, error) {
	dir, base := filepath.Split(path)
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []logEntry
	for _, d := range names {
		e, ok := entryOf(base, d.Name())
		if !ok {
			continue
		}
		e.path = filepath.Join(dir, d.Name())
		e.info, err = os.Stat(e.path) // not Lstat: the current name may be a link to a dated file
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if e.info.Mode().IsRegular() {
			all = append(all, e)
		}
	}
	kept := all[:0:0]
	for _, e := range all {
		if !slices.ContainsFunc(all, func(o logEntry) bool {
			return e.path != o.path && (e.packed() && !o.packed() && e.name == o.name || o.current && os.SameFile(e.info, o.info))
		}) {
			kept = append(kept, e)
		}
	}
	slices.SortStableFunc(kept, older)
	return kept, nil
}

// older orders parts by when they were last written, which compressing does not change. If two
// are equal, the higher number and the earlier date come first.
func older(a, b logEntry) int {
	switch {
	case a.current != b.current:
		if a.current {
			return 1
		}
		return -1
	case !a.info.ModTime().Equal(b.info.ModTime()):
		return a.info.ModTime().Compare(b.info.ModTime())
	case a.number != b.number:
		return cmp.Compare(b.number, a.number)
	}
	return strings.Compare(a.name, b.name)
}

// find opens the part of the log that holds pos, and goes there. It returns nil without an error
// if there is none.
func find(all []logEntry, pos LogPosition) (*logFile, error) {
	same := func(e logEntry) bool {
		dev, ino := fileID(e.info)
		return dev == pos.Device && ino == pos.Inode
	}
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b logEntry) int { // cheap and likely ones first
		rank := func(e logEntry) int {
			switch {
			case same(e):
				return 0
			case !e.packed():
				return 1
			}
			return 2
		}
		return cmp.Compare(rank(a), rank(b))
	})
	for _, e := range order {
		if pos.Offset == 0 && !same(e) || !e.packed() && e.info.Size() < pos.Offset {
			continue
		}
		f, err := openLog(e, 0)
		if err == nil {
			head := make([]byte, min(pos.Offset, headBytes))
			_, err = io.ReadFull(f.text, head)
			f.close()
			if err == nil && fingerprint(head) != pos.Head {
				continue
			}
			err = short(err)
		}
		if err == nil {
			f, err = openLog(e, pos.Offset)
		}
		switch {
		case err == nil:
			return f, nil
		case unusable(e, err):
			continue
		}
		return nil, err
	}
	return nil, nil
}

// unusable says whether an error of opening a part means that the part is of no use: it is gone,
// too short, damaged, or of an unknown compression.
func unusable(e logEntry, err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errPacking) || e.packed() && !errors.Is(err, fs.ErrPermission)
}

// after returns the parts that come after f, in order. f may have been renamed, compressed or
// deleted meanwhile; a copy of it does not come after it.
func after(all []logEntry, f *logFile) []logEntry {
	at := slices.IndexFunc(all, func(e logEntry) bool { return os.SameFile(e.info, f.entry.info) })
	for i := len(all) - 1; i >= 0 && at < 0; i-- {
		if copyOf(all[i], f) { // compressed, or copied
			at = i
		}
	}
	var rest []logEntry
	for i, e := range all {
		switch {
		case i <= at:
			continue
		case at < 0 && e.info.ModTime().Before(f.changed) && !e.current:
			continue
		case e.info.Size() == 0 && !e.current, copyOf(e, f):
			continue
		}
		rest = append(rest, e)
	}
	return rest
}

// copyOf says whether a part begins as f does.
func copyOf(e logEntry, f *logFile) bool {
	if len(f.head) == 0 || !e.packed() && e.info.Size() < int64(len(f.head)) {
		return false
	}
	c, err := openLog(e, 0)
	if err != nil {
		return false
	}
	defer c.close()
	head := make([]byte, len(f.head))
	_, err = io.ReadFull(c.text, head)
	return err == nil && bytes.Equal(head, f.head)
}
