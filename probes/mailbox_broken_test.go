package probes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"reputed/internal/reliability"
	"reputed/probes/probestest"
)

// untilWhole reads a mailbox by one process after the other, each from the position that the one before
// has stored, until one comes to the end, and says how many failed.
func untilWhole(t *testing.T, opts MailboxOptions, s *store) (failed int) {
	t.Helper()
	for ; ; failed++ {
		err := newMailbox(t, opts).Once(t.Context(), s.pos, s.handle)
		if err == nil {
			return failed
		}
		if failed == 10 {
			t.Fatalf("the tenth process in a row does not come to the end: %v", err)
		}
	}
}

// unlike counts the mails 1 to n that are not there once and whole.
func unlike(got []Message, n int) (bad int) {
	times := make([]int, n+1)
	for _, m := range got {
		if m.UID >= 1 && int(m.UID) <= n && m.UIDValidity == 1 && m.Trouble == "" && !m.Cut && bytes.Equal(m.Bytes, testMail(int(m.UID))) {
			times[m.UID]++
		} else {
			bad++
		}
	}
	for _, x := range times[1:] {
		if x != 1 {
			bad++
		}
	}
	return bad
}

// A session is cut after each of its bytes in turn, of those that the server sends and of those that it hears.
func TestMailboxCutAtEveryByte(t *testing.T) {
	for _, c := range []struct {
		who string
		cut func(*probestest.IMAP, int64)
	}{
		{"server", (*probestest.IMAP).CutNext},
		{"client", (*probestest.IMAP).CutNextHeard},
	} {
		t.Run(c.who, func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{})
			const n = 3
			for i := range n {
				d.Append(testMail(i+1), mailTime)
			}
			opts := mailboxOptions(t, d, TLSNone)
			opts.Log = nil
			opts.BatchMessages = 2 // so that some of it has been stored when the rest is lost
			step := int64(1)
			if testing.Short() {
				step = 41
			}
			cuts, wrong := 0, 0
			for cut := int64(0); ; cut += step {
				s := newStore()
				c.cut(d, cut)
				if untilWhole(t, opts, s) == 0 {
					break // all of the session came before the cut
				}
				cuts++
				if bad := unlike(s.all(), n); bad > 0 {
					wrong += bad
					t.Errorf("cut after %d bytes: %d mails are lost, twice or in part", cut, bad)
				}
			}
			if cuts < 5 && !testing.Short() {
				t.Errorf("%d cuts: where are the others?", cuts)
			}
			if !testing.Short() {
				reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: "IMAP connection cut at every byte that the " + c.who + " sends in a session", Tries: cuts, Unit: "cuts",
					Promised: "the next process reads on: every mail once and whole", Seen: fmt.Sprintf("%d mails lost, twice or in part", wrong)})
			}
		})
	}
}

// A byte at a time is slow, and nothing else.
func TestMailboxByteAtATime(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	const n = 20
	for i := range n {
		d.Append(testMail(i+1), mailTime)
	}
	d.Drip(true)
	s := newStore()
	failed := untilWhole(t, mailboxOptions(t, d, TLSNone), s)
	if failed > 0 {
		t.Errorf("%d tries failed", failed)
	}
	bad := unlike(s.all(), n)
	if bad > 0 {
		t.Errorf("%d mails are lost, twice or in part", bad)
	}
	reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: "an IMAP server and the way to it pass on one byte at a time", Tries: n, Unit: "mails",
		Promised: "every mail once and whole, in one session", Seen: fmt.Sprintf("%d lost, twice or in part, %d sessions failed", bad, failed)})
}

// A server that goes on for ever, a byte now and then, is given up in the time of one command.
func TestMailboxThatNeverEndsAnAnswer(t *testing.T) {
	steps := []string{"LOGIN", "CAPABILITY", "EXAMINE", "UID SEARCH", "UID FETCH"}
	held := 0
	for _, step := range steps {
		s := startScript(t, func(s *script) {
			s.answers[step] = func(c *scriptConn, _, _ string) {
				for {
					if _, err := c.Conn.Write([]byte("* OK still here\r\n")); err != nil {
						return
					}
					<-time.After(time.Millisecond)
				}
			}
		})
		opts := s.options(t)
		opts.Timeout = 50 * time.Millisecond
		err := newMailbox(t, opts).Once(t.Context(), Position{}, newStore().handle)
		if timeout := errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnread) && strings.Contains(err.Error(), ErrTimeout.Error()); !timeout {
			held++
			t.Errorf("%s: %v, want ErrTimeout", step, err)
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: "an IMAP server goes on answering one command for ever", Tries: len(steps), Unit: "commands",
		Promised: "given up after the time of one command", Seen: fmt.Sprintf("%d held us up", held)})
}

// lies are sizes that are not so: what is announced for the mail 2, in RFC822.SIZE or as the length of its literal.
var lies = []struct {
	what string
	tell func(honest string, size int) (lie string)
	hurt bool // the literal: nobody can read the mail as it is
}{
	{"RFC822.SIZE is 0", sizeLie("0"), false},
	{"RFC822.SIZE is 1", sizeLie("1"), false},
	{"RFC822.SIZE is 4 GiB", sizeLie("4294967295"), false},
	{"RFC822.SIZE is the largest number of 63 bits", sizeLie("9223372036854775807"), false},
	{"RFC822.SIZE is no number of 63 bits", sizeLie("99999999999999999999"), false},
	{"the literal is announced as empty", literalLie(func(int) string { return "0" }), true},
	{"the literal is announced as a byte", literalLie(func(int) string { return "1" }), true},
	{"the literal is announced a byte too short", literalLie(func(n int) string { return strconv.Itoa(n - 1) }), true},
	{"the literal is announced a byte too long", literalLie(func(n int) string { return strconv.Itoa(n + 1) }), true},
	{"the literal is announced a MiB too long", literalLie(func(n int) string { return strconv.Itoa(n + 1<<20) }), true},
	{"the literal is announced as 2 TiB", literalLie(func(int) string { return "2199023255552" }), true},
	{"the literal is announced with no number of 63 bits", literalLie(func(int) string { return "99999999999999999999" }), true},
}

func sizeLie(size string) func(string, int) string {
	return func(honest string, n int) string {
		return strings.Replace(honest, fmt.Sprintf("SIZE %d", n), "SIZE "+size, 1)
	}
}

func literalLie(size func(int) string) func(string, int) string {
	return func(honest string, n int) string {
		return strings.Replace(honest, fmt.Sprintf("{%d}", n), "{"+size(n)+"}", 1)
	}
}

// A server that lies about the size of one mail costs that mail at most, and never another one; and never memory.
func TestMailboxLyingSizes(t *testing.T) {
	spoilt := 0
	for _, lie := range lies {
		t.Run(lie.what, func(t *testing.T) {
			s := startScript(t, func(s *script) {
				s.answers["UID FETCH"] = func(c *scriptConn, tag, rest string) {
					set, items, _ := strings.Cut(rest, " ")
					for _, uid := range asked(set) {
						answer := fetchAnswer(uid, uid)
						if !strings.Contains(items, "RFC822.SIZE") {
							answer = strings.Replace(answer, fmt.Sprintf(" RFC822.SIZE %d INTERNALDATE \"20-Nov-2026 09:40:00 +0000\"", len(testMail(uid))), "", 1)
						}
						if uid == 2 {
							c.say("%s", lie.tell(answer, len(testMail(uid))))
							if lie.hurt { // and what should have been in it never comes
								c.Close()
								return
							}
							continue
						}
						c.say("%s", answer)
					}
					c.say("%s OK done", tag)
				}
				s.answers["FETCH"] = s.answers["UID FETCH"]
			})
			kept := newStore()
			if err := newMailbox(t, s.options(t)).Once(t.Context(), Position{}, kept.handle); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if t.Failed() {
					spoilt++
				}
			}()
			got := kept.all()
			if len(got) != 3 || kept.pos.UID != 3 {
				t.Fatalf("%d mails to position %v, want 3", len(got), kept.pos)
			}
			for i, m := range got {
				whole := bytes.Equal(m.Bytes, testMail(i+1)) && m.Size >= int64(len(m.Bytes))
				if int(m.UID) != i+1 || whole == (m.UID == 2 && lie.hurt) || (m.UID != 2 || !lie.hurt) && !whole || m.UID == 2 && lie.hurt && m.Trouble == "" {
					t.Errorf("UID %d: %d of %d bytes, trouble %q", m.UID, len(m.Bytes), m.Size, m.Trouble)
				}
				if cap(m.Bytes) > MaxMessageBytes {
					t.Errorf("UID %d: room for %d bytes", m.UID, cap(m.Bytes))
				}
			}
		})
	}
	reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: "an IMAP server lies about the size of a mail: 0, too small, too large, 2 TiB, no number", Tries: len(lies), Unit: "lies",
		Promised: "all other mails once and whole, that one whole or set aside with the reason, no more memory than a mail may have", Seen: fmt.Sprintf("%d lies spoilt more", spoilt)})
}

// A folder is renumbered, or deleted and made again, between any two batches of a reading.
func TestMailboxRenumberedBetweenBatches(t *testing.T) {
	const n, size = 12, 3
	tries, lost := 0, 0
	for _, c := range []struct {
		fault string
		hit   func(*probestest.IMAP)
	}{
		{"renumbered", (*probestest.IMAP).Recreate},
		{"deleted and made again", func(d *probestest.IMAP) {
			d.Remove("INBOX")
			d.Drop()
			d.Create("INBOX")
			for i := range n {
				d.Append(testMail(i+1), mailTime)
			}
		}},
	} {
		for after := range n / size {
			tries++
			d := startIMAP(t, probestest.IMAPOptions{})
			for i := range n {
				d.Append(testMail(i+1), mailTime)
			}
			opts := mailboxOptions(t, d, TLSNone)
			opts.BatchMessages, opts.Poll, opts.Log = size, time.Millisecond, nil
			d.HideIdle(true)
			s := newStore()
			m := newMailbox(t, opts)
			ctx, cancel := context.WithCancel(t.Context())
			states := make(chan MailboxState, 10000)
			done := make(chan error, 1)
			batches := 0
			go func() {
				done <- m.Watch(ctx, Position{}, func(ctx context.Context, b Batch) error {
					if batches++; batches == after+1 {
						c.hit(d)
					}
					return s.handle(ctx, b)
				}, func(st MailboxState) { states <- st })
			}()
			w := &watching{states: states}
			w.until(t, "all read under the new number", func(st MailboxState) bool {
				return st.Position == Position{UIDValidity: 2, UID: n} && st.LastErr == nil && st.Connected
			})
			cancel()
			<-done
			found := map[string]bool{}
			for _, m := range s.all() {
				if m.UIDValidity == 2 {
					found[string(m.Bytes)] = true
				}
			}
			if len(found) != n {
				lost += n - len(found)
				t.Errorf("%s after %d batches: %d of %d mails were read under the new number", c.fault, after+1, len(found), n)
			}
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: "an IMAP folder is renumbered (UIDVALIDITY), or deleted and made again, between two batches", Tries: tries, Unit: "times",
		Promised: "every mail is read again under its new number", Seen: fmt.Sprintf("%d mails not read", lost)})
}

// A mailbox is deleted while it is watched, is away for a while, and comes back with the mails that were read and some that were not.
func TestMailboxDeletedForAWhile(t *testing.T) {
	const n, more = 6, 4
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range n {
		d.Append(testMail(i+1), mailTime)
	}
	opts := mailboxOptions(t, d, TLSNone)
	opts.Poll, opts.Log = time.Millisecond, nil
	d.HideIdle(true)
	s := newStore()
	m := newMailbox(t, opts)
	ctx, cancel := context.WithCancel(t.Context())
	states := make(chan MailboxState, 10000)
	done := make(chan error, 1)
	go func() { done <- m.Watch(ctx, Position{}, s.handle, func(st MailboxState) { states <- st }) }()
	w := &watching{states: states}
	w.until(t, "all read", func(st MailboxState) bool { return st.Position.UID == n && st.LastErr == nil && st.Connected })
	d.Remove("INBOX")
	d.Drop()
	said := 0
	w.until(t, "it is said that the folder is not there", func(st MailboxState) bool {
		var e *MailboxError
		if st.Connected || !errors.As(st.LastErr, &e) || e.Step != stepExamine {
			return false
		}
		said++
		return true
	})
	if got := len(s.all()); got != n {
		t.Errorf("%d mails were handed over while it was away, want the %d of before", got, n)
	}
	d.Create("INBOX")
	for i := range n + more {
		d.Append(testMail(i+1), mailTime)
	}
	w.until(t, "all read under the new number", func(st MailboxState) bool {
		return st.Position == Position{UIDValidity: 2, UID: n + more} && st.LastErr == nil && st.Connected
	})
	cancel()
	<-done
	found := map[string]bool{}
	for _, m := range s.all() {
		if m.UIDValidity == 2 {
			found[string(m.Bytes)] = true
		}
	}
	if len(found) != n+more {
		t.Errorf("%d of %d mails were read once it was back", len(found), n+more)
	}
	reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: "an IMAP folder is deleted while it is watched, and comes back later", Tries: n + more, Unit: "mails",
		Promised: "it is said that the folder is not there; once it is, every mail is read", Seen: fmt.Sprintf("said %d time, %d mails not read", said, n+more-len(found))})
}
