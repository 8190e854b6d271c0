package probes

import (
	"context"
	"iter"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// newest hands over these mails, the last batch first, and leaves the position where it is, at
// the beginning. Everything is read from there afterwards, these mails too, so that nothing is
// skipped whenever this is cut off. A mail that cannot be read ends it: the reading in order
// finds out which one that is.
func (r *reader) newest(ctx context.Context, s *session, uids []imap.UID, behind int) error {
	for batch := range backwards(uids, r.m.batchSize()) {
		mails, err := s.fetch(ctx, batch, r.m.opts.MaxMessageBytes, false)
		if err != nil {
			r.state.Behind = behind
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.newestOf = r.pos.UIDValidity
			return r.unread("of the newest mails", err, "all are read in their order")
		}
		if len(mails) == 0 { // all expunged meanwhile
			continue
		}
		if err := r.handOver(ctx, s, mails, r.pos, behind, behind); err != nil {
			return err
		}
	}
	return nil
}

// backwards returns the UIDs in batches of at most size, the last batch first, each in
// ascending order.
func backwards(uids []imap.UID, size int) iter.Seq[[]imap.UID] {
	return func(yield func([]imap.UID) bool) {
		for end := len(uids); end > 0; end -= size {
			if !yield(uids[max(0, end-size):end]) {
				return
			}
		}
	}
}

// last returns the n highest UIDs in ascending order, or all if there are fewer.
func (u uids) last(n int) (highest []imap.UID) {
	for _, r := range slices.Backward(u) {
		for uid := r.Stop; len(highest) < n; uid-- {
			highest = append(highest, uid)
			if uid == r.Start {
				break
			}
		}
	}
	slices.Reverse(highest)
	return highest
}
