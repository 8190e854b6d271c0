package probes

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

// options are those of a mailbox on d.
func (d *dovecot) options() MailboxOptions {
	return MailboxOptions{
		Name: "bounces", Server: d.Addr, RootCAs: d.Roots, User: mailUser, Password: func() string { return mailPassword },
		Poll: time.Hour, RetryMin: time.Millisecond, RetryMax: 2 * time.Millisecond, BatchMessages: 7,
	}
}

// as runs f in a session on d that may alter things, as another client's would.
func (d *dovecot) as(t *testing.T, f func(s *session) error) {
	t.Helper()
	opts := d.options()
	opts.After, opts.Ledger = After{Do: AfterSeen}, newBook()
	s, err := newMailbox(t, opts).open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := f(s); err != nil {
		t.Fatal(err)
	}
}

// mailsIn is how many mails a folder holds, with the flag if it is not empty.
func (d *dovecot) mailsIn(t *testing.T, folder string, flags ...imap.Flag) (n int) {
	t.Helper()
	d.as(t, func(s *session) error {
		if _, err := s.client.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
			return err
		}
		found, err := s.client.UIDSearch(&imap.SearchCriteria{Flag: flags}, nil).Wait()
		if err == nil {
			n = len(found.AllUIDs())
		}
		return err
	})
	return n
}

// TestMailboxSettlesOnDovecot goes with five mails from folder to folder, as each
// way of dealing with them wants, and looks at each step that Dovecot did what was meant.
func TestMailboxSettlesOnDovecot(t *testing.T) {
	d := startDovecot(t)
	const umlaut, plain = "Rückläufer & Größe", "Plain"
	d.as(t, func(s *session) error {
		for _, folder := range []string{umlaut, plain} {
			if err := s.client.Create(folder, nil).Wait(); err != nil {
				return err
			}
		}
		return nil
	})
	for range 5 {
		d.deliver(t)
	}
	step := func(folder string, after After, skip ...uint32) {
		t.Helper()
		b := newBook(skip...)
		opts := d.options()
		opts.Folder, opts.After, opts.Ledger = folder, after, b
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := newMailbox(t, opts).Watch(ctx, Position{}, b.handle, func(st MailboxState) {
			switch {
			case st.AfterErr != nil || st.LastErr != nil:
				t.Errorf("%s: %v, %v", folder, st.AfterErr, st.LastErr)
				cancel()
			case len(b.all()) == 5 && b.settled():
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", folder, err)
		}
		got := b.all()
		if len(got) != 5 {
			t.Fatalf("%d mails were read in %s, want 5", len(got), folder)
		}
		for i, m := range got {
			if string(m.Bytes) != string(testMail(i+1)) {
				t.Errorf("mail %d of %s is another", i+1, folder)
			}
		}
	}
	count := func(folder string, want int, flags ...imap.Flag) {
		t.Helper()
		if n := d.mailsIn(t, folder, flags...); n != want {
			t.Errorf("%s holds %d mails with flags %q, want %d", folder, n, flags, want)
		}
	}
	step("INBOX", After{AfterMove, umlaut}) // by MOVE
	count("INBOX", 0)
	count(umlaut, 5)
	count(umlaut, 0, imap.FlagSeen)
	step(umlaut, After{Do: AfterSeen}, 3)
	count(umlaut, 4, imap.FlagSeen)
	step(umlaut, After{AfterKeyword, "$Reputed"}, 2)
	count(umlaut, 4, "$Reputed")

	// A server without MOVE: COPY, STORE and UID EXPUNGE, which leaves alone what another client has marked.
	opts := d.options()
	opts.Folder, opts.After, opts.Ledger = umlaut, After{AfterMove, plain}, newBook()
	s, err := newMailbox(t, opts).open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	delete(s.caps, imap.CapMove)
	if _, err := s.examine(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.flag(t.Context(), imap.UIDSetNum(5), imap.FlagDeleted); err != nil {
		t.Fatal(err)
	}
	for range 2 { // once more does no harm
		if err := s.after(t.Context(), []uint32{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
	}
	count(umlaut, 2)
	count(umlaut, 1, imap.FlagDeleted)
	count(plain, 3)

	opts.After.Name = "Nowhere"
	missing, err := newMailbox(t, opts).open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer missing.close()
	if _, err := missing.examine(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := missing.after(t.Context(), []uint32{4}); !errors.Is(err, ErrAfter) || !strings.Contains(err.Error(), "create the folder") {
		t.Errorf("moved to a folder that is missing: %v", err)
	}
}

// TestMailboxLogsInToDovecotWithTokens has Dovecot ask about each token.
func TestMailboxLogsInToDovecotWithTokens(t *testing.T) {
	o := startOAuth(t)
	// RFC 7662, but that Dovecot puts the token into the address.
	introspection := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !o.Good(r.FormValue("token")) {
			_, _ = w.Write([]byte(`{"active":false}`))
			return
		}
		_, _ = w.Write([]byte(`{"active":true,"username":"` + mailUser + `"}`))
	}))
	defer introspection.Close()
	for _, mechanism := range []string{"oauthbearer", "xoauth2"} {
		t.Run(mechanism, func(t *testing.T) {
			d := startDovecotWith(t, mechanism, introspection.URL+"/?token=")
			d.deliver(t)
			opts := d.options()
			opts.Password, opts.OAuth = nil, newOAuth(t, oauthOptions(t, o))
			m := newMailbox(t, opts)
			before := len(o.Requests())
			s := newStore()
			if err := m.Once(t.Context(), Position{}, s.handle); err != nil || len(s.all()) != 1 {
				t.Fatalf("%d mails, %v", len(s.all()), err)
			}
			o.Revoke()
			if err := m.Once(t.Context(), Position{}, newStore().handle); err != nil {
				t.Errorf("after the token was revoked: %v", err)
			}
			if n := len(o.Requests()) - before; n != 2 {
				t.Errorf("%d tokens were fetched, want 2", n)
			}
			opts.User = "somebody@example.org"
			err := newMailbox(t, opts).Once(t.Context(), Position{}, newStore().handle)
			if !errors.Is(err, ErrLogin) {
				t.Errorf("for another user: %v, want ErrLogin", err)
			} else {
				noToken(t, err.Error())
				t.Log(err)
			}
		})
	}
}
