package probes

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/probes/probestest"
)

func TestMailboxReadsEveryMailOnce(t *testing.T) {
	for _, mode := range []TLSMode{TLSNone, TLSImplicit, TLSStart} {
		t.Run(string(mode), func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{TLS: string(mode)})
			for i := range 40 {
				d.Append(testMail(i+1), mailTime)
			}
			s := newStore()
			m := newMailbox(t, mailboxOptions(t, d, mode))
			if err := m.Once(t.Context(), Position{}, s.handle); err != nil {
				t.Fatal(err)
			}
			wantMails(t, s.all(), 40)
			if want := (Position{1, 40}); s.pos != want {
				t.Errorf("position %v, want %v", s.pos, want)
			}
			// From there on there is nothing new, although "41:*" always finds the last mail.
			if err := m.Once(t.Context(), s.pos, s.handle); err != nil {
				t.Fatal(err)
			}
			wantMails(t, s.all(), 40)
		})
	}
}

func TestMailboxThousandMailsInBatches(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 1000 {
		d.Append(testMail(i+1), mailTime)
	}
	opts := mailboxOptions(t, d, TLSNone)
	opts.MaxMessageBytes = 64 << 10
	s := newStore()
	if err := newMailbox(t, opts).Once(t.Context(), Position{}, s.handle); err != nil {
		t.Fatal(err)
	}
	wantMails(t, s.all(), 1000)
	if s.batches != 20 {
		t.Errorf("%d batches, want 20 of 50", s.batches)
	}
}

func TestMailboxBatchHoldsNoMoreThanItsBytes(t *testing.T) {
	for name, c := range map[string]struct{ messages, bytes, one, want int }{
		"standard":                    {50, 16 << 20, 1 << 20, 16},
		"small mails":                 {50, 16 << 20, 1 << 10, 50},
		"one mail may be all of it":   {50, 1 << 20, 1 << 20, 1},
		"a mail larger than a batch":  {50, 1 << 10, 1 << 20, 1},
		"one at a time when asked to": {1, 16 << 20, 1 << 20, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Mailbox{opts: MailboxOptions{BatchMessages: c.messages, BatchBytes: c.bytes, MaxMessageBytes: c.one}}
			if got := m.batchSize(); got != c.want {
				t.Errorf("batchSize() = %d, want %d", got, c.want)
			}
		})
	}
}

func TestMailboxNewMailComesByIdle(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{TLS: "implicit"})
	s := newStore()
	w := watch(t, newMailbox(t, mailboxOptions(t, d, TLSImplicit)), Position{}, s) // Poll is an hour
	for i := range 5 {
		if i == 0 {
			w.until(t, "an empty folder read", func(st MailboxState) bool { return st.Connected && !st.LastRoundTrip.IsZero() })
		}
		d.Append(testMail(i+1), mailTime)
		w.read(t, uint32(i+1))
	}
	wantMails(t, s.all(), 5)
	if got := d.Logins(); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
	if err := w.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch gave %v, want the context's error", err)
	}
}

func TestMailboxNewMailComesByPollingWithoutIdle(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{TLS: "implicit"})
	d.HideIdle(true)
	opts := mailboxOptions(t, d, TLSImplicit)
	opts.Poll = time.Millisecond
	var log syncBuffer
	opts.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := newStore()
	w := watch(t, newMailbox(t, opts), Position{}, s)
	for i := range 3 {
		d.Append(testMail(i+1), mailTime)
		w.read(t, uint32(i+1))
	}
	wantMails(t, s.all(), 3)
	if !strings.Contains(log.String(), "idle=false") {
		t.Errorf("the server hides IDLE, but the log says %s", log.String())
	}
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestMailboxGapsAreFine(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 60 {
		d.Append(testMail(i+1), mailTime)
	}
	d.Expunge(1, 2, 17, 18, 19, 59)
	s := newStore()
	if err := newMailbox(t, mailboxOptions(t, d, TLSNone)).Once(t.Context(), Position{1, 10}, s.handle); err != nil {
		t.Fatal(err)
	}
	var got, want []uint32
	for _, m := range s.all() {
		got = append(got, m.UID)
	}
	for uid := range uint32(61) {
		if uid > 10 && !slices.Contains([]uint32{17, 18, 19, 59}, uid) {
			want = append(want, uid)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("UIDs (-want +got):\n%s", diff)
	}
}

func TestMailboxNewUIDValidityReadsAgain(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 3 {
		d.Append(testMail(i+1), mailTime)
	}
	opts := mailboxOptions(t, d, TLSNone)
	opts.Poll = time.Millisecond // the session is not told that the folder is another
	s := newStore()
	w := watch(t, newMailbox(t, opts), Position{}, s)
	w.read(t, 3)
	d.Recreate()
	want := d.UIDValidity()
	w.until(t, "the new UIDVALIDITY read", func(st MailboxState) bool { return st.Position == Position{want, 3} })
	got := s.all()
	if len(got) != 6 {
		t.Fatalf("%d mails came, want the 3 of before and the 3 anew", len(got))
	}
	for i, m := range got[3:] {
		if m.UIDValidity != want || !bytes.Equal(m.Bytes, testMail(i+1)) {
			t.Errorf("mail %d has UIDVALIDITY %d, want %d, and the same bytes", i, m.UIDValidity, want)
		}
	}
	if w.stop(); d.Logins() != 1 {
		t.Errorf("%d logins, want 1: the change is found without a new connection", d.Logins())
	}
}

func TestMailboxStartOfAnotherUIDValidityMeansNothing(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 3 {
		d.Append(testMail(i+1), mailTime)
	}
	s := newStore()
	if err := newMailbox(t, mailboxOptions(t, d, TLSNone)).Once(t.Context(), Position{77, 2}, s.handle); err != nil {
		t.Fatal(err)
	}
	wantMails(t, s.all(), 3)
}

func TestMailboxHugeMailIsCut(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{TLS: "implicit"})
	head := []byte("Subject: huge\r\n\r\n")
	mail := func(n int) []byte { return append(bytes.Clone(head), bytes.Repeat([]byte("y"), n-len(head))...) }
	d.Append(mail(5<<20), mailTime)
	d.Append(mail(MaxMessageBytes), mailTime)
	d.Append(mail(MaxMessageBytes+1), mailTime)
	d.Append([]byte("no header at all"), mailTime)
	s := newStore()
	if err := newMailbox(t, mailboxOptions(t, d, TLSImplicit)).Once(t.Context(), Position{}, s.handle); err != nil {
		t.Fatal(err)
	}
	got := s.all()
	if len(got) != 4 {
		t.Fatalf("%d mails, want 4", len(got))
	}
	for i, want := range []struct {
		size  int64
		bytes int
		cut   bool
	}{
		{5 << 20, MaxMessageBytes, true},
		{MaxMessageBytes, MaxMessageBytes, false},
		{MaxMessageBytes + 1, MaxMessageBytes, true},
		{16, 16, false},
	} {
		if m := got[i]; m.Size != want.size || len(m.Bytes) != want.bytes || m.Cut != want.cut {
			t.Errorf("mail %d: size %d, %d bytes, cut %v; want %d, %d, %v", i+1, m.Size, len(m.Bytes), m.Cut, want.size, want.bytes, want.cut)
		}
	}
}

func TestMailboxWhatCouldNotBeStoredComesAgain(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 4 {
		d.Append(testMail(i+1), mailTime)
	}
	opts := mailboxOptions(t, d, TLSNone)
	opts.BatchMessages = 2
	s := newStore()
	s.failing = 3
	w := watch(t, newMailbox(t, opts), Position{}, s)
	st := w.until(t, "an error", func(st MailboxState) bool { return st.LastErr != nil })
	if !errors.Is(st.LastErr, ErrHandle) || !errors.Is(st.LastErr, errDisk) || st.Position.UID != 0 || st.Behind != 4 {
		t.Errorf("state %+v, want ErrHandle because of a full disk, nothing read, 4 behind", st)
	}
	w.read(t, 4)
	w.stop()
	wantMails(t, s.all(), 4)
	if want := []uint32{1, 2, 1, 2, 1, 2, 1, 2, 3, 4}; !slices.Equal(s.seen, want) {
		t.Errorf("handed over %v, want %v", s.seen, want)
	}
}
