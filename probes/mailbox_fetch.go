package probes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// uids is a set of UIDs as SEARCH returns it, in ranges: a folder may hold millions, and few
// ranges.
type uids []imap.UIDRange

// search returns the UIDs in the folder from first on, except one.
func (s *session) search(ctx context.Context, first, except uint32) (found uids, err error) {
	if first == 0 { // the UID before it was the highest possible
		return nil, nil
	}
	// "n:*" always includes the last mail, even if its UID is below n (RFC 3501 section 6.4.8),
	// so the answer is filtered.
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: imap.UID(first), Stop: 0}}}}
	err = s.within(ctx, stepSearch, func() error {
		data, err := s.client.UIDSearch(criteria, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := data.All.(imap.UIDSet)
		for _, r := range set {
			if r.Start == 0 || r.Stop < r.Start {
				return errors.New("the answer to SEARCH holds a UID of 0")
			}
			r.Start = max(r.Start, imap.UID(first))
			if except != 0 && r.Start <= imap.UID(except) && imap.UID(except) <= r.Stop {
				found = found.add(r.Start, imap.UID(except)-1)
				r.Start = imap.UID(except) + 1 // 0 if there is none above
			}
			found = found.add(r.Start, r.Stop)
		}
		return nil
	})
	slices.SortFunc(found, func(a, b imap.UIDRange) int { return cmp.Compare(a.Start, b.Start) })
	return found, err
}

// since returns the lowest UID among the mails that arrived at that time or later, 0 if there
// is none. A server compares only days, in some time zone (RFC 3501 section 6.4.4), so it is
// asked for one day more.
func (s *session) since(ctx context.Context, at time.Time) (first uint32, err error) {
	err = s.within(ctx, stepSearch, func() error {
		data, err := s.client.UIDSearch(&imap.SearchCriteria{Since: at.UTC().AddDate(0, 0, -1)}, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := data.All.(imap.UIDSet)
		for _, r := range set {
			if r.Start == 0 || r.Stop < r.Start {
				return errors.New("the answer to SEARCH holds a UID of 0")
			}
			if first == 0 || uint32(r.Start) < first {
				first = uint32(r.Start)
			}
		}
		return nil
	})
	return first, err
}

// from returns the UIDs from first on.
func (u uids) from(first uint32) (out uids) {
	for _, r := range u {
		out = out.add(max(r.Start, imap.UID(first)), r.Stop)
	}
	return out
}

func (u uids) add(start, stop imap.UID) uids {
	if start == 0 || start > stop {
		return u
	}
	return append(u, imap.UIDRange{Start: start, Stop: stop})
}

// len returns how many UIDs there are.
func (u uids) len() int {
	n := 0
	for _, r := range u {
		n += int(r.Stop-r.Start) + 1
	}
	return n
}

// take splits off the n lowest UIDs, or all if there are fewer. The rest shares its memory with
// u, which must not be used any more.
func (u uids) take(n int) (first []imap.UID, rest uids) {
	for i, r := range u {
		for uid := r.Start; ; uid++ {
			if len(first) == n {
				rest = u[i:]
				rest[0].Start = uid
				return first, rest
			}
			first = append(first, uid)
			if uid == r.Stop { // not in the head of the loop: uid+1 may be 0
				break
			}
		}
	}
	return first, nil
}

// fetch reads up to limit bytes of each of the mails, and returns them in ascending order of
// UID. A mail that is missing from the result is no longer in the folder. Any other failure is
// an error, and then nothing is returned, because what the library has handed over until then
// may be incomplete. With bare, neither date nor size are asked for: a date that the library
// cannot read costs the connection.
func (s *session) fetch(ctx context.Context, want []imap.UID, limit int, bare bool) ([]Message, error) {
	items := &imap.FetchOptions{
		UID:          true,
		InternalDate: !bare,
		RFC822Size:   !bare,
		// One byte more than is kept shows whether the mail is longer: many servers only
		// estimate RFC822.SIZE. PEEK does not set \Seen (RFC 3501 section 6.4.5).
		BodySection: []*imap.FetchItemBodySection{{
			Peek: true, Partial: &imap.SectionPartial{Offset: 0, Size: int64(limit) + 1},
		}},
	}
	got := map[imap.UID]Message{}
	if err := s.fetchSet(ctx, imap.UIDSetNum(want...), items, limit, got); err != nil {
		return nil, err
	}
	missing := missingOf(want, got)
	if len(missing) > 0 {
		// They are gone, or were lost on the way: the library drops an answer that has the UID
		// after the body, and one that follows a change of the mail's flags. When it asks by
		// sequence number, it takes both.
		seqs, err := s.sequenceNumbers(ctx, missing)
		if err != nil {
			return nil, err
		}
		if len(seqs) > 0 {
			if err := s.fetchSet(ctx, imap.SeqSetNum(seqs...), items, limit, got); err != nil {
				return nil, err
			}
			came := len(missing) - len(missingOf(missing, got))
			if n := len(seqs) - came; n > 0 {
				return nil, s.m.failure(ctx, stepFetch, fmt.Errorf("%d of %d mails did not come although the server lists them", n, len(want)), false)
			}
		}
	}
	var mails []Message
	for _, uid := range want {
		if m, ok := got[uid]; ok {
			mails = append(mails, m)
		}
	}
	return mails, nil
}

func missingOf(want []imap.UID, got map[imap.UID]Message) (missing []imap.UID) {
	for _, uid := range want {
		if _, ok := got[uid]; !ok {
			missing = append(missing, uid)
		}
	}
	return missing
}

// sequenceNumbers returns the sequence numbers of the mails that are still in the folder.
func (s *session) sequenceNumbers(ctx context.Context, of []imap.UID) (seqs []uint32, err error) {
	err = s.within(ctx, stepSearch, func() error {
		data, err := s.client.Search(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(of...)}}, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := data.All.(imap.SeqSet)
		for _, r := range set {
			if r.Start == 0 || r.Stop < r.Start || uint64(r.Stop-r.Start) >= uint64(len(of)-len(seqs)) {
				return errors.New("the answer to SEARCH lists more mails than were asked for")
			}
			for i := range r.Stop - r.Start + 1 {
				seqs = append(seqs, r.Start+i)
			}
		}
		return nil
	})
	return seqs, err
}

// fetchSet runs one FETCH and adds the mails that came completely to got. It takes the whole
// answer, since no other command can run before that.
func (s *session) fetchSet(ctx context.Context, set imap.NumSet, items *imap.FetchOptions, limit int, got map[imap.UID]Message) error {
	return s.within(ctx, stepFetch, func() error {
		command := s.client.Fetch(set, items)
		for data := command.Next(); data != nil; data = command.Next() {
			m, whole, err := s.message(data, limit)
			if err != nil {
				// The connection has ended inside a literal. The command is left as it is: Next
				// and Close would go on reading the literal at the same time as the library's
				// own reader, which by now cleans up.
				return err
			}
			if whole {
				got[imap.UID(m.UID)] = m
			}
			s.progress()
		}
		return command.Close()
	})
}

// message reads one answer to a FETCH. It is whole if it has both a UID and a body.
func (s *session) message(data *imapclient.FetchMessageData, limit int) (m Message, whole bool, err error) {
	m.Mailbox = s.m.opts.Name
	body := false
	for item := data.Next(); item != nil; item = data.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			m.UID = uint32(item.UID)
		case imapclient.FetchItemDataInternalDate:
			m.Received = item.Time.UTC()
		case imapclient.FetchItemDataRFC822Size:
			m.Size = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil { // NIL: the server has the mail but not its body
				continue
			}
			if m.Bytes, m.Cut, err = readLiteral(item.Literal, limit); err != nil {
				return m, false, err
			}
			body = true
		}
	}
	if len(m.Bytes) == 0 && m.Size > 0 {
		body = false
	}
	m.Size = max(m.Size, int64(len(m.Bytes)))
	if m.Cut {
		m.Size = max(m.Size, int64(limit)+1)
	}
	return m, body && m.UID != 0, nil
}

// readLiteral returns up to limit bytes of a literal, and says whether there are more. When the
// connection is cut inside a literal, the library reports its end: only the announced length
// tells the difference. After an error lit must not be touched again.
func readLiteral(lit imap.LiteralReader, limit int) (kept []byte, cut bool, err error) {
	announced := lit.Size()
	kept = make([]byte, min(announced, int64(limit)))
	n, err := io.ReadFull(lit, kept)
	if err != nil {
		return nil, false, fmt.Errorf("%d of %d bytes of a mail came", n, announced)
	}
	rest, err := io.Copy(io.Discard, lit) // even if nothing is left: the library waits until the end was read
	if err != nil || int64(n)+rest != announced {
		return nil, false, fmt.Errorf("%d of %d bytes of a mail came", int64(n)+rest, announced)
	}
	return kept, rest > 0, nil
}
