package probes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// SpoolKind is the form of a mail spool in the file system.
type SpoolKind string

const (
	SpoolAuto    SpoolKind = ""        // decided at each look: a folder is a Maildir, a file an mbox
	SpoolMaildir SpoolKind = "maildir" // a folder with new, cur and tmp, and one file for each mail
	SpoolMbox    SpoolKind = "mbox"    // one file with all mails (RFC 4155); if it is missing, there are none
)

// SpoolOptions say which spool is read, and how.
type SpoolOptions struct {
	Name string // in the configuration; for messages, errors and logs
	Path string // the folder that holds new and cur, or the file
	Kind SpoolKind

	Poll time.Duration // between looks, which cost two stat calls; default 5 s
	// Settle is how long an mbox that does not end in an empty line must not change before its
	// last mail counts as complete; default 30 s.
	Settle time.Duration
	// Remove removes a mail from a Maildir once it has been handed over. Without it a spool is
	// never changed; an mbox never is.
	Remove bool

	MaxMessageBytes int // of one mail; default MaxMessageBytes
	BatchMessages   int // mails handed over at once; default 50
	BatchBytes      int // approximate size of one batch; default 16 MiB

	Log *slog.Logger // default: none
}

// Spool reads the mails of a Maildir or an mbox, and those that come. It takes only locks that
// let others read, and waits for whoever writes. It is for one goroutine.
type Spool struct {
	opts  SpoolOptions
	mark  SpoolMark
	state MailboxState
	dir   dirLook
	file  fileLook
}

// SpoolMark is how far a spool has been read. The zero mark is "never". Each [SpoolBatch] says
// what changes in it, to be stored together with what the mails said.
type SpoolMark struct {
	Mbox MboxMark
	Seen map[int64]struct{} // mails of a Maildir that were handed over, by a hash of their names without flags
}

// MboxMark is how far an mbox has been read.
type MboxMark struct {
	Offset int64  `json:"offset"` // after the last mail that was handed over, bytes
	Last   int64  `json:"last"`   // where that mail begins
	Sum    string `json:"sum"`    // hash of what is before Offset: if that has changed, the file was rewritten
}

// SpoolBatch is some mails that were read, and what changes in the mark with them.
type SpoolBatch struct {
	Messages []Message // may be empty if there is only Gone
	Mbox     MboxMark  // of an mbox: where to go on; else the zero mark
	Seen     []int64   // of a Maildir: to be added to the mark
	Gone     []int64   // to be removed from it: their files no longer exist
}

// errLater: somebody is writing at the moment.
var errLater = errors.New("being written to")

// NewSpool checks the options and fills in defaults. It reads nothing.
func NewSpool(opts SpoolOptions) (*Spool, error) {
	switch opts.Kind {
	case SpoolAuto, SpoolMaildir, SpoolMbox:
	default:
		return nil, fmt.Errorf("spool %s: kind %q: use maildir or mbox, or leave it out", oneLine(opts.Name), opts.Kind)
	}
	if opts.Path == "" {
		return nil, fmt.Errorf("spool %s: it has no path", oneLine(opts.Name))
	}
	if opts.Kind == SpoolMbox && opts.Remove {
		return nil, fmt.Errorf("spool %s: mails are removed from a Maildir only", oneLine(opts.Name))
	}
	opts.Poll, opts.Settle = positive(opts.Poll, 5*time.Second), positive(opts.Settle, 30*time.Second)
	opts.MaxMessageBytes = positive(opts.MaxMessageBytes, MaxMessageBytes)
	opts.BatchMessages, opts.BatchBytes = positive(opts.BatchMessages, 50), positive(opts.BatchBytes, 16<<20)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Spool{opts: opts}, nil
}

// Watch reads every mail that start does not know, hands it over, and goes on with new mail as
// it comes, until ctx ends. It returns the error of ctx and no other.
//
// handle is given the batches one after the other, and commits the content of a batch and its
// marks in one transaction. Watch goes beyond the batch only once handle has returned nil; after
// an error the same mails come again. Some mails may come twice all the same, because an mbox
// was rewritten, or a file was renamed while it was looked for: whoever receives a mail
// recognises it by its content.
//
// state, if not nil, is called after every look. Both functions run on the goroutine of Watch. A
// mail that cannot be read holds up no other: the spool counts as not connected until it can be,
// and it is tried at each look.
func (s *Spool) Watch(ctx context.Context, start SpoolMark, handle func(context.Context, SpoolBatch) error, state func(MailboxState)) error {
	s.mark = SpoolMark{Mbox: start.Mbox, Seen: map[int64]struct{}{}}
	for name := range start.Seen {
		s.mark.Seen[name] = struct{}{}
	}
	s.dir, s.file = dirLook{}, fileLook{}
	s.state = MailboxState{Since: time.Now().UTC()}
	timer := time.NewTimer(s.opts.Poll)
	defer timer.Stop()
	for {
		err := s.look(ctx, handle)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.tell(ctx, err, state)
		timer.Reset(s.opts.Poll)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// look reads what is there now.
func (s *Spool) look(ctx context.Context, handle func(context.Context, SpoolBatch) error) error {
	info, err := os.Stat(s.opts.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.opts.Kind == SpoolMbox:
		// Mail readers remove an empty mbox, and the next mail creates it again. A missing folder
		// is another matter: nothing could be delivered.
		if _, err := os.Stat(filepath.Dir(s.opts.Path)); err != nil {
			return err
		}
		s.mark.Mbox, s.file = MboxMark{}, fileLook{}
		return nil
	case err != nil:
		return err
	case info.IsDir() && s.opts.Kind == SpoolMbox:
		return errors.New("it is a folder and no mbox")
	case info.IsDir():
		return s.lookDir(ctx, handle)
	case s.opts.Kind == SpoolMaildir:
		return errors.New("it is no folder, and so no Maildir")
	case !info.Mode().IsRegular():
		return errors.New("it is neither a file nor a folder")
	case s.opts.Remove:
		return errors.New("it is an mbox: mails are removed from a Maildir only")
	}
	return s.lookFile(ctx, info, handle)
}

// hand hands a batch over, and advances the mark once the batch is committed.
func (s *Spool) hand(ctx context.Context, b SpoolBatch, handle func(context.Context, SpoolBatch) error) error {
	if err := handle(ctx, b); err != nil {
		return fmt.Errorf("mails not stored, they stay and are read again: %w", err)
	}
	s.mark.Mbox = b.Mbox
	for _, name := range b.Seen {
		s.mark.Seen[name] = struct{}{}
	}
	for _, name := range b.Gone {
		delete(s.mark.Seen, name)
	}
	return nil
}

// tell reports how a look went.
func (s *Spool) tell(ctx context.Context, err error, state func(MailboxState)) {
	now := time.Now().UTC()
	if err == nil || errors.Is(err, errLater) {
		s.state.LastRoundTrip, s.state.LastErr = now, nil
		if !s.state.Connected {
			s.state.Connected, s.state.Since = true, now
			s.opts.Log.LogAttrs(ctx, slog.LevelInfo, "spool read", slog.String("mailbox", s.opts.Name))
		}
	} else {
		said := fmt.Errorf("spool %s: %s", oneLine(s.opts.Name), oneLine(spoolHint(err)))
		if s.state.LastErr == nil || s.state.LastErr.Error() != said.Error() { // once, not at every look
			s.opts.Log.LogAttrs(ctx, slog.LevelWarn, "spool not read", slog.String("mailbox", s.opts.Name), slog.Any("err", said))
		}
		if s.state.Connected {
			s.state.Connected, s.state.Since = false, now
		}
		s.state.LastErr = said
	}
	if state != nil {
		state(s.state)
	}
}

// spoolHint returns an error with what to do about it, if a person can do something.
func spoolHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		// A group or an ACL is no advice: Postfix and Exim write each mail of a Maildir with mode 0600.
		return err.Error() + ": let the daemon and whoever writes this be one user (docs/bounces.md)"
	case errors.Is(err, fs.ErrNotExist):
		return err.Error() + ": is the path right, and is its file system mounted?"
	}
	return err.Error()
}
