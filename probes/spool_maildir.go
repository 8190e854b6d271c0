package probes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// mostNew is how many names of new mails one look keeps: a Maildir with a million mails takes
	// several looks.
	mostNew = 10_000
	// goneAlone is from how many vanished names on they are handed over although no mail came.
	goneAlone = 500
	// coarse is how far apart two changes of a folder must be for its modification time to
	// differ.
	coarse = 2 * time.Second
	// staleTmp is after how long a file in tmp has been given up by whoever wrote it (maildir(5)).
	staleTmp = 36 * time.Hour
)

// dirLook is what the last look at a Maildir found.
type dirLook struct {
	times   [2]time.Time       // of new and cur: with the same time a folder holds the same files
	missing map[int64]struct{} // known names that were not there; if they are missing twice, they are gone
	gone    map[int64]struct{} // to be handed over
	cleaned time.Time          // when tmp was last cleaned
	warned  bool               // about a mail that cannot be removed
}

// maildirFile is a mail that is to be read.
type maildirFile struct {
	sub, name string
	key       int64
}

// maildirKey identifies a mail, whatever flags the name of its file gets: what is before the
// colon is never used for another mail (maildir(5)). On Windows and with some servers it is a
// semicolon.
func maildirKey(name string) int64 {
	name, _, _ = strings.Cut(name, ":2,")
	name, _, _ = strings.Cut(name, ";2,")
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// lookDir hands over the mails of a Maildir that are not known.
func (s *Spool) lookDir(ctx context.Context, handle func(context.Context, SpoolBatch) error) error {
	if now := time.Now(); s.opts.Remove && now.Sub(s.dir.cleaned) > time.Hour {
		s.dir.cleaned = now
		s.cleanTmp(now)
	}
	for {
		times, settled, err := s.dirTimes()
		if err != nil || settled && times == s.dir.times {
			return err
		}
		files, full, err := s.list()
		if err != nil {
			return err
		}
		s.state.Behind = len(files)
		moved, err := s.readFiles(ctx, files, handle)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && len(s.dir.gone) >= goneAlone {
			err = s.hand(ctx, s.withGone(SpoolBatch{}), handle)
		}
		if err != nil {
			return err
		}
		s.state.Behind = 0
		if !full {
			if settled && !moved && len(s.dir.missing) == 0 {
				s.dir.times = times
			}
			return nil
		}
	}
}

// dirTimes returns the modification times of new and cur, and whether they are old enough for a
// later change to differ.
func (s *Spool) dirTimes() (times [2]time.Time, settled bool, err error) {
	settled = true
	for i, sub := range []string{"new", "cur"} {
		info, err := os.Stat(filepath.Join(s.opts.Path, sub))
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("it is no Maildir: %w", err)
			}
			return times, false, err
		}
		times[i] = info.ModTime()
		settled = settled && time.Since(times[i]) > coarse
	}
	return times, settled, nil
}

// list returns the mails that are not known, in the order of their delivery; full says that
// there may be more. It looks at new before cur: a mail that is moved meanwhile is then seen
// twice rather than missed.
func (s *Spool) list() (files []maildirFile, full bool, err error) {
	present := make(map[int64]struct{}, len(s.mark.Seen))
	for _, sub := range []string{"new", "cur"} {
		d, err := os.Open(filepath.Join(s.opts.Path, sub))
		if err != nil {
			return nil, false, err
		}
		for {
			names, err := d.Readdirnames(1000)
			for _, name := range names {
				if strings.HasPrefix(name, ".") {
					continue
				}
				key := maildirKey(name)
				if _, twice := present[key]; twice {
					continue
				}
				present[key] = struct{}{}
				if _, known := s.mark.Seen[key]; known {
					if s.opts.Remove { // the process ended between storing and removing it
						s.remove(sub, name)
					}
					continue
				}
				if len(files) == mostNew {
					full = true
					delete(present, key)
					continue
				}
				files = append(files, maildirFile{sub, name, key})
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, false, errors.Join(err, d.Close())
			}
		}
		if err := d.Close(); err != nil {
			return nil, false, err
		}
	}
	s.vanished(present)
	slices.SortFunc(files, func(a, b maildirFile) int {
		// A name begins with the second of the delivery (maildir(5)).
		return cmp.Or(cmp.Compare(leadingNumber(a.name), leadingNumber(b.name)), strings.Compare(a.name, b.name))
	})
	return files, full, nil
}

// leadingNumber returns the number that a text begins with; 0 if there is none.
func leadingNumber(s string) int64 {
	if end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		s = s[:end]
	}
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// vanished notes known mails whose files are gone. A file that is renamed while the folder is
// being read may be missed, so that it counts only if the next look misses it too.
func (s *Spool) vanished(present map[int64]struct{}) {
	missing := map[int64]struct{}{}
	for key := range s.mark.Seen {
		_, here := present[key]
		_, again := s.dir.missing[key]
		switch {
		case here:
			delete(s.dir.gone, key)
		case again:
			if s.dir.gone == nil {
				s.dir.gone = map[int64]struct{}{}
			}
			s.dir.gone[key] = struct{}{}
		default:
			missing[key] = struct{}{}
		}
	}
	s.dir.missing = missing
}

// readFiles reads mails and hands them over. Moved says that one was no longer where it had just
// been. A mail that cannot be read stays unknown and holds up no other; its error is returned
// after the rest.
func (s *Spool) readFiles(ctx context.Context, files []maildirFile, handle func(context.Context, SpoolBatch) error) (moved bool, err error) {
	var b SpoolBatch
	var done []maildirFile
	size, unread := 0, 0
	flush := func() error {
		if len(b.Messages) == 0 {
			return nil
		}
		if err := s.hand(ctx, s.withGone(b), handle); err != nil {
			return err
		}
		if s.opts.Remove {
			for _, f := range done {
				s.remove(f.sub, f.name)
			}
		}
		s.state.Behind -= len(done)
		b, done, size = SpoolBatch{}, nil, 0
		return nil
	}
	for _, f := range files {
		if ctx.Err() != nil {
			return moved, ctx.Err()
		}
		m, failed := s.readFile(f)
		switch {
		case errors.Is(failed, fs.ErrNotExist):
			moved = true
			continue
		case failed != nil:
			unread++
			if err == nil {
				err = failed
			}
			continue
		}
		b.Messages, b.Seen, done = append(b.Messages, m), append(b.Seen, f.key), append(done, f)
		if size += len(m.Bytes); len(b.Messages) >= s.opts.BatchMessages || size >= s.opts.BatchBytes {
			if err := flush(); err != nil {
				return moved, err
			}
		}
	}
	if failed := flush(); failed != nil {
		return moved, failed
	}
	if unread > 1 {
		err = fmt.Errorf("%d mails could not be read, the first: %w", unread, err)
	}
	return moved, err
}

func (s *Spool) withGone(b SpoolBatch) SpoolBatch {
	b.Gone = slices.Sorted(maps.Keys(s.dir.gone))
	s.dir.gone = nil // if that is not stored, the next looks find them again
	return b
}

// readFile reads one mail. What is not a regular file is handed over with that as its Trouble: a
// link or a pipe in a Maildir is nobody's mail.
func (s *Spool) readFile(f maildirFile) (Message, error) {
	m := Message{Mailbox: s.opts.Name, Place: oneLine(f.name)}
	path := filepath.Join(s.opts.Path, f.sub, f.name)
	before, err := os.Lstat(path)
	if err != nil {
		return m, err
	}
	m.Received, m.Size = before.ModTime().UTC(), before.Size()
	if !before.Mode().IsRegular() {
		m.Size, m.Trouble = 0, "it is no regular file"
		return m, nil
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // if a pipe takes its place now, it must not hold us up
	if err != nil {
		return m, err
	}
	defer file.Close()
	if after, err := file.Stat(); err != nil || !os.SameFile(before, after) {
		return m, cmp.Or(err, error(&fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist})) // it was replaced meanwhile: look for it again
	}
	m.Bytes, err = io.ReadAll(io.LimitReader(file, int64(s.opts.MaxMessageBytes)+1))
	if err != nil {
		return m, err
	}
	if len(m.Bytes) > s.opts.MaxMessageBytes {
		m.Bytes, m.Cut = m.Bytes[:s.opts.MaxMessageBytes], true
	}
	m.Size = max(m.Size, namedSize(f.name)) // Deliver may have cut it off
	return m, nil
}

// namedSize returns the size of the mail according to its name (",S=1234", Maildir++); 0 if the
// name has none.
func namedSize(name string) int64 {
	_, rest, _ := strings.Cut(name, ",S=")
	return leadingNumber(rest)
}

// remove removes a mail from the spool. The next look finds one that cannot be removed, knows it,
// and tries again.
func (s *Spool) remove(sub, name string) {
	err := os.Remove(filepath.Join(s.opts.Path, sub, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !s.dir.warned {
		s.dir.warned = true
		s.opts.Log.LogAttrs(context.Background(), slog.LevelWarn, "mail not removed from the spool", slog.String("mailbox", s.opts.Name), slog.Any("err", err))
	}
}

// cleanTmp removes files that were given up half written.
func (s *Spool) cleanTmp(now time.Time) {
	entries, _ := os.ReadDir(filepath.Join(s.opts.Path, "tmp"))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > staleTmp {
			s.remove("tmp", e.Name())
		}
	}
}
