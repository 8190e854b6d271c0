package probes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/probes/serverstest"
)

// dovecot is a real Dovecot and what tests do with its one mailbox.
type dovecot struct {
	*serverstest.Dovecot
	mails int
}

func startDovecot(t *testing.T) *dovecot { return startDovecotWith(t, "plain", "") }

// startDovecotWith has other SASL mechanisms, and asks at an address about access
// tokens (RFC 7662), if it is not empty.
func startDovecotWith(t *testing.T, mechanisms, introspection string) *dovecot {
	t.Helper()
	return &dovecot{Dovecot: serverstest.StartDovecot(t, serverstest.DovecotOptions{User: mailUser, Password: mailPassword, Mechanisms: mechanisms, Introspection: introspection})}
}

// deliver puts the next mail into the maildir, as a delivery agent does.
func (d *dovecot) deliver(t *testing.T) {
	t.Helper()
	d.mails++
	name := fmt.Sprintf("%d.M%dP1.mx.example.org", mailTime.Unix()+int64(d.mails), d.mails)
	tmp := filepath.Join(d.Home, "Maildir", "tmp", name)
	err := os.WriteFile(tmp, testMail(d.mails), 0o644)
	if err == nil {
		err = os.Chown(tmp, d.UID, d.GID)
	}
	if err == nil {
		err = os.Chtimes(tmp, mailTime, mailTime)
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Join(d.Home, "Maildir", "new", name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// renumber gives the folder another UIDVALIDITY, as a restored backup has.
// Dovecot takes the second of the day for a new one, so a test is too fast to
// leave it to choose.
func (d *dovecot) renumber(t *testing.T) {
	t.Helper()
	list := filepath.Join(d.Home, "Maildir", "dovecot-uidlist")
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "\n") // "3 V1795628760 N34 G..."
	fields := strings.Fields(head)
	if len(fields) < 2 || fields[1][0] != 'V' {
		t.Fatalf("%s begins with %q", list, head)
	}
	fields[1] = "V77"
	if err := os.WriteFile(list, []byte(strings.Join(fields, " ")+"\n"+rest), 0o644); err != nil {
		t.Fatal(err)
	}
	indexes, err := filepath.Glob(filepath.Join(d.Home, "Maildir", "dovecot.index*"))
	if err != nil || len(indexes) == 0 {
		t.Fatalf("no index files: %v", err)
	}
	for _, f := range indexes {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

// flagged gives the mails with flags: a maildir keeps them in the file name.
func (d *dovecot) flagged(t *testing.T) (names []string) {
	t.Helper()
	found := 0
	for _, sub := range []string{"cur", "new"} {
		files, err := os.ReadDir(filepath.Join(d.Home, "Maildir", sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			found++
			if _, flags, _ := strings.Cut(f.Name(), ":2,"); flags != "" {
				names = append(names, f.Name())
			}
		}
	}
	if found != d.mails {
		t.Errorf("%d mails in the maildir, want %d", found, d.mails)
	}
	return names
}

func TestMailboxReadsFromDovecot(t *testing.T) {
	d := startDovecot(t)
	opts := MailboxOptions{
		Name: "bounces", Server: d.Addr, RootCAs: d.Roots, User: mailUser, Password: func() string { return mailPassword },
		Poll: time.Hour, IdleRenew: 50 * time.Millisecond, RetryMin: time.Millisecond, RetryMax: 2 * time.Millisecond, BatchMessages: 7,
	}
	m := newMailbox(t, opts)

	wrong := opts
	wrong.Password = func() string { return "guess" }
	err := newMailbox(t, wrong).Once(t.Context(), Position{}, newStore().handle)
	if err == nil || !strings.Contains(err.Error(), ErrLogin.Error()) {
		t.Errorf("with a wrong password: %v, want ErrLogin", err)
	}
	wrong = opts
	wrong.Folder = "Bounces"
	err = newMailbox(t, wrong).Once(t.Context(), Position{}, newStore().handle)
	if err == nil || !strings.Contains(err.Error(), ErrFolder.Error()) {
		t.Errorf("with a folder that is missing: %v, want ErrFolder", err)
	}

	for range 30 {
		d.deliver(t)
	}
	s := newStore()
	w := watch(t, m, Position{}, s)
	w.read(t, 30)
	for range 3 { // Poll is an hour: these are told by IDLE
		d.deliver(t)
		w.read(t, uint32(d.mails))
	}
	_ = w.stop()
	check := func(got []Message) {
		t.Helper()
		for i := range got {
			got[i].UIDValidity = 1 // Dovecot takes the second of the day
		}
		wantMails(t, got, d.mails)
	}
	check(s.all())

	// The process that served the last session may outlive it, and write down what it knew.
	again := newStore()
	for end := time.Now().Add(30 * time.Second); again.pos.UIDValidity != 77 && time.Now().Before(end); {
		d.renumber(t)
		if err := m.Once(context.Background(), s.pos, again.handle); err != nil {
			t.Fatal(err)
		}
	}
	check(again.all())
	if again.pos.UIDValidity != 77 {
		t.Errorf("position %v, want UIDVALIDITY 77", again.pos)
	}
	if names := d.flagged(t); len(names) > 0 {
		t.Errorf("mails have flags now: %q", names)
	}
}
