package probes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// damagedFor is how long a compressed file may be unreadable before it is skipped: compressing a
// large log takes minutes.
const damagedFor = 10 * time.Minute

// follower follows a file through its rotations. It polls: notifications do not come over
// network file systems, and to notice a rotation one has to look anyway.
type follower struct {
	logHand
	file    *logFile  // being read; nil: pos has to be found
	missing bool      // there was no file when reading began: whatever appears is new
	gone    time.Time // since when no file is being written; zero: one is
	damaged time.Time // since when a compressed file could not be read; zero: it could
}

func newFollower(l *Log, from LogPosition, handle func(context.Context, LogBatch) error, report func(LogState)) looker {
	h := logHand{l: l, handle: handle, report: report, pos: from, state: LogState{Since: time.Now().UTC(), Position: from}}
	if l.opts.Journal != nil {
		return &journalRun{logHand: h}
	}
	return &follower{logHand: h}
}

func (f *follower) close() { f.drop() }

// drop closes the open file; the position will be looked for again.
func (f *follower) drop() {
	if f.file != nil {
		f.file.close()
		f.file = nil
	}
}

func (f *follower) look(ctx context.Context) (time.Duration, error) {
	wait, err := f.step(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		f.tell(func(s *LogState) {
			if s.Reading && f.file == nil {
				s.Reading, s.Since = false, time.Now().UTC()
			}
			s.LastErr = err
		})
	case wait > 0:
		f.tell(func(s *LogState) { s.LastErr, s.LastLook, s.Behind = nil, time.Now().UTC(), f.file.unread() })
	}
	return wait, err
}

// step hands over one batch, or goes on to the next file, or finds that there is nothing to do
// for now.
func (f *follower) step(ctx context.Context) (time.Duration, error) {
	if err := f.again(ctx); err != nil {
		return 0, err
	}
	if f.file == nil {
		if err := f.locate(ctx); err != nil {
			return 0, err
		}
		f.reading(true)
		if f.gap != "" { // said now, and not only when the next line comes
			return 0, f.give(ctx, nil, f.file.position())
		}
	}
	opts := &f.l.opts
	known := len(f.file.head)
	grown, end, err := f.file.read(max(opts.BatchBytes, MaxLogLineBytes+1))
	if err != nil {
		return 0, f.trouble(ctx, err)
	}
	f.damaged = time.Time{}
	replaced, err := f.file.replaced()
	if err != nil {
		return 0, f.trouble(ctx, err)
	}
	if replaced { // what was just read may be partly of the one text and partly of the other
		return 0, f.emptied(ctx, f.file.head[:known])
	}
	if lines := f.file.take(opts.BatchLines, opts.BatchBytes, false); len(lines) > 0 {
		f.file.ended = time.Time{}
		f.state.Behind = f.behind()
		return 0, f.give(ctx, lines, f.file.position())
	}
	if grown || f.file.ended.IsZero() {
		f.file.ended = time.Now()
	}
	if !end {
		return 0, nil
	}
	return f.next(ctx)
}

// emptied leaves a file that was emptied, to go on in the copy that was made of it before, or to
// begin it anew. The position tells which, unless no line of the file was handed over yet: then
// head does, with which it began.
func (f *follower) emptied(ctx context.Context, head []byte) error {
	began := f.file.offset == 0 && len(head) > 0
	f.drop()
	if !began {
		return nil
	}
	all, err := siblings(f.l.opts.Path)
	if err != nil {
		return f.l.failed("read", filepath.Dir(f.l.opts.Path), err)
	}
	copied, err := find(all, LogPosition{Head: fingerprint(head), Offset: int64(len(head))})
	if err != nil {
		return f.l.failed("open", f.l.opts.Path, err)
	}
	if copied == nil {
		f.lose(ctx, f.l.opts.Path+" was emptied before its first line was complete")
		return nil
	}
	copied.close()
	return nil
}

// behind returns how much of the open file has not been handed over.
func (f *follower) behind() int64 {
	if f.file.entry.packed() {
		return f.file.unread()
	}
	info, err := f.file.raw.Stat()
	if err != nil {
		return f.file.unread()
	}
	return max(0, info.Size()-f.file.offset)
}

// next goes on from a file that was rotated and read to its end to the one after it.
//
// A file is left only once nothing has been written to it for a while, as writers keep it open
// until they are told, and not before its successor has something to read: until then there is
// no hurry.
func (f *follower) next(ctx context.Context) (time.Duration, error) {
	poll := f.l.opts.Poll
	if now, err := os.Stat(f.l.opts.Path); err == nil && os.SameFile(now, f.file.entry.info) {
		f.gone = time.Time{}
		return poll, nil
	}
	all, err := siblings(f.l.opts.Path)
	if err != nil {
		return 0, f.l.failed("read", filepath.Dir(f.l.opts.Path), err)
	}
	if len(all) == 0 || !all[len(all)-1].current {
		if f.gone.IsZero() {
			f.gone = time.Now()
		}
		if time.Since(f.gone) > f.l.opts.Settle && len(after(all, f.file)) == 0 {
			return 0, f.absent()
		}
	} else {
		f.gone = time.Time{}
	}
	rest := after(all, f.file)
	if len(rest) == 0 || rest[0].current && rest[0].info.Size() == 0 {
		return poll, nil
	}
	now := time.Now()
	quiet := now.Sub(f.file.ended)
	if since := now.Sub(f.file.changed); since < 24*365*time.Hour {
		quiet = max(quiet, since)
	}
	if !f.file.entry.packed() && quiet < f.l.opts.Settle {
		return poll, nil
	}
	following, err := f.open(ctx, rest)
	if err != nil || following == nil {
		return poll, err
	}
	// It may have been copied and emptied between the listing and the opening. Once its beginning
	// has been read, nothing of the kind goes unnoticed.
	if _, _, err = following.read(headBytes); err == nil {
		all, err = siblings(f.l.opts.Path)
	}
	if now := after(all, f.file); err != nil || len(now) == 0 || now[0].path != following.entry.path || !os.SameFile(now[0].info, following.entry.info) {
		following.close()
		if err != nil {
			return 0, f.l.failed("read", following.entry.path, err)
		}
		return 0, nil
	}
	// A last line without an end will not get one any more.
	lines, pos := f.file.take(1, 1, true), f.file.position()
	f.drop()
	f.file = following
	if len(lines) > 0 || f.gap != "" {
		return 0, f.give(ctx, lines, pos)
	}
	return 0, nil
}

// open opens the first of the files that can be read; nil if none can.
func (f *follower) open(ctx context.Context, files []logEntry) (*logFile, error) {
	var lost []string
	for _, e := range files {
		file, err := openLog(e, 0)
		switch {
		case err == nil:
			for _, what := range lost {
				f.lose(ctx, what)
			}
			return file, nil
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil // renamed since they were listed: list them again
		case unusable(e, err):
			if e.packed() && !errors.Is(err, errPacking) && f.patient() {
				return nil, f.l.failed("read", e.path, errors.Join(errDamaged, err))
			}
			lost = append(lost, fmt.Sprintf("%s cannot be read: %v", e.path, err))
		default:
			return nil, f.l.failed("open", e.path, err)
		}
	}
	return nil, nil
}

// patient says whether to wait for a compressed file to become readable.
func (f *follower) patient() bool {
	if f.damaged.IsZero() {
		f.damaged = time.Now()
	}
	return time.Since(f.damaged) < damagedFor
}

// trouble handles an error of reading the open file.
func (f *follower) trouble(ctx context.Context, err error) error {
	path := f.file.entry.path
	if errors.Is(err, errDamaged) && !f.patient() {
		// Its readable part was handed over; go on with the next file.
		f.lose(ctx, fmt.Sprintf("%s cannot be read to its end: %v", path, err))
		all, listErr := siblings(f.l.opts.Path)
		if listErr == nil {
			following, openErr := f.open(ctx, after(all, f.file))
			if openErr == nil && following != nil {
				f.drop()
				f.file, f.damaged = following, time.Time{}
				return f.give(ctx, nil, following.position())
			}
		}
	}
	f.drop()
	return f.l.failed("read", path, err)
}

// locate opens the file that holds the position, or on the first start the one to begin with.
func (f *follower) locate(ctx context.Context) error {
	path := f.l.opts.Path
	all, err := siblings(path)
	if err != nil {
		f.missing = f.missing || errors.Is(err, fs.ErrNotExist)
		return f.l.failed("read", filepath.Dir(path), err)
	}
	if f.pos == (LogPosition{}) {
		return f.first(ctx, all)
	}
	file, err := find(all, f.pos)
	if err != nil {
		return f.l.failed("open", path, err)
	}
	if file != nil {
		f.file = file
		return nil
	}
	// The file was rotated away, deleted, or emptied without a copy. Every file that was written
	// to since then is read from its beginning.
	var rest []logEntry
	for _, e := range all {
		if e.current || !e.info.ModTime().Before(f.pos.At) && e.info.Size() > 0 {
			rest = append(rest, e)
		}
	}
	if len(rest) == 0 {
		return f.absent()
	}
	what := "the file read last is gone, and with it what was written to it after the last look"
	if dev, ino := fileID(rest[len(rest)-1].info); dev == f.pos.Device && ino == f.pos.Inode {
		what = path + " was emptied, and with it went what was written to it after the last look"
	}
	return f.begin(ctx, rest, what)
}

// begin opens the first of the files that can be read.
func (f *follower) begin(ctx context.Context, files []logEntry, gap string) error {
	file, err := f.open(ctx, files)
	if err != nil {
		return err
	}
	if file == nil {
		return f.absent()
	}
	f.file, f.damaged = file, time.Time{}
	if gap != "" {
		f.lose(ctx, gap)
	}
	return nil
}

// absent makes the error of a log that has no file.
func (f *follower) absent() error {
	if info, err := os.Stat(f.l.opts.Path); err == nil && !info.Mode().IsRegular() {
		return f.l.failed("open", f.l.opts.Path, errNotRegular)
	}
	return f.l.failed("open", f.l.opts.Path, fs.ErrNotExist)
}

// first is the first start ever: it begins with the files within LogOptions.History, or at the
// end of the current one.
func (f *follower) first(ctx context.Context, all []logEntry) error {
	var wanted []logEntry
	since := time.Now().Add(-f.l.opts.History)
	for _, e := range all {
		if e.info.Size() > 0 && f.l.opts.History > 0 && !e.info.ModTime().Before(since) || e.current && f.missing {
			wanted = append(wanted, e)
		}
	}
	if len(wanted) > 0 {
		return f.begin(ctx, wanted, "")
	}
	if len(all) == 0 || !all[len(all)-1].current {
		f.missing = true
		return f.absent()
	}
	current := all[len(all)-1]
	file, err := openLog(current, 0)
	if err != nil {
		return f.l.failed("open", current.path, err)
	}
	end, err := lastLine(file)
	file.close()
	if err == nil {
		file, err = openLog(current, end)
	}
	if err != nil {
		return f.l.failed("read", current.path, err)
	}
	f.file = file
	return f.give(ctx, nil, file.position())
}

// lastLine returns the offset after the last line break.
func lastLine(f *logFile) (int64, error) {
	info, err := f.raw.Stat()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for to := info.Size(); to > 0; {
		from := max(0, to-int64(len(buf)))
		part := buf[:to-from]
		if _, err := f.raw.ReadAt(part, from); err != nil {
			return 0, short(err)
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		to = from
	}
	return 0, nil
}
