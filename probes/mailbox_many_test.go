package probes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"reputed/internal/reliability"
)

// many makes the script one of a folder with the mails 1 to n, of which it keeps none. After so many FETCHes the
// connection breaks, in the middle of an answer; 0: never.
func many(n int, breaks *atomic.Int32) func(*script) {
	return func(s *script) {
		s.answers["EXAMINE"] = func(c *scriptConn, tag, _ string) {
			c.say("* %d EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n* OK [UIDNEXT %d] next\r\n%s OK [READ-ONLY] done", n, n+1, tag)
		}
		s.answers["UID SEARCH"] = func(c *scriptConn, tag, rest string) {
			from, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(rest, "UID "), ":*"))
			var b strings.Builder
			b.WriteString("* SEARCH")
			for uid := min(max(from, 1), n); uid <= n; uid++ {
				b.WriteByte(' ')
				b.WriteString(strconv.Itoa(uid))
			}
			c.say("%s\r\n%s OK done", b.String(), tag)
		}
		s.answers["UID FETCH"] = func(c *scriptConn, tag, rest string) {
			set, _, _ := strings.Cut(rest, " ")
			var b strings.Builder
			for part := range strings.SplitSeq(set, ",") {
				from, to, ranged := strings.Cut(part, ":")
				first, _ := strconv.Atoi(from)
				last := first
				if ranged {
					last, _ = strconv.Atoi(to)
				}
				for uid := first; uid <= last; uid++ {
					b.WriteString(fetchAnswer(uid, uid))
					b.WriteString("\r\n")
				}
			}
			if breaks.Add(-1) == 0 {
				fmt.Fprint(c.Conn, b.String()[:b.Len()/2])
				c.Close()
				return
			}
			fmt.Fprintf(c.Conn, "%s%s OK done\r\n", b.String(), tag)
		}
		delete(s.answers, "SEARCH") // by numbers nothing is asked
		delete(s.answers, "FETCH")
	}
}

// A first start on a mailbox with very many mails: memory is bounded by the batch, and whoever is stopped goes on where it was.
func TestMailboxWithVeryManyMailsAtFirstStart(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	breaks := &atomic.Int32{}
	s := startScript(t, many(n, breaks))
	opts := s.options(t)
	pos := Position{}
	times := make([]uint8, n+1)
	mails, bytes, batches, starts := 0, 0, 0, 0
	for ended := false; !ended; {
		starts++
		ctx, kill := context.WithCancel(t.Context())
		life := 8 << starts // batches: each process lives longer than the one before
		breaks.Store(int32(life / 2))
		err := newMailbox(t, opts).Once(ctx, pos, func(_ context.Context, b Batch) error {
			held := 0
			for _, m := range b.Messages {
				times[m.UID]++
				held += cap(m.Bytes)
			}
			mails, bytes, pos = max(mails, len(b.Messages)), max(bytes, held), b.Position
			batches++
			if life--; life == 0 {
				kill()
			}
			return nil
		})
		kill()
		if ended = err == nil; !ended && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	wrong := 0
	for _, x := range times[1:] {
		if x != 1 {
			wrong++
		}
	}
	if wrong > 0 || pos.UID != uint32(n) {
		t.Errorf("%d of %d mails were not handed over once; position %v", wrong, n, pos)
	}
	const most, mostBytes = 50, 16 << 20 // the defaults of BatchMessages and BatchBytes
	if mails > most || bytes > mostBytes {
		t.Errorf("%d mails and %d bytes were held at once, want at most %d and %d", mails, bytes, most, mostBytes)
	}
	if starts < 4 || batches < n/most {
		t.Errorf("%d processes and %d batches: want some that were stopped, and no batch of all", starts, batches)
	}
	if !testing.Short() {
		reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: fmt.Sprintf("100,000 unread mails at the first start, which is stopped %d times, its connection broken in between", starts-1), Tries: n, Unit: "mails",
			Promised: fmt.Sprintf("each once, at most %d held at once", most), Seen: fmt.Sprintf("%d not once, at most %d held at once", wrong, mails)})
	}
}
