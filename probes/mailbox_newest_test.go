package probes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-imap/v2"

	"reputed/internal/reliability"
	"reputed/probes/probestest"
)

// The newest come first, the rest in order and the newest once more, with the position behind them only then. A folder that
// was read before, or that has no more than these, is read in order.
func TestMailboxNewestFirst(t *testing.T) {
	for name, c := range map[string]struct {
		mails  int
		start  Position
		newest int
		want   []uint32
	}{
		"the newest, then all":             {8, Position{}, 3, []uint32{7, 8, 6, 1, 2, 3, 4, 5, 6, 7, 8}},
		"no more than these":               {3, Position{}, 3, []uint32{1, 2, 3}},
		"read before":                      {5, Position{1, 2}, 1, []uint32{3, 4, 5}},
		"renumbered":                       {5, Position{9, 4}, 2, []uint32{4, 5, 1, 2, 3, 4, 5}},
		"begun, and nothing read in order": {5, Position{1, 0}, 2, []uint32{4, 5, 1, 2, 3, 4, 5}},
		"not asked for":                    {4, Position{}, 0, []uint32{1, 2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{})
			for i := range c.mails {
				d.Append(testMail(i+1), mailTime)
			}
			opts := mailboxOptions(t, d, TLSNone)
			opts.NewestFirst, opts.BatchMessages = c.newest, 2
			s := newStore()
			if err := newMailbox(t, opts).Once(t.Context(), c.start, s.handle); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.seen, c.want) || s.pos != (Position{1, uint32(c.mails)}) {
				t.Errorf("read %v to %v, want %v to the end", s.seen, s.pos, c.want)
			}
		})
	}
}

// One of the newest cannot be read: the rest comes all the same, and it is set aside in its turn.
func TestMailboxNewestFirstWithAMailThatCannotBeRead(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 8 {
		d.Append(testMail(i+1), mailTime)
	}
	d.Poison(7)
	opts := mailboxOptions(t, d, TLSNone)
	opts.NewestFirst = 3
	s := newStore()
	w := watch(t, newMailbox(t, opts), Position{}, s)
	w.read(t, 8)
	_ = w.stop()
	seen := map[uint32]string{}
	for _, m := range s.all() {
		seen[m.UID] = m.Trouble
	}
	if len(seen) != 8 || seen[7] == "" {
		t.Errorf("read %v, want all, and of 7 why it could not be", seen)
	}
}

// Wherever the first start is cut off, by the death of the process or of the connection, the next one passes nothing over.
func TestMailboxNewestFirstCutAnywhere(t *testing.T) {
	const n, newest = 60, 12
	breaks := &atomic.Int32{}
	s := startScript(t, many(n, breaks))
	opts := s.options(t)
	opts.NewestFirst, opts.BatchMessages = newest, 4
	tries, lost, late := 0, 0, 0
	for life := 1; life <= n/4+newest/4; life++ { // batches until the process dies
		for _, cut := range []int32{0, int32(life)} {
			tries++
			pos, found, order := Position{}, map[uint32]bool{}, []uint32{}
			left := life
			for dead := true; dead; {
				ctx, kill := context.WithCancel(t.Context())
				breaks.Store(cut)
				err := newMailbox(t, opts).Once(ctx, pos, func(_ context.Context, b Batch) error {
					pos = b.Position
					for _, m := range b.Messages {
						found[m.UID] = true
						order = append(order, m.UID)
					}
					if left--; left == 0 {
						kill()
					}
					return nil
				})
				kill()
				if dead = errors.Is(err, context.Canceled); !dead && err != nil && !errors.Is(err, ErrUnread) && !errors.Is(err, ErrProtocol) {
					t.Fatal(err)
				}
				dead = dead || err != nil
			}
			if len(found) != n || pos != (Position{1, n}) {
				lost += n - len(found)
				t.Errorf("life of %d batches, cut %d: %d of %d mails, to %v", life, cut, len(found), n, pos)
			}
			if order[len(order)-1] != n || !slices.Contains(order[:4], n) && cut != 1 {
				late++
				t.Errorf("life of %d batches, cut %d: read in the order %v", life, cut, order)
			}
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: "a first start that reads the newest mails first dies, or its connection does, after each batch", Tries: tries, Unit: "starts",
		Promised: "the newest come first, and nothing is passed over", Seen: fmt.Sprintf("%d mails passed over, %d times not the newest first", lost, late)})
}

func TestLastUIDs(t *testing.T) {
	u := uids{{Start: 1, Stop: 3}, {Start: 7, Stop: 7}, {Start: 4294967294, Stop: 4294967295}}
	for n, want := range map[int][]imap.UID{0: nil, 1: {4294967295}, 3: {7, 4294967294, 4294967295}, 4: {3, 7, 4294967294, 4294967295}, 9: {1, 2, 3, 7, 4294967294, 4294967295}} {
		if got := u.last(n); !slices.Equal(got, want) {
			t.Errorf("last(%d) = %v, want %v", n, got, want)
		}
	}
}
