package probes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reputed/probes/probestest"
)

var mailTime = time.Date(2026, 11, 20, 9, 40, 0, 0, time.UTC)

const (
	mailUser     = "bounces@example.org"
	mailPassword = `pass "word\ of 2026`
)

func testMail(n int) []byte {
	return fmt.Appendf(nil, "From: MAILER-DAEMON@mx.example.net\r\nTo: bounces@example.org\r\n"+
		"Subject: Undelivered mail %d\r\n\r\n554 5.7.1 refused, mail %d\r\n%s", n, n, strings.Repeat("x", n%700))
}

// startIMAP starts a double and checks at the end of the test that no mail was
// altered and nothing is left running.
func startIMAP(t *testing.T, opts probestest.IMAPOptions) *probestest.IMAP {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	opts.User, opts.Password = mailUser, mailPassword
	d, err := probestest.StartIMAP(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if changes := d.Changes(); len(changes) > 0 {
			t.Errorf("commands that alter mail: %q", changes)
		}
		for uid, flags := range d.Flags() {
			if len(flags) > 0 {
				t.Errorf("mail %d has flags %q, want none", uid, flags)
			}
		}
		d.Close()
		goleak.VerifyNone(t, leak)
	})
	return d
}

// mailboxOptions are options for d with waits that a test can afford.
func mailboxOptions(t *testing.T, d *probestest.IMAP, mode TLSMode) MailboxOptions {
	return MailboxOptions{
		Name: "bounces", Server: d.Addr(), TLS: mode, RootCAs: d.CertPool(),
		User: mailUser, Password: func() string { return mailPassword },
		Poll: time.Hour, Timeout: 20 * time.Second,
		RetryMin: time.Millisecond, RetryMax: 2 * time.Millisecond,
		LoginRetryMin: time.Millisecond, LoginRetryMax: 2 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(secretless{t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// secretless writes to the test's log and fails it if the password goes by.
type secretless struct{ t *testing.T }

func (w secretless) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(`word\`)) {
		w.t.Errorf("the log holds the password: %s", p)
	}
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func newMailbox(t *testing.T, opts MailboxOptions) *Mailbox {
	t.Helper()
	m, err := NewMailbox(opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// store is the receiver of mails in tests: it keeps content and position
// together, as a database does.
type store struct {
	mu      sync.Mutex
	pos     Position
	mails   []Message
	batches int
	failing int // how many of the next calls fail
	seen    []uint32
	changed chan struct{}
}

func newStore() *store { return &store{changed: make(chan struct{}, 1)} }

var errDisk = errors.New("disk full")

func (s *store) handle(_ context.Context, b Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range b.Messages {
		s.seen = append(s.seen, m.UID)
	}
	if s.failing > 0 {
		s.failing--
		return errDisk
	}
	s.batches++
	s.mails = append(s.mails, b.Messages...)
	s.pos = b.Position
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

func (s *store) all() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// watching runs Watch until stop is called, which waits for its end.
type watching struct {
	states chan MailboxState
	stop   func() error
}

func watch(t *testing.T, m *Mailbox, start Position, s *store) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{states: make(chan MailboxState, 10000)}
	done := make(chan error, 1)
	go func() {
		done <- m.Watch(ctx, start, s.handle, func(st MailboxState) { w.states <- st })
	}()
	w.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = w.stop() })
	return w
}

// until waits for a state for which ok holds.
func (w *watching) until(t *testing.T, what string, ok func(MailboxState) bool) MailboxState {
	t.Helper()
	var last MailboxState
	for deadline := time.After(30 * time.Second); ; {
		select {
		case last = <-w.states:
			if ok(last) {
				return last
			}
		case <-deadline:
			t.Fatalf("no state with %s within 30 s; last %+v", what, last)
		}
	}
}

// read waits until everything up to uid was read and the reader is at rest.
func (w *watching) read(t *testing.T, uid uint32) MailboxState {
	t.Helper()
	return w.until(t, fmt.Sprintf("UID %d read", uid), func(st MailboxState) bool {
		return st.Connected && st.LastErr == nil && st.Position.UID == uid && st.Behind == 0
	})
}

// wantMails compares what was kept with the mails 1 to n, whole and each once.
func wantMails(t *testing.T, got []Message, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d mails were kept, want %d", len(got), n)
	}
	for i, m := range got {
		want := Message{Mailbox: "bounces", UIDValidity: 1, UID: uint32(i + 1), Received: mailTime,
			Size: int64(len(testMail(i + 1))), Bytes: testMail(i + 1)}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Fatalf("mail %d (-want +got):\n%s", i+1, diff)
		}
	}
}
