package probes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

const (
	// sumBytes is how many bytes before the mark are compared to recognise the file.
	sumBytes = 1024
	// staleLock is after how long a lock file has been forgotten by whoever made it.
	staleLock = 10 * time.Minute
)

// fileLook is what the last look at an mbox found.
type fileLook struct {
	size    int64
	modTime time.Time
	changed time.Time // when size or modTime was last seen to have changed, by our own clock
	done    bool      // everything up to size has been handed over
	looked  bool
	locked  time.Time // since when it could not be read because of a lock; zero: it could
}

// lookFile hands over the mails of an mbox after the mark.
//
// The file is recognised by its bytes alone, those before the mark: if they are different, a
// mail reader has rewritten the file, and all of it is read again. A mail counts as complete
// once another one follows it. The last one does once it ends in an empty line and the file was
// the same at two looks, or once the file has not changed for SpoolOptions.Settle.
func (s *Spool) lookFile(ctx context.Context, info fs.FileInfo, handle func(context.Context, SpoolBatch) error) error {
	now := time.Now()
	same := s.file.looked && info.Size() == s.file.size && info.ModTime().Equal(s.file.modTime)
	if same && s.file.done {
		return nil
	}
	if !same {
		s.file = fileLook{size: info.Size(), modTime: info.ModTime(), changed: now, looked: true, locked: s.file.locked}
	}
	if lock, err := os.Stat(s.opts.Path + ".lock"); err == nil && now.Sub(lock.ModTime()) < staleLock {
		return s.later(now)
	}
	for {
		b, rest, err := s.readMbox(ctx, now.Sub(s.file.changed), same)
		if errors.Is(err, errLater) {
			return s.later(now)
		}
		if err != nil {
			return err
		}
		s.file.locked = time.Time{}
		if len(b.Messages) > 0 {
			if err := s.hand(ctx, b, handle); err != nil {
				return err
			}
		}
		switch rest {
		case mboxMore:
		case mboxWait:
			return nil
		default:
			s.file.done = true
			return nil
		}
	}
}

// later returns errLater because somebody has locked the mbox, or an error if that lasts.
func (s *Spool) later(now time.Time) error {
	if s.file.locked.IsZero() {
		s.file.locked = now
	}
	if now.Sub(s.file.locked) > staleLock {
		return fmt.Errorf("another program has locked it since %s", s.file.locked.UTC().Format("15:04 MST"))
	}
	return errLater
}

// mboxRest is what is left of an mbox after a batch.
type mboxRest int

const (
	mboxDone mboxRest = iota // nothing
	mboxMore                 // more mails
	mboxWait                 // a mail that may not be whole yet
)

// readMbox reads one batch. The file is open and locked no longer than that takes, so that a
// delivery waits for a fraction of a second at most. Still is how long the file has not changed,
// and same says that it was the same at the last look.
func (s *Spool) readMbox(ctx context.Context, still time.Duration, same bool) (b SpoolBatch, rest mboxRest, err error) {
	f, err := os.Open(s.opts.Path)
	if err != nil {
		return b, mboxDone, err
	}
	defer f.Close() // and with it the locks
	if !lockShared(f) {
		return b, mboxDone, errLater
	}
	info, err := f.Stat()
	if err != nil {
		return b, mboxDone, err
	}
	same = same && info.Size() == s.file.size
	if b.Mbox, err = s.known(ctx, f, s.mark.Mbox); err != nil {
		return b, mboxDone, err
	}
	r, first, err := openMbox(f, b.Mbox.Offset, s.opts.MaxMessageBytes)
	if err == nil && !first.Separated && still < s.opts.Settle && beginsSeparator(first) {
		return b, mboxWait, nil
	}
	if err == nil && !first.Separated && b.Mbox.Offset > 0 {
		// What was taken for the end of a mail was not: it has grown. It is read again as a whole.
		r, first, err = openMbox(f, b.Mbox.Last, s.opts.MaxMessageBytes)
	}
	if errors.Is(err, io.EOF) {
		return b, mboxDone, nil
	}
	if err != nil {
		return b, mboxDone, err
	}
	if !first.Separated {
		return b, mboxDone, errors.New(`it is no mbox: it does not begin with a "From " line`)
	}
	if rest, err = s.gather(&b, r, first, func(last MboxMail) bool { return last.Finished && same || still >= s.opts.Settle }); err != nil {
		return b, mboxDone, err
	}
	b.Mbox.Sum, err = sumBefore(f, b.Mbox.Offset)
	return b, rest, err
}

// gather puts mails into a batch until it is full: first, and those that follow it. The last one
// of the file must be whole.
func (s *Spool) gather(b *SpoolBatch, r *MboxReader, first MboxMail, whole func(last MboxMail) bool) (mboxRest, error) {
	size := 0
	for mail := first; ; {
		next, err := r.Next()
		last := errors.Is(err, io.EOF)
		switch {
		case err != nil && !last:
			return mboxDone, err
		case last && !whole(mail):
			return mboxWait, nil
		}
		b.Messages = append(b.Messages, Message{
			Mailbox: s.opts.Name, Place: fmt.Sprintf("byte %d", mail.Begin),
			Received: mail.Received, Size: mail.Size, Bytes: mail.Bytes, Cut: mail.Cut,
		})
		b.Mbox.Offset, b.Mbox.Last = mail.End, mail.Begin
		if last {
			return mboxDone, nil
		}
		if size += len(mail.Bytes); len(b.Messages) >= s.opts.BatchMessages || size >= s.opts.BatchBytes {
			return mboxMore, nil
		}
		mail = next
	}
}

// beginsSeparator says whether everything that is there may be the beginning of a separator.
func beginsSeparator(m MboxMail) bool {
	if bytes.IndexByte(m.Bytes, '\n') >= 0 || len(m.Bytes) > 1000 {
		return false
	}
	return bytes.HasPrefix(m.Bytes, fromSpace) || bytes.HasPrefix(fromSpace, m.Bytes)
}

// openMbox opens a reader at an offset, and reads its first mail.
func openMbox(f *os.File, from int64, limit int) (*MboxReader, MboxMail, error) {
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, MboxMail{}, err
	}
	r := NewMboxReader(f, from, limit)
	mail, err := r.Next()
	return r, mail, err
}

// known returns the mark if it is of this file, else the zero mark.
func (s *Spool) known(ctx context.Context, f *os.File, mark MboxMark) (MboxMark, error) {
	if mark.Offset == 0 {
		return MboxMark{}, nil
	}
	sum, err := sumBefore(f, mark.Offset)
	if err == nil && sum == mark.Sum {
		return mark, nil
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return mark, err
	}
	s.opts.Log.LogAttrs(ctx, slog.LevelInfo, "mbox rewritten, read again from the beginning", slog.String("mailbox", s.opts.Name))
	return MboxMark{}, nil
}

// sumBefore returns a hash of the bytes before an offset.
func sumBefore(f io.ReaderAt, offset int64) (string, error) {
	buf := make([]byte, min(offset, sumBytes))
	n, err := f.ReadAt(buf, offset-int64(len(buf)))
	if n < len(buf) {
		return "", err
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:16]), nil
}
