package daemon

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/guard"
	"reputed/internal/lab"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
	"reputed/probes/probestest"
)

// readOnce reads everything that a folder of the rig's mailbox has.
func (r *rig) readOnce(box *mailbox) {
	r.t.Helper()
	start, err := r.db.Position(r.t.Context(), box.name)
	if err != nil {
		r.t.Fatal(err)
	}
	err = box.probe.Once(r.t.Context(), start, func(ctx context.Context, b probes.Batch) error { return r.intake(ctx, box.name, b) })
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) stored() int {
	r.t.Helper()
	all, err := r.db.Bounces(r.t.Context(), store.BounceFilter{Limit: -1})
	if err != nil {
		r.t.Fatal(err)
	}
	return len(all)
}

func TestFoldersHavePositionsOfTheirOwn(t *testing.T) {
	r := newRigWith(t, func(cfg *config.Config, w *lab.World) {
		w.Mailbox.Create("Junk")
		cfg.Mailboxes[0].Folders = []string{"Junk", "INBOX"}
	})
	var names []string
	for _, box := range r.mailboxes {
		names = append(names, box.name)
	}
	if got := strings.Join(names, ", "); got != "bounces/Junk, bounces" {
		t.Fatalf("folders are stored as %s", got)
	}
	now := time.Now()
	both := lab.CiscoRefusal(now, "4Both000001", "kim@example.net")
	r.world.Mailbox.Append(both, now)
	r.world.Mailbox.Append(lab.CiscoRefusal(now, "4Both000002", "lee@example.net"), now)
	r.world.Mailbox.AppendTo("Junk", both, now)
	for range 2 { // the second time there is nothing new
		for _, box := range r.mailboxes {
			r.readOnce(box)
		}
	}
	for name, uid := range map[string]uint32{"bounces": 2, "bounces/Junk": 1} {
		if p, err := r.db.Position(t.Context(), name); err != nil || p.UID != uid {
			t.Errorf("%s is read up to %v, %v, want UID %d", name, p, err, uid)
		}
	}
	if n := r.stored(); n != 2 {
		t.Errorf("%d bounces, want 2: one lies in both folders", n)
	}
}

func TestRenumberedFolderIsNotCountedAgain(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	for _, id := range []string{"4Once000001", "4Once000002", "4Once000003"} {
		r.world.GiveUp(now, id, id+"@example.net")
	}
	for range 3 {
		r.readOnce(r.mailboxes[0])
		r.world.Mailbox.Recreate()
	}
	if n := r.stored(); n != 3 {
		t.Errorf("%d bounces after the folder was renumbered twice, want 3", n)
	}
}

func TestOldBouncesWakeNobody(t *testing.T) {
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) { cfg.Mailboxes[0].Since.Duration = 0 }) // all of it is read
	now := time.Now()
	for i := range 20 {
		then := now.Add(-time.Duration(40+i) * 24 * time.Hour)
		r.world.Mailbox.Append(lab.CiscoRefusal(then, "4Old"+then.Format("20060102"), "kim@example.net"), now) // a restored backup: it arrived just now
	}
	r.readOnce(r.mailboxes[0])
	if open := r.open(); len(open) > 0 || r.stored() != 20 {
		t.Errorf("%d bounces are stored, want 20, and these are open: %v", r.stored(), daemontest.Titles(open))
	}
}

func TestWhatIsDoneWithMailIsDoneToReportsOnly(t *testing.T) {
	imap, err := probestest.StartIMAP(probestest.IMAPOptions{Folders: []string{"Done"}, Capabilities: []string{"MOVE", "UIDPLUS"}})
	if err != nil {
		t.Fatal(err)
	}
	defer imap.Close()
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) {
		cfg.Mailboxes[0].Server, cfg.Mailboxes[0].After = imap.Addr(), "move:Done"
	})
	now := time.Now()
	imap.Append(lab.CiscoRefusal(now, "4Done000001", "kim@example.net"), now)
	imap.Append([]byte("From: kim@example.net\r\nTo: bounces@example.org\r\nSubject: a question\r\n\r\nIs anybody there?\r\n"), now)
	imap.Append(nil, now) // nothing to be read
	r.readOnce(r.mailboxes[0])
	if left, done := imap.Flags(), len(imap.FlagsIn("Done")); len(left) != 2 || done != 1 {
		t.Errorf("left are %v and %d were moved, want the person's mail and the empty one to be left", left, done)
	}
}

func TestNewRefreshTokenIsKeptEncrypted(t *testing.T) {
	endpoint, err := probestest.StartOAuth()
	if err != nil {
		t.Fatal(err)
	}
	defer endpoint.Close()
	endpoint.Rotate(true)
	endpoint.Lifetime(time.Second) // each login needs a new one
	imap, err := probestest.StartIMAP(probestest.IMAPOptions{Mechanisms: []string{"XOAUTH2"}, GoodToken: endpoint.Good})
	if err != nil {
		t.Fatal(err)
	}
	defer imap.Close()
	account := config.Mailbox{
		Name: "bounces", Server: imap.Addr(), TLS: config.TLSNone, User: lab.MailboxUser, Folders: []string{"INBOX"}, After: config.AfterKeep,
		OAuth: config.OAuth{TokenURL: endpoint.URL(), ClientID: "reputed", RefreshToken: config.NewSecret("refresh-0")},
	}
	r := newRig(t)
	for life := range 3 {
		roots, log := endpoint.CertPool(), slog.New(slog.DiscardHandler)
		tokens, err := wiring.OAuth(account, guard.Rules{}, roots, r.db, log)
		if err != nil {
			t.Fatal(err)
		}
		probe, err := probes.NewMailbox(probes.MailboxOptions{Name: "bounces", Server: imap.Addr(), TLS: probes.TLSNone, User: account.User, OAuth: tokens})
		if err != nil {
			t.Fatal(err)
		}
		if err := probe.Once(t.Context(), probes.Position{}, nil); err != nil {
			t.Fatalf("life %d: %v", life, err)
		}
		if kept, err := r.db.Sealed(t.Context(), "refresh token of mailbox bounces"); err != nil || len(kept) == 0 || strings.Contains(string(kept), "refresh-") {
			t.Errorf("life %d: kept %q, %v, want it encrypted", life, kept, err)
		}
	}
	account.OAuth.TokenURL = "gopher://example.org"
	if _, err := wiring.Mailboxes(account, guard.Rules{}, r.db, slog.New(slog.DiscardHandler)); err == nil || !errors.As(err, new(*config.Invalid)) {
		t.Errorf("a bad endpoint gives %v, want an error of the configuration", err)
	}
}
