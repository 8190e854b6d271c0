package probes

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"reputed/internal/reliability"
	"reputed/probes/probestest"
)

func TestMailboxComesBackAfterADrop(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{TLS: "starttls"})
	s := newStore()
	w := watch(t, newMailbox(t, mailboxOptions(t, d, TLSStart)), Position{}, s)
	for i := range 4 {
		d.Append(testMail(i+1), mailTime)
		w.read(t, uint32(i+1))
		d.Drop()
		st := w.until(t, "the drop noticed", func(st MailboxState) bool { return !st.Connected })
		if !errors.Is(st.LastErr, ErrProtocol) {
			t.Errorf("the drop is %v, want ErrProtocol", st.LastErr)
		}
	}
	w.stop()
	wantMails(t, s.all(), 4)
}

func TestMailboxComesBackWhenTheServerDoes(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{TLS: "implicit"})
	d.Append(testMail(1), mailTime)
	d.Refuse(true)
	s := newStore()
	w := watch(t, newMailbox(t, mailboxOptions(t, d, TLSImplicit)), Position{}, s)
	w.until(t, "an error", func(st MailboxState) bool { return st.LastErr != nil && !st.Connected })
	d.Refuse(false)
	w.read(t, 1)
	w.stop()
	wantMails(t, s.all(), 1)
}

// Wherever the connection breaks, every mail arrives once and whole.
func TestMailboxCutAnywhere(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	const n = 20
	total := int64(0)
	for i := range n {
		d.Append(testMail(i+1), mailTime)
		total += int64(len(testMail(i + 1)))
	}
	m := newMailbox(t, mailboxOptions(t, d, TLSNone))
	step := int64(487)
	if testing.Short() {
		step = 2311
	}
	cuts := 0
	for cut := int64(0); cut < total+3000; cut += step {
		cuts++
		s := newStore()
		d.CutNext(cut)
		w := watch(t, m, Position{}, s)
		w.read(t, n)
		w.stop()
		wantMails(t, s.all(), n)
		if t.Failed() {
			t.Fatalf("cut after %d bytes", cut)
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Mail, Fault: fmt.Sprintf("IMAP connection cut after each %d bytes", step), Tries: cuts, Unit: "cuts",
		Promised: "every mail arrives once and whole", Seen: fmt.Sprintf("%d of %d mails once and whole, each time", n, n)})
}

// With TLS and STARTTLS a cut may fall into a handshake.
func TestMailboxCutUnderTLS(t *testing.T) {
	for _, mode := range []TLSMode{TLSImplicit, TLSStart} {
		t.Run(string(mode), func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{TLS: string(mode)})
			for i := range 3 {
				d.Append(testMail(i+1), mailTime)
			}
			m := newMailbox(t, mailboxOptions(t, d, mode))
			for cut := int64(1); cut < 4000; cut += 293 {
				s := newStore()
				d.CutNext(cut)
				w := watch(t, m, Position{}, s)
				w.read(t, 3)
				w.stop()
				wantMails(t, s.all(), 3)
			}
		})
	}
}

func TestMailboxMuteServerHoldsUpNobodyForLong(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{TLS: "implicit"})
	opts := mailboxOptions(t, d, TLSImplicit)
	opts.Poll, opts.Timeout = time.Millisecond, 100*time.Millisecond
	s := newStore()
	w := watch(t, newMailbox(t, opts), Position{}, s)
	d.Append(testMail(1), mailTime)
	w.read(t, 1)
	d.Mute(true)
	st := w.until(t, "silence noticed", func(st MailboxState) bool { return errors.Is(st.LastErr, ErrTimeout) })
	if st.Connected {
		t.Errorf("state %+v, want not connected", st)
	}
	// And new connections, that are silent from the start.
	w.until(t, "silence before the greeting noticed", func(st MailboxState) bool {
		var e *MailboxError
		return errors.As(st.LastErr, &e) && e.Step == stepTLS && errors.Is(e, ErrTimeout)
	})
	d.Mute(false)
	d.Append(testMail(2), mailTime)
	w.read(t, 2)
	w.stop()
	wantMails(t, s.all(), 2)
}

func TestMailboxEndOfContextEndsWhateverWaits(t *testing.T) {
	for name, prepare := range map[string]func(*probestest.IMAP){
		"in IDLE":              func(*probestest.IMAP) {},
		"without IDLE":         func(d *probestest.IMAP) { d.HideIdle(true) },
		"for a mute server":    func(d *probestest.IMAP) { d.Mute(true) },
		"between two attempts": func(d *probestest.IMAP) { d.Refuse(true) },
	} {
		t.Run(name, func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{})
			prepare(d)
			opts := mailboxOptions(t, d, TLSNone)
			opts.Timeout, opts.RetryMin, opts.RetryMax = time.Hour, time.Hour, time.Hour
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			m := newMailbox(t, opts)
			go func() { done <- m.Watch(ctx, Position{}, newStore().handle, nil) }()
			d.WaitAccepted(1)
			cancel()
			select {
			case err := <-done:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Watch gave %v, want context.Canceled", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Watch does not end")
			}
		})
	}
}

func TestMailboxUnreadableMailIsSetAside(t *testing.T) {
	for name, c := range map[string]struct{ poisoned, from uint32 }{
		"the first":     {1, 0},
		"in the middle": {7, 0},
		"the last":      {20, 0},
		"after others":  {7, 6},
	} {
		t.Run(name, func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{})
			for i := range 20 {
				d.Append(testMail(i+1), mailTime)
			}
			d.Poison(c.poisoned)
			s := newStore()
			m := newMailbox(t, mailboxOptions(t, d, TLSNone))
			if err := m.Once(t.Context(), Position{1, c.from}, s.handle); err != nil {
				t.Fatal(err)
			}
			got := s.all()
			if len(got) != int(20-c.from) {
				t.Fatalf("%d mails, want %d", len(got), 20-c.from)
			}
			for i, mail := range got {
				if mail.UID != c.from+uint32(i)+1 || mail.UIDValidity != 1 {
					t.Errorf("mail %d has UID %d, UIDVALIDITY %d", i, mail.UID, mail.UIDValidity)
				}
				aside := mail.UID == c.poisoned
				if (mail.Trouble != "") != aside || (len(mail.Bytes) == 0) != aside {
					t.Errorf("UID %d: trouble %q, %d bytes", mail.UID, mail.Trouble, len(mail.Bytes))
				}
			}
			if s.pos != (Position{1, 20}) {
				t.Errorf("position %v, want the end", s.pos)
			}
		})
	}
}

func TestMailboxTwoUnreadableMailsDoNotCoverEachOther(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 4 {
		d.Append(testMail(i+1), mailTime)
	}
	d.Poison(1)
	d.Poison(2)
	s := newStore()
	w := watch(t, newMailbox(t, mailboxOptions(t, d, TLSNone)), Position{}, s)
	w.read(t, 4)
	w.stop()
	for _, m := range s.all() {
		if (m.Trouble != "") != (m.UID <= 2) {
			t.Errorf("UID %d: trouble %q", m.UID, m.Trouble)
		}
	}
}

// If no mail at all can be read, it is not the mails: nothing is set aside,
// and all is read once it works again.
func TestMailboxNothingIsSetAsideWhileNothingCanBeRead(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n, " mails"), func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{})
			for i := range n {
				d.Append(testMail(i+1), mailTime)
				d.Poison(uint32(i + 1))
			}
			s := newStore()
			w := watch(t, newMailbox(t, mailboxOptions(t, d, TLSNone)), Position{}, s)
			for range 20 {
				st := w.until(t, "a failure", func(st MailboxState) bool { return !st.Connected && st.LastErr != nil })
				if !errors.Is(st.LastErr, ErrUnread) || st.Position.UID != 0 || st.Behind != n {
					t.Fatalf("state %+v, want ErrUnread at the beginning, %d behind", st, n)
				}
			}
			for i := range n {
				d.Heal(uint32(i + 1))
			}
			w.read(t, uint32(n))
			w.stop()
			for _, m := range s.all() {
				if m.Trouble != "" && len(m.Bytes) == 0 {
					t.Errorf("UID %d was set aside: %s", m.UID, m.Trouble)
				}
			}
		})
	}
}
