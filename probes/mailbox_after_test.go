package probes

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reputed/probes/probestest"
)

// book is a store that notes what is due with what it keeps, as a database does.
type book struct {
	*store
	skip map[uint32]bool // not to be touched

	mu      sync.Mutex
	due     map[Position]bool
	failing int // how many of the next notes that something is done are lost, as by a crash
}

func newBook(skip ...uint32) *book {
	b := &book{store: newStore(), skip: map[uint32]bool{}, due: map[Position]bool{}}
	for _, uid := range skip {
		b.skip[uid] = true
	}
	return b
}

func (b *book) handle(ctx context.Context, batch Batch) error {
	if err := b.store.handle(ctx, batch); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range batch.Messages {
		if !b.skip[m.UID] {
			b.due[Position{m.UIDValidity, m.UID}] = true
		}
	}
	return nil
}

func (b *book) Unsettled(_ context.Context, validity uint32, limit int) (uids []uint32, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.due {
		if p.UIDValidity == validity && len(uids) < limit {
			uids = append(uids, p.UID)
		}
	}
	return uids, nil
}

func (b *book) Settled(_ context.Context, validity uint32, uids []uint32) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing > 0 {
		b.failing--
		return errDisk
	}
	for _, uid := range uids {
		delete(b.due, Position{validity, uid})
	}
	return nil
}

// settled says that nothing is due.
func (b *book) settled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.due) == 0
}

// startFolders is a double that may be changed, with ten mails in INBOX.
func startFolders(t *testing.T, capabilities ...string) *probestest.IMAP {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	d, err := probestest.StartIMAP(probestest.IMAPOptions{User: mailUser, Password: mailPassword, Folders: []string{"Done"}, Capabilities: capabilities})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); goleak.VerifyNone(t, leak) })
	for i := range 10 {
		d.Append(testMail(i+1), mailTime)
	}
	return d
}

func settled(t *testing.T, d *probestest.IMAP, after After, b *book) (*Mailbox, MailboxOptions) {
	opts := mailboxOptions(t, d, TLSNone)
	opts.After, opts.Ledger, opts.BatchMessages = after, b, 4
	return newMailbox(t, opts), opts
}

func TestMailboxAfter(t *testing.T) {
	both := []string{"MOVE", "UIDPLUS"}
	for name, c := range map[string]struct {
		after    After
		offers   []string
		left     int    // mails in INBOX
		done     int    // in Done
		flag     string // of those in INBOX that were read and due
		commands []string
	}{
		"keep":                  {After{}, both, 10, 0, "", nil},
		"seen":                  {After{Do: AfterSeen}, nil, 10, 0, `\seen`, []string{"SELECT", "STORE"}},
		"keyword":               {After{AfterKeyword, "$Reputed"}, nil, 10, 0, "$reputed", []string{"SELECT", "STORE"}},
		"move":                  {After{AfterMove, "Done"}, both, 1, 9, "", []string{"MOVE", "SELECT"}},
		"move without MOVE":     {After{AfterMove, "Done"}, both[1:], 1, 9, "", []string{"COPY", "SELECT", "STORE", "UID EXPUNGE"}},
		"delete":                {After{Do: AfterDelete}, both, 1, 0, "", []string{"SELECT", "STORE", "UID EXPUNGE"}},
		"move without either":   {After{AfterMove, "Done"}, nil, 10, 0, "", []string{"SELECT"}},
		"delete with no UIDs":   {After{Do: AfterDelete}, []string{"MOVE"}, 10, 0, "", []string{"SELECT"}},
		"move to no such place": {After{AfterMove, "Gone"}, both, 10, 0, "", []string{"MOVE", "SELECT"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := startFolders(t, c.offers...)
			b := newBook(7)
			m, _ := settled(t, d, c.after, b)
			w := watch2(t, m, b)
			st := w.until(t, "all read and settled", func(st MailboxState) bool {
				return st.Position.UID == 10 && st.Behind == 0 && (b.settled() || c.after.Do == AfterKeep || st.AfterErr != nil)
			})
			if c.left == 10 && len(c.commands) > 0 && c.flag == "" {
				if !errors.Is(st.AfterErr, ErrAfter) || !st.Connected || st.LastErr != nil {
					t.Errorf("state %+v, want ErrAfter, and the mailbox read all the same", st)
				}
				t.Log(st.AfterErr)
			} else if st.AfterErr != nil {
				t.Errorf("%v", st.AfterErr)
			}
			_ = w.stop()
			wantMails(t, b.all(), 10)
			flags := d.Flags()
			if len(flags) != c.left || len(d.FlagsIn("Done")) != c.done {
				t.Errorf("%d mails in INBOX and %d in Done, want %d and %d", len(flags), len(d.FlagsIn("Done")), c.left, c.done)
			}
			for uid, got := range flags {
				var want []string
				if uid != 7 && c.flag != "" {
					want = []string{c.flag}
				}
				if !slices.Equal(got, want) {
					t.Errorf("mail %d has flags %q, want %q", uid, got, want)
				}
			}
			if _, ok := flags[7]; !ok {
				t.Error("the mail that was not due is gone")
			}
			commands := slices.Compact(slices.Sorted(slices.Values(d.Changes())))
			if diff := cmp.Diff(c.commands, commands); diff != "" {
				t.Errorf("commands that alter mail (-want +got):\n%s", diff)
			}
		})
	}
}

// watch2 is watch into a book.
func watch2(t *testing.T, m *Mailbox, b *book) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{states: make(chan MailboxState, 10000)}
	done := make(chan error, 1)
	go func() { done <- m.Watch(ctx, Position{}, b.handle, func(st MailboxState) { w.states <- st }) }()
	w.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = w.stop() })
	return w
}

func TestMailboxAfterIsMadeGoodLater(t *testing.T) {
	d := startFolders(t, "MOVE", "UIDPLUS")
	b := newBook()
	b.failing = 2 // moved, and the note of it lost: the same mails are due once more
	m, opts := settled(t, d, After{AfterMove, "Done"}, b)
	d.RefuseCommand("MOVE", "over quota\x1b[2J")
	w := watch2(t, m, b)
	st := w.until(t, "a refusal", func(st MailboxState) bool { return st.AfterErr != nil && st.Position.UID == 10 })
	if text := st.AfterErr.Error(); !strings.Contains(text, "over quota") || strings.Contains(text, "\x1b") {
		t.Errorf("%q, want the server's reason, cleaned", text)
	}
	_ = w.stop()
	if n := len(d.Flags()); n != 10 {
		t.Errorf("%d mails are left, want 10", n)
	}
	d.RefuseCommand("MOVE", "")
	opts.Poll = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := newMailbox(t, opts).Watch(ctx, b.pos, b.handle, func(MailboxState) {
		if b.settled() {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, moved := len(d.Flags()), len(d.FlagsIn("Done")); left != 0 || moved != 10 {
		t.Errorf("%d mails are left and %d were moved, want 0 and 10", left, moved)
	}
	wantMails(t, b.all(), 10)
}

func TestMailboxAfterIsChecked(t *testing.T) {
	for name, a := range map[string]After{
		"unknown": {Do: "archive"}, "keyword with a space": {AfterKeyword, "a b"}, "system flag": {AfterKeyword, `\Seen`},
		"no folder": {Do: AfterMove}, "two lines": {AfterMove, "a\r\nb"}, "no ledger": {Do: AfterSeen},
	} {
		t.Run(name, func(t *testing.T) {
			o := MailboxOptions{Name: "bounces", Server: "imap.example.org:993", User: "u", Password: func() string { return "p" }, After: a}
			if name != "no ledger" {
				o.Ledger = newBook()
			}
			if _, err := NewMailbox(o); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestMailboxFirstReadGoesBackSoFar(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	ages := []time.Duration{400 * day, 90 * day, 40 * day, 29 * day, 80 * day, day, 0}
	uidsOf := func(mails []Message) (uids []uint32) {
		for _, m := range mails {
			uids = append(uids, m.UID)
		}
		return uids
	}
	for name, c := range map[string]struct {
		since time.Duration
		start Position
		want  []uint32
	}{
		"all of it":                      {0, Position{}, []uint32{1, 2, 3, 4, 5, 6, 7}},
		"from the first that is not old": {30 * day, Position{}, []uint32{4, 5, 6, 7}}, // 5 was moved here since
		"a folder that was read":         {30 * day, Position{1, 1}, []uint32{2, 3, 4, 5, 6, 7}},
		"a folder that was renumbered":   {30 * day, Position{77, 6}, []uint32{4, 5, 6, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			d := startIMAP(t, probestest.IMAPOptions{})
			for i, age := range ages {
				d.Append(testMail(i+1), now.Add(-age))
			}
			opts := mailboxOptions(t, d, TLSNone)
			opts.Since = c.since
			s := newStore()
			if err := newMailbox(t, opts).Once(t.Context(), c.start, s.handle); err != nil {
				t.Fatal(err)
			}
			if got := uidsOf(s.all()); !slices.Equal(got, c.want) {
				t.Errorf("read %v, want %v", got, c.want)
			}
		})
	}
	t.Run("nothing but old mail, and then what comes, whatever its date", func(t *testing.T) {
		d := startIMAP(t, probestest.IMAPOptions{})
		for i := range 3 {
			d.Append(testMail(i+1), now.Add(-90*day))
		}
		opts := mailboxOptions(t, d, TLSNone)
		opts.Since = 30 * day
		s := newStore()
		w := watch(t, newMailbox(t, opts), Position{}, s)
		told := 0 // once connected, and at the end of the first look
		w.until(t, "an empty look", func(MailboxState) bool { told++; return told == 2 })
		d.Append(testMail(4), now.Add(-90*day)) // a filter that keeps the date
		w.read(t, 4)
		_ = w.stop()
		if got := uidsOf(s.all()); !slices.Equal(got, []uint32{4}) {
			t.Errorf("read %v, want 4", got)
		}
	})
}

func TestMailboxFolders(t *testing.T) {
	const umlaut = "Rückläufer/Größe & Maß"
	d := startIMAP(t, probestest.IMAPOptions{Folders: []string{umlaut, "Junk"}})
	d.AppendTo(umlaut, testMail(1), mailTime)
	opts := mailboxOptions(t, d, TLSNone)
	opts.Folder = umlaut // travels as modified UTF-7 (RFC 3501 section 5.1.3)
	s := newStore()
	if err := newMailbox(t, opts).Once(t.Context(), Position{}, s.handle); err != nil || len(s.all()) != 1 {
		t.Fatalf("%d mails, %v", len(s.all()), err)
	}

	// A folder that is missing is told with those that are there, and read once it appears.
	opts.Folder = "Spam"
	missing := newMailbox(t, opts)
	err := missing.Once(t.Context(), Position{}, s.handle)
	if !errors.Is(err, ErrFolder) || !strings.Contains(err.Error(), `"Junk"`) || !strings.Contains(err.Error(), umlaut) {
		t.Errorf("%v, want ErrFolder with the folders that there are", err)
	}
	s = newStore()
	w := watch(t, missing, Position{}, s)
	w.until(t, "an error", func(st MailboxState) bool { return errors.Is(st.LastErr, ErrFolder) })
	d.Create("Spam")
	d.AppendTo("Spam", testMail(1), mailTime)
	w.read(t, 1)
	d.Remove("Spam") // under our feet; the next look is at a new connection or command
	d.Drop()
	w.until(t, "an error", func(st MailboxState) bool { return errors.Is(st.LastErr, ErrFolder) })
	d.Create("Spam")
	d.AppendTo("Spam", testMail(1), mailTime)
	d.AppendTo("Spam", testMail(2), mailTime)
	w.read(t, 2)
	_ = w.stop()
	if n := len(s.all()); n != 3 {
		t.Errorf("%d mails were handed over, want the one of before and the two of the new folder", n)
	}
}
