package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reputed/internal/config"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/store"
	"reputed/probes"
)

// heard is a log that tells when a message was written.
type heard struct {
	slog.Handler
	message string
	at      chan struct{}
}

func (h heard) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == h.message {
		select {
		case h.at <- struct{}{}:
		default:
		}
	}
	return h.Handler.Handle(ctx, r)
}

func (h heard) WithAttrs([]slog.Attr) slog.Handler { return h }

// What a mail server pipes in while the daemon is dead is judged as soon as it lives, once, whatever comes after.
func TestDeliveredMailOpensAnIncident(t *testing.T) {
	queue := filepath.Join(t.TempDir(), "incoming")
	if err := probes.MakeMaildir(queue); err != nil { // an earlier daemon did
		t.Fatal(err)
	}
	refusal := lab.CiscoRefusal(time.Now(), "4TgXkR2x9zB", "kim@example.net")
	for _, mail := range [][]byte{refusal, append([]byte("From MAILER-DAEMON  Wed Nov 25 09:40:00 2026\n"), refusal...)} {
		if err := probes.Deliver(queue, bytes.NewReader(mail), 0, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	r := newRigWith(t, func(cfg *config.Config, _ *lab.World) { cfg.Bounces.Queue = queue })
	box := r.mailboxes[len(r.mailboxes)-1]
	if err := r.db.SetMailboxState(t.Context(), box.name, true, time.Now().Add(-time.Hour), nil); err != nil { // that daemon too
		t.Fatal(err)
	}
	read := make(chan struct{}, 1)
	r.Daemon.log = slog.New(heard{r.Daemon.log.Handler(), "mails read", read})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.watchSpool(ctx, box) }()
	select {
	case <-read:
	case err := <-done:
		t.Fatal(err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	bounces, err := r.db.Bounces(t.Context(), store.BounceFilter{})
	if err != nil || len(bounces) != 1 || !bounces[0].Proof.Proved() || !strings.HasPrefix(bounces[0].Place.String(), "spool delivered, ") {
		t.Errorf("%v: %+v", err, bounces)
	}
	open, err := r.db.Incidents(t.Context(), store.IncidentFilter{})
	if err != nil || len(open) != 1 {
		t.Errorf("%v: %d incidents", err, len(open))
	}
	if left, _ := filepath.Glob(queue + "/*/*"); len(left) > 0 {
		t.Errorf("left in the queue: %q", left)
	}
}

// TestAnOldSpoolIsAlreadyThere: what lay in it before it was first looked at is told once all of it was read, and not as new.
func TestAnOldSpoolIsAlreadyThere(t *testing.T) {
	r := newRig(t)
	box := &mailbox{name: "old", spool: new(probes.Spool), poll: time.Minute}
	r.mailboxes = []*mailbox{box}
	at := time.Now().Add(-2 * time.Hour)
	m := probes.Message{Mailbox: "old", Place: "1.M1P1.mx1", Received: at, Bytes: lab.CiscoRefusal(at, "4TgXkR2x9zB", "kim@example.net")}
	if err := r.takeIn(t.Context(), "old", []probes.Message{m}, store.Batch{Spools: map[string]probes.SpoolBatch{"old": {Seen: []int64{1}}}}); err != nil {
		t.Fatal(err)
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("before all was read it opened %v", daemontest.Titles(all))
	}
	r.mailboxState(t.Context(), box, probes.MailboxState{Connected: true, Since: time.Now()})
	if err := r.tick(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if inc := r.only("an old refusal"); !inc.Existing || inc.LastTold.IsZero() {
		t.Errorf("already there: %v, told %s", inc.Existing, inc.LastTold)
	}
}
