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
	// sumBytes is how much before the mark is looked at to know the file again.
	sumBytes = 1024
	// staleLock is after how long a lock file was forgotten by whoever made it.
	staleLock = 10 * time.Minute
)

// fileLook is what the last look at an mbox found.
type fileLook struct {
	size    int64
	changed time.Time // when size or modTime was seen to be another, by our own clock
	modTime time.Time
	done    bool // everything up to size has been handed over
	looked  bool
	locked  time.Time // since when it could not be read for a lock; zero: it could
}

// lookFile hands over the mails of an mbox behind the mark.
//
// Nothing is believed of a file but its bytes: it is known again by what stands before the
// mark, and if that is another text, a mail reader has rewritten it, and all of it
// is read again. A mail counts as whole once another one follows it, or if it is
// the last, once it ends in an empty line and the file was the same at two looks.
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

// later says that somebody has the mbox locked, and that this is trouble if it lasts.
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

// readMbox reads one batch. The file is open and locked no longer than that takes,
// so that a delivery waits for a fraction of a second at most.
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
	mark := s.mark.Mbox
	if mark, err = s.known(ctx, f, mark); err != nil {
		return b, mboxDone, err
	}
	b.Mbox = mark
	from := mark.Offset
	r, first, err := openMbox(f, from, s.opts.MaxMessageBytes)
	if err == nil && !first.Separated && still < s.opts.Settle && beginsSeparator(first) {
		return b, mboxWait, nil
	}
	if err == nil && !first.Separated && from > 0 {
		// What was taken for the end of a mail was not: it has grown. It is read again as a whole.
		from = mark.Last
		r, first, err = openMbox(f, from, s.opts.MaxMessageBytes)
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
	size := 0
	for mail := first; ; {
		next, err := r.Next()
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return b, mboxDone, err
		}
		if last && !(mail.Finished && same || still >= s.opts.Settle) {
			rest = mboxWait
			break
		}
		b.Messages = append(b.Messages, Message{
			Mailbox: s.opts.Name, Place: fmt.Sprintf("byte %d", mail.Begin),
			Received: mail.Received, Size: mail.Size, Bytes: mail.Bytes, Cut: mail.Cut,
		})
		b.Mbox.Offset, b.Mbox.Last = mail.End, mail.Begin
		if last {
			break
		}
		if size += len(mail.Bytes); len(b.Messages) >= s.opts.BatchMessages || size >= s.opts.BatchBytes {
			rest = mboxMore
			break
		}
		mail = next
	}
	b.Mbox.Sum, err = sumBefore(f, b.Mbox.Offset)
	return b, rest, err
}

// beginsSeparator says whether all there is may be the beginning of a separator.
func beginsSeparator(m MboxMail) bool {
	if bytes.IndexByte(m.Bytes, '\n') >= 0 || len(m.Bytes) > 1000 {
		return false
	}
	return bytes.HasPrefix(m.Bytes, fromSpace) || bytes.HasPrefix(fromSpace, m.Bytes)
}

// openMbox reads the first mail from an offset on.
func openMbox(f *os.File, from int64, limit int) (*MboxReader, MboxMail, error) {
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, MboxMail{}, err
	}
	r := NewMboxReader(f, from, limit)
	mail, err := r.Next()
	return r, mail, err
}

// known gives the mark if the file is still the one that it was made in, else the beginning.
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

// sumBefore is a hash of the bytes before an offset.
func sumBefore(f io.ReaderAt, offset int64) (string, error) {
	buf := make([]byte, min(offset, sumBytes))
	n, err := f.ReadAt(buf, offset-int64(len(buf)))
	if n < len(buf) {
		return "", err
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:16]), nil
}
