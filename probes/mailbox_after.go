package probes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// AfterKind is what may be done with a mail on its server once it is stored.
type AfterKind string

const (
	AfterKeep    AfterKind = ""        // nothing: the folder is opened read-only
	AfterSeen    AfterKind = "seen"    // it gets the flag \Seen
	AfterKeyword AfterKind = "keyword" // it gets the keyword Name
	AfterMove    AfterKind = "move"    // it is moved to the folder Name
	AfterDelete  AfterKind = "delete"  // it is deleted, and no other mail is
)

// After is what is done with mails once they were read and stored. It is done at least once to
// each, never earlier, and only to mails that the [Ledger] names.
type After struct {
	Do   AfterKind
	Name string // for AfterKeyword and AfterMove
}

// Ledger knows which mails After is still due for. Whoever stores a mail notes in the same
// transaction that it is due, so that a crash between the two forgets no mail.
type Ledger interface {
	// Unsettled returns the UIDs of at most limit mails under that UIDVALIDITY.
	Unsettled(ctx context.Context, validity uint32, limit int) ([]uint32, error)
	// Settled notes that it is done. Calling it twice must do no harm.
	Settled(ctx context.Context, validity uint32, uids []uint32) error
}

// ErrAfter: a mail was read and stored, but what should then be done with it was not. Nothing
// is lost; it is tried again with every look for new mail.
var ErrAfter = errors.New("mails were read, and are left as they were")

// Steps of settling, as errors name them.
const (
	stepFlag    = "STORE"
	stepCopy    = "COPY"
	stepMove    = "MOVE"
	stepExpunge = "EXPUNGE"
	stepLedger  = "ledger"
)

// settleAtOnce is how many mails are settled with one command.
const settleAtOnce = 200

func (a After) check() error {
	switch a.Do {
	case AfterKeep, AfterSeen, AfterDelete:
		return nil
	case AfterKeyword:
		if a.Name == "" || strings.ContainsFunc(a.Name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r) }) {
			return fmt.Errorf("keyword %q: use letters, digits and signs (RFC 3501 section 9, flag-keyword)", oneLine(a.Name))
		}
		return nil
	case AfterMove:
		if a.Name == "" || strings.ContainsAny(a.Name, "\r\n\x00") {
			return errors.New("to move mails, a folder is needed")
		}
		return nil
	}
	return fmt.Errorf("after %q: use seen, keyword, move, delete or nothing", oneLine(string(a.Do)))
}

// settle does what is due with mails that were stored. A refusal by the server, or a ledger
// that cannot be read, is reported in the state and holds up nothing; the error is one of the
// connection.
func (r *reader) settle(ctx context.Context, s *session) error {
	if r.m.opts.After.Do == AfterKeep {
		return nil
	}
	validity := r.pos.UIDValidity
	for {
		uids, err := r.m.opts.Ledger.Unsettled(ctx, validity, settleAtOnce)
		if err == nil && len(uids) == 0 {
			r.state.AfterErr = nil
			return nil
		}
		if err == nil {
			if err = s.after(ctx, uids); err != nil && !errors.Is(err, ErrAfter) {
				return err
			}
		} else {
			err = r.ledgerError(err)
		}
		if err == nil {
			if err = r.m.opts.Ledger.Settled(ctx, validity, uids); err == nil {
				r.m.opts.Log.LogAttrs(ctx, slog.LevelDebug, "mails settled", slog.String("mailbox", r.m.opts.Name),
					slog.Int("mails", len(uids)), slog.String("after", string(r.m.opts.After.Do)))
				continue
			}
			err = r.ledgerError(err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.state.AfterErr == nil {
			r.m.opts.Log.LogAttrs(ctx, slog.LevelWarn, "mails read and left as they were", slog.String("mailbox", r.m.opts.Name), slog.Any("err", err))
		}
		r.state.AfterErr = err
		return nil
	}
}

func (r *reader) ledgerError(err error) error {
	return &MailboxError{Mailbox: r.m.opts.Name, Server: r.m.opts.Server, Step: stepLedger, Kind: ErrAfter, Err: err,
		Hint: "it is tried again with the next look for new mail"}
}

// after does what is configured with the mails. Those that are no longer in the folder are
// ignored (RFC 3501 section 6.4.8), so that it may be done again.
func (s *session) after(ctx context.Context, uids []uint32) error {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	a := s.m.opts.After
	switch a.Do {
	case AfterSeen:
		return s.flag(ctx, set, imap.FlagSeen)
	case AfterKeyword:
		if len(s.keeps) > 0 && !slices.Contains(s.keeps, imap.FlagWildcard) &&
			!slices.ContainsFunc(s.keeps, func(f imap.Flag) bool { return strings.EqualFold(string(f), a.Name) }) {
			return s.cannot(stepFlag, "the server keeps no new keywords in this folder", "use another way in \"after\"")
		}
		return s.flag(ctx, set, imap.Flag(a.Name))
	case AfterDelete:
		return s.remove(ctx, set)
	}
	// Without MOVE the library uses COPY, STORE and a plain EXPUNGE, which would also delete
	// what other clients have marked.
	if s.caps.Has(imap.CapMove) {
		return s.within(ctx, stepMove, func() error {
			_, err := s.client.Move(set, a.Name).Wait()
			return err
		})
	}
	if !s.caps.Has(imap.CapUIDPlus) {
		return s.cannot(stepMove, "the server has neither MOVE nor UIDPLUS", "use \"seen\" or a keyword in \"after\"")
	}
	err := s.within(ctx, stepCopy, func() error {
		_, err := s.client.Copy(set, a.Name).Wait()
		return err
	})
	if err != nil {
		return err
	}
	// If we are cut off here, the next try copies once more: better two copies than none.
	return s.remove(ctx, set)
}

func (s *session) flag(ctx context.Context, set imap.UIDSet, flag imap.Flag) error {
	return s.within(ctx, stepFlag, func() error {
		add := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}
		return s.client.Store(set, add, nil).Close()
	})
}

// remove deletes these mails and no others, which takes UID EXPUNGE (RFC 4315 section 2.1).
func (s *session) remove(ctx context.Context, set imap.UIDSet) error {
	if !s.caps.Has(imap.CapUIDPlus) {
		return s.cannot(stepExpunge, "the server has no UIDPLUS, and a plain EXPUNGE would delete what others have marked", "use \"seen\" or a keyword in \"after\"")
	}
	if err := s.flag(ctx, set, imap.FlagDeleted); err != nil {
		return err
	}
	return s.within(ctx, stepExpunge, func() error { return s.client.UIDExpunge(set).Close() })
}

func (s *session) cannot(step, why, hint string) error {
	return &MailboxError{Mailbox: s.m.opts.Name, Server: s.m.opts.Server, Step: step, Kind: ErrAfter, Err: errors.New(why), Hint: hint}
}
