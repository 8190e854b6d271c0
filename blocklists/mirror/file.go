package mirror

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// MaxBytes is how large a file may be.
const MaxBytes = 1 << 30

// File keeps the [Set] of a file up to date. It is safe for concurrent use: a new Set replaces
// the old one as a whole.
type File struct {
	Path   string
	Kind   Kind          // empty: [Auto]
	Zone   string        // as in [Parse]
	MaxAge time.Duration // how long a file that does not change is believed; 0: for ever

	mu      sync.Mutex
	set     *Set
	failed  error
	changed time.Time // modification time of the file that set or failed is about
	size    int64
	looked  bool
}

// Split reads "ip4set:PATH", as on the command line of rbldnsd, or a path alone.
func Split(s string) (Kind, string) {
	kind, path, ok := strings.Cut(s, ":")
	switch Kind(kind) {
	case Auto, IP4Set, IP4Trie, IP4TSet, IP6Trie, IP6TSet, DNSet, Combined:
		if ok {
			return Kind(kind), path
		}
	}
	return Auto, s
}

// State is what is known of a file at one time.
type State struct {
	Set     *Set // nil: nothing is known
	Err     error
	Changed time.Time // of the file
	Loaded  bool      // the file was read just now
}

// Look returns the Set. It reads the file first if its modification time or size has changed
// since it was last read. If the file changes while it is being read, the Set from before stays,
// and the next call reads again. State.Err says for people why there is no Set; it holds the
// path and no line of the file.
func (f *File) Look(now time.Time) State {
	f.mu.Lock()
	defer f.mu.Unlock()
	loaded := f.refresh()
	st := State{Set: f.set, Err: f.failed, Changed: f.changed, Loaded: loaded}
	switch {
	case st.Err != nil:
		st.Set = nil
	case f.MaxAge > 0 && now.Sub(f.changed) > f.MaxAge:
		st.Set, st.Err = nil, fmt.Errorf("%s has not changed for %s: see whether it is still fetched", f.Path, now.Sub(f.changed).Round(time.Hour))
	case !st.Set.Expires.IsZero() && now.After(st.Set.Expires):
		st.Set, st.Err = nil, fmt.Errorf("%s has expired on %s, as it says: see whether it is still fetched", f.Path, st.Set.Expires.Format(time.RFC3339))
	}
	return st
}

// refresh reads the file if that is needed, and says whether it did.
func (f *File) refresh() bool {
	before, err := os.Stat(f.Path)
	if err != nil {
		f.fail(err, time.Time{}, 0)
		return false
	}
	if f.looked && before.ModTime().Equal(f.changed) && before.Size() == f.size {
		return false
	}
	set, err := f.read(before)
	after, errAfter := os.Stat(f.Path)
	if errAfter != nil || !after.ModTime().Equal(before.ModTime()) || after.Size() != before.Size() {
		if f.set == nil && f.failed == nil {
			f.failed = fmt.Errorf("%s is being written: it is read the next time", f.Path)
		}
		f.looked = false // what was read may be incomplete
		return false
	}
	if err != nil {
		f.fail(err, before.ModTime(), before.Size())
		return true
	}
	f.set, f.failed, f.changed, f.size, f.looked = set, nil, before.ModTime(), before.Size(), true
	return true
}

func (f *File) fail(err error, changed time.Time, size int64) {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	f.set, f.failed, f.changed, f.size, f.looked = nil, fmt.Errorf("%s: %w", f.Path, err), changed, size, !changed.IsZero()
}

func (f *File) read(info fs.FileInfo) (*Set, error) {
	switch {
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > MaxBytes:
		return nil, fmt.Errorf("larger than %d bytes", MaxBytes)
	}
	r, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	kind := f.Kind
	if kind == "" {
		kind = Auto
	}
	return Parse(io.LimitReader(r, MaxBytes), kind, f.Zone)
}
