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

// MaxBytes is the size of the largest file that is read.
const MaxBytes = 1 << 30

// File is a file whose [Set] is kept up to date. It may be used by several goroutines at once: a new
// Set takes the place of the old one as a whole.
type File struct {
	Path   string
	Kind   Kind          // empty: [Auto]
	Zone   string        // as in [Parse]
	MaxAge time.Duration // after which a file that has not changed is not believed any more; 0: never

	mu      sync.Mutex
	set     *Set
	failed  error
	changed time.Time // of the file that Set or failed is of
	size    int64
	looked  bool
}

// Split reads "ip4set:PATH", as rbldnsd has it on its command line, or a path alone.
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
	Loaded  bool      // it was read just now, and not before
}

// Look gives the Set, reading the file if it has changed (by its time and size) since it was last read. A
// file that changes while it is being read keeps what is known from before; it is read again the next time. Err says why
// there is no Set, for people; it holds the path and no line of the file.
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
		f.looked = false // whatever was read may be half of it
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
