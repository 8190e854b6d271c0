package probes

import (
	"errors"
	"testing"

	"reputed/probes/probestest"
)

func TestALookAtAMailboxReadsAndChangesNothing(t *testing.T) {
	d := startIMAP(t, probestest.IMAPOptions{})
	for i := range 3 {
		d.Append(testMail(i+1), mailTime)
	}
	opts := mailboxOptions(t, d, TLSNone)
	opts.After, opts.Ledger = After{Do: AfterDelete}, newBook()
	v, err := newMailbox(t, opts).Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v.UIDValidity != 1 || v.Messages != 3 || v.UIDNext != 4 || !v.Idle {
		t.Errorf("%+v", v)
	}
	if c := d.Changes(); len(c) > 0 {
		t.Errorf("it changed %q", c)
	}
	for name, c := range map[string]struct {
		look FolderLook
		at   Position
		want int
	}{
		"never read":                   {v, Position{}, 3},
		"all read":                     {v, Position{1, 3}, 0},
		"one not":                      {v, Position{1, 2}, 1},
		"numbered anew":                {v, Position{7, 3}, 3},
		"fewer than there were":        {FolderLook{UIDValidity: 1, Messages: 1, UIDNext: 100}, Position{1, 2}, 1},
		"a position beyond the folder": {v, Position{1, 900}, 0},
		"the server did not say":       {FolderLook{UIDValidity: 1, Messages: 3}, Position{1, 2}, -1},
	} {
		if got := c.look.Above(c.at); got != c.want {
			t.Errorf("%s: %d above, want %d", name, got, c.want)
		}
	}
	d.RefuseLogins("AUTHENTICATIONFAILED", "no such user")
	if _, err := newMailbox(t, opts).Look(t.Context()); !errors.Is(err, ErrLogin) {
		t.Errorf("a refused login: %v", err)
	}
}
