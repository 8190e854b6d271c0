package probestest

import (
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"go.uber.org/goleak"
)

func dialIMAP(t *testing.T, d *IMAP) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(d.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login("bounces@example.org", "correct horse battery staple").Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

func startIMAP(t *testing.T) *IMAP {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	d, err := StartIMAP(IMAPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		d.Close() // twice does no harm
		goleak.VerifyNone(t, leak)
	})
	return d
}

// The proof that a client alters nothing is worth something only if the double
// notices one that does.
func TestIMAPNoticesWhoAltersMail(t *testing.T) {
	d := startIMAP(t)
	d.Append([]byte("Subject: a\r\n\r\na"), time.Now())
	d.Append([]byte("Subject: b\r\n\r\nb"), time.Now())
	c := dialIMAP(t, d)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	all := imap.UIDSetNum(1)
	read := func(peek bool) {
		t.Helper()
		got, err := c.Fetch(all, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{Peek: peek}}}).Collect()
		if err != nil || len(got) != 1 || string(got[0].BodySection[0].Bytes) != "Subject: a\r\n\r\na" {
			t.Fatalf("FETCH gave %v, %v", got, err)
		}
	}
	read(true)
	if flags := d.Flags(); len(flags) != 2 || len(flags[1]) != 0 {
		t.Errorf("flags %v after PEEK, want two mails without", flags)
	}
	read(false)
	if flags := d.Flags(); !slices.Equal(flags[1], []string{"\\seen"}) || len(flags[2]) != 0 {
		t.Errorf("flags %v, want \\seen for the first", flags)
	}
	if err := c.Store(all, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Expunge().Close(); err != nil {
		t.Fatal(err)
	}
	if flags := d.Flags(); len(flags) != 1 {
		t.Errorf("flags %v after EXPUNGE, want one mail", flags)
	}
	want := []string{"SELECT", "FETCH without PEEK", "STORE", "EXPUNGE"}
	if got := d.Changes(); !slices.Equal(got, want) {
		t.Errorf("changes %q, want %q", got, want)
	}
}

func TestIMAPFolderLifeOfItsOwn(t *testing.T) {
	d := startIMAP(t)
	for _, text := range []string{"one", "two", "three"} {
		d.Append([]byte(text), time.Now())
	}
	d.Expunge(2)
	if uid := d.Append([]byte("four"), time.Now()); uid != 4 {
		t.Errorf("UID %d after an expunge, want 4", uid)
	}
	d.Recreate()
	if got := d.UIDValidity(); got != 2 {
		t.Errorf("UIDVALIDITY %d, want 2", got)
	}
	c := dialIMAP(t, d)
	data, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil || data.UIDValidity != 2 || data.NumMessages != 3 || data.UIDNext != 4 {
		t.Errorf("EXAMINE gave %+v, %v; want 3 mails numbered anew", data, err)
	}
	got, err := c.Fetch(imap.SeqSetNum(3), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{
		{Peek: true, Partial: &imap.SectionPartial{Offset: 1, Size: 2}}}}).Collect()
	if err != nil || len(got) != 1 || got[0].UID != 3 || string(got[0].BodySection[0].Bytes) != "ou" {
		t.Errorf("FETCH gave %v, %v; want two bytes of the last mail", got, err)
	}
	if changes := d.Changes(); len(changes) != 0 {
		t.Errorf("changes %q, want none: all were the double's own", changes)
	}
}

func TestIMAPKnowsItsModes(t *testing.T) {
	if _, err := StartIMAP(IMAPOptions{TLS: "ssl"}); err == nil {
		t.Error("an unknown mode was taken")
	}
}
