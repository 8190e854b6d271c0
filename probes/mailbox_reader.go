package probes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/emersion/go-imap/v2"
)

const (
	// triesBeforeAside is how often a mail is fetched by itself before it is set aside. The last
	// try asks for less.
	triesBeforeAside = 3
	// lastTryBytes is how much the last try asks for. The beginning of a mail is better than
	// nothing, and a report is at the beginning.
	lastTryBytes = 32 << 10
)

// reader keeps what is known of a mailbox from one session to the next.
type reader struct {
	m      *Mailbox
	handle func(context.Context, Batch) error
	report func(MailboxState)
	state  MailboxState
	pos    Position

	// After a FETCH of several mails has failed, mails are fetched one at a time up to the UID
	// singly, to find the one that is to blame.
	singly  uint32
	suspect uint32 // the mail that failed last when it was fetched by itself
	fails   int    // how often in a row it did
	rounds  int    // how often the mail to compare with failed as well
	lastErr error  // why the suspect failed last

	// The UID from which on an unread folder is read, and the UIDVALIDITY that it belongs to.
	floor, floorOf uint32

	newestOf uint32 // the UIDVALIDITY under which the newest mails have been handed over first
}

func newReader(m *Mailbox, start Position, handle func(context.Context, Batch) error, report func(MailboxState)) *reader {
	r := &reader{m: m, handle: handle, report: report, pos: start}
	r.state = MailboxState{Since: time.Now().UTC(), Position: start}
	return r
}

// tell reports the state after change.
func (r *reader) tell(s *session, change func(*MailboxState)) {
	change(&r.state)
	r.state.Position = r.pos
	if s != nil && s.answered.After(r.state.LastRoundTrip) {
		r.state.LastRoundTrip = s.answered
	}
	if r.report != nil {
		r.report(r.state)
	}
}

// session connects and reads to the end of the folder, and then, if stay is set, whatever
// comes, until something fails or ctx ends. lived is how long it lasted if it got through the
// folder once, else 0.
func (r *reader) session(ctx context.Context, stay bool) (lived time.Duration, err error) {
	began := time.Now()
	s, err := r.m.connect(ctx)
	defer func() {
		if s != nil {
			s.close()
		}
		r.tell(s, func(st *MailboxState) {
			if st.Connected {
				st.Connected, st.Since = false, time.Now().UTC()
			}
			if err != nil && ctx.Err() == nil {
				st.LastErr = err
			}
		})
	}()
	if err != nil {
		return 0, err
	}
	for {
		if err := r.round(ctx, s); err != nil {
			return lived, err
		}
		lived = time.Since(began)
		r.tell(s, func(st *MailboxState) { st.LastErr, st.Behind = nil, 0 })
		if !stay {
			s.logout(ctx)
			return lived, nil
		}
		if err := s.wait(ctx, r.m.opts.Poll); err != nil {
			return time.Since(began), err
		}
	}
}

// round reads every mail above the position and hands it over.
func (r *reader) round(ctx context.Context, s *session) error {
	if err := r.openFolder(ctx, s); err != nil {
		return err
	}
	if err := r.settle(ctx, s); err != nil { // what a crash or a refusal has left
		return err
	}
	pending, err := s.search(ctx, r.pos.UID+1, 0)
	if err == nil && r.pos.UID == 0 {
		pending, err = r.begin(ctx, s, pending)
	}
	if err != nil {
		return err
	}
	for behind := pending.len(); len(pending) > 0; {
		size := r.m.batchSize()
		if uint32(pending[0].Start) <= r.singly {
			size = 1
		}
		var batch []imap.UID
		batch, pending = pending.take(size)
		mails, err := r.read(ctx, s, batch)
		if err != nil {
			r.state.Behind = behind
			return err
		}
		left := behind - len(batch)
		next := Position{UIDValidity: r.pos.UIDValidity, UID: uint32(batch[len(batch)-1])}
		if len(mails) > 0 { // else all were expunged meanwhile
			if err := r.handOver(ctx, s, mails, next, behind, left); err != nil {
				return err
			}
		}
		behind = left
	}
	return nil
}

// openFolder opens the folder, and begins anew if it has another UIDVALIDITY than before.
func (r *reader) openFolder(ctx context.Context, s *session) error {
	validity, err := s.examine(ctx)
	if err != nil {
		return err
	}
	if !r.state.Connected {
		r.m.opts.Log.LogAttrs(ctx, slog.LevelInfo, "mailbox connected",
			slog.String("mailbox", r.m.opts.Name), slog.Bool("idle", s.canIdle))
		r.tell(s, func(st *MailboxState) { st.Connected, st.Since = true, time.Now().UTC() })
	}
	if validity == r.pos.UIDValidity {
		return nil
	}
	if r.pos.UIDValidity != 0 {
		r.m.opts.Log.LogAttrs(ctx, slog.LevelWarn, "mailbox renumbered by its server, read again from the beginning",
			slog.String("mailbox", r.m.opts.Name), slog.Uint64("uidvalidity", uint64(validity)))
	}
	r.pos = Position{UIDValidity: validity}
	r.singly, r.suspect, r.fails, r.rounds = 0, 0, 0, 0
	return nil
}

// begin begins with a folder of which nothing was read yet: it leaves out what is too old, and
// hands over the newest mails first, if the options say so.
func (r *reader) begin(ctx context.Context, s *session, pending uids) (_ uids, err error) {
	if r.m.opts.Since > 0 {
		if pending, err = r.recent(ctx, s, pending); err != nil {
			return nil, err
		}
	}
	if n := r.m.opts.NewestFirst; n > 0 && r.newestOf != r.pos.UIDValidity && pending.len() > n {
		if err := r.newest(ctx, s, pending.last(n), pending.len()); err != nil {
			return nil, err
		}
		r.newestOf = r.pos.UIDValidity
	}
	return pending, nil
}

// handOver hands a batch over, advances the position to next, and settles what is due. Behind
// and left are how many mails are above the position before and after it.
func (r *reader) handOver(ctx context.Context, s *session, mails []Message, next Position, behind, left int) error {
	for i := range mails {
		mails[i].UIDValidity = next.UIDValidity
	}
	if err := r.handle(ctx, Batch{Messages: mails, Position: next}); err != nil {
		r.state.Behind = behind
		return r.unstored(ctx, err)
	}
	r.pos = next
	r.m.opts.Log.LogAttrs(ctx, slog.LevelDebug, "mails read", slog.String("mailbox", r.m.opts.Name),
		slog.Int("mails", len(mails)), slog.Uint64("uid", uint64(mails[len(mails)-1].UID)))
	r.tell(s, func(st *MailboxState) { st.Behind = left })
	if r.state.AfterErr != nil {
		return nil // not again before the next round
	}
	return r.settle(ctx, s)
}

// unstored is the error of mails that could not be handed over.
func (r *reader) unstored(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &MailboxError{Mailbox: r.m.opts.Name, Server: r.m.opts.Server, Step: stepStore,
		Kind: ErrHandle, Err: err, Hint: "they stay on the server and are read again"}
}

// read fetches a batch, and finds the mail that keeps it from being read. Every failure ends the
// session, because the library's connection cannot be trusted after one; what was learnt is
// kept for the next session.
func (r *reader) read(ctx context.Context, s *session, batch []imap.UID) ([]Message, error) {
	uid := uint32(batch[0])
	tries := 0
	if len(batch) == 1 && uid == r.suspect {
		tries = r.fails
	}
	if tries == triesBeforeAside {
		return r.aside(ctx, uid), nil
	}
	limit, last, proof := r.m.opts.MaxMessageBytes, tries == triesBeforeAside-1, true
	if last {
		var err error
		if proof, err = r.control(ctx, s, uid); err != nil {
			return nil, err
		}
		limit = min(limit, lastTryBytes)
	}
	mails, err := s.fetch(ctx, batch, limit, last)
	switch {
	case err == nil:
		if last && len(mails) == 1 {
			mails[0].Trouble = oneLine(fmt.Sprintf("read without its date and size, and no more than %d bytes, after: %v", limit, r.lastErr))
		}
		if len(batch) == 1 {
			r.suspect, r.fails, r.rounds = 0, 0, 0
		}
		return mails, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(batch) > 1:
		r.singly = uint32(batch[len(batch)-1])
	case uid != r.suspect:
		r.suspect, r.fails, r.rounds = uid, 1, 0
	case proof:
		r.fails++
	}
	r.lastErr = cause(err)
	if !proof {
		return nil, r.unread(fmt.Sprintf("of UID %d", uid), err,
			"it is the only one in the folder, so that nothing tells whether the mail or the connection is to blame; look at it on the server")
	}
	return nil, r.unread(fmt.Sprintf("from UID %d on", uid), err, "tried again, a mail at a time")
}

// control fetches another mail over the same connection, before the last try of the one that
// failed. If that fails as well, the connection is to blame, or a firewall that swallows large
// packets: without this check every mail of the folder would be set aside, one by one. It is
// false if the mail is the only one in the folder.
func (r *reader) control(ctx context.Context, s *session, uid uint32) (read bool, err error) {
	others, err := s.search(ctx, 1, uid)
	if err != nil || others.len() == 0 {
		return false, err
	}
	other := others.pick(imap.UID(uid), r.rounds%others.len())
	mails, err := s.fetch(ctx, []imap.UID{other}, r.m.opts.MaxMessageBytes, false)
	if err == nil {
		return len(mails) == 1, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	r.rounds++ // another one next time: this one may be damaged, too
	return false, r.unread(fmt.Sprintf("of UID %d, and of UID %d to compare", uid, other), err,
		"if it lasts, check the network path to the server for large packets (MTU)")
}

// recent leaves out what came into an unread folder before Since: a first start must not spend
// a day on mail that decides nothing any more. The boundary is a UID that stays the same while
// the process lives, so that nothing that comes later is skipped.
func (r *reader) recent(ctx context.Context, s *session, pending uids) (uids, error) {
	if r.floorOf != r.pos.UIDValidity {
		first, err := s.since(ctx, time.Now().Add(-r.m.opts.Since))
		if err != nil {
			return nil, err
		}
		if first == 0 && len(pending) > 0 { // all of it is older
			first = uint32(pending[len(pending)-1].Stop) + 1
		}
		r.floor, r.floorOf = max(first, 1), r.pos.UIDValidity
		if n := pending.len() - pending.from(r.floor).len(); n > 0 {
			r.m.opts.Log.LogAttrs(ctx, slog.LevelInfo, "older mails passed over", slog.String("mailbox", r.m.opts.Name),
				slog.Int("mails", n), slog.Duration("since", r.m.opts.Since))
		}
	}
	return pending.from(r.floor), nil
}

// aside returns the mail without its content.
func (r *reader) aside(ctx context.Context, uid uint32) []Message {
	r.m.opts.Log.LogAttrs(ctx, slog.LevelWarn, "mail set aside unread",
		slog.String("mailbox", r.m.opts.Name), slog.Uint64("uid", uint64(uid)), slog.Any("err", r.lastErr))
	return []Message{{Mailbox: r.m.opts.Name, UID: uid,
		Trouble: oneLine(fmt.Sprintf("not read in %d tries, while another mail was: %v", triesBeforeAside, r.lastErr))}}
}

// pick returns the i-th mail to compare with uid: first those below it, which have been read,
// the nearest first; then those above.
func (u uids) pick(uid imap.UID, i int) imap.UID {
	var below, above uids
	for _, r := range u {
		if r.Stop < uid {
			below = append(below, r)
		} else {
			above = append(above, r)
		}
	}
	for j := len(below) - 1; j >= 0; j-- {
		n := int(below[j].Stop-below[j].Start) + 1
		if i < n {
			return below[j].Stop - imap.UID(i)
		}
		i -= n
	}
	for _, r := range above {
		n := int(r.Stop-r.Start) + 1
		if i < n {
			return r.Start + imap.UID(i)
		}
		i -= n
	}
	return 0 // i is below len
}

func (r *reader) unread(which string, err error, hint string) error {
	return &MailboxError{Mailbox: r.m.opts.Name, Server: r.m.opts.Server, Step: stepFetch + " " + which,
		Kind: ErrUnread, Err: cause(err), Hint: hint}
}

// cause returns what is inside a [MailboxError], so that it can be quoted in another.
func cause(err error) error {
	if known, ok := errors.AsType[*MailboxError](err); ok {
		if known.Kind == ErrProtocol || known.Kind == ErrUnread {
			return known.Err
		}
		return fmt.Errorf("%w: %w", known.Kind, known.Err)
	}
	return err
}
