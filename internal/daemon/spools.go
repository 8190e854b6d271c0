package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"reputed/internal/config"
	"reputed/internal/store"
	"reputed/probes"
)

// spoolStateEvery is how often it is written down that a spool could be read, if
// nothing changes: a look every few seconds is not worth a transaction.
const spoolStateEvery = time.Minute

// newSpool is a Maildir or an mbox as the configuration describes it.
func newSpool(s config.Spool, log *slog.Logger) (*probes.Spool, error) {
	kind := probes.SpoolKind(s.Type)
	if s.Type == config.SpoolAuto {
		kind = probes.SpoolAuto
	}
	spool, err := probes.NewSpool(probes.SpoolOptions{Name: s.Name, Path: s.Path, Kind: kind, Poll: s.Poll.Duration, Remove: s.Remove, Log: log})
	if err != nil {
		return nil, &config.Invalid{Err: err}
	}
	return spool, nil
}

// watchSpool reads a spool until ctx ends, or gives why it cannot begin.
func (d *Daemon) watchSpool(ctx context.Context, m *mailbox) error {
	if m.name == config.QueueSpool && d.cfg.Bounces.Queue != "" {
		_ = probes.MakeMaildir(d.cfg.Bounces.Queue) // if that fails, the first look says what is missing
	}
	mark, err := d.db.SpoolMark(ctx, m.name)
	if err != nil {
		return err
	}
	var told time.Time
	var was probes.MailboxState
	return m.spool.Watch(ctx, mark,
		func(ctx context.Context, b probes.SpoolBatch) error {
			return d.takeIn(ctx, m.name, b.Messages, store.Batch{Spools: map[string]probes.SpoolBatch{m.name: b}})
		},
		func(s probes.MailboxState) {
			if same := s.Connected == was.Connected && fmt.Sprint(s.LastErr) == fmt.Sprint(was.LastErr); same && time.Since(told) < spoolStateEvery {
				m.mu.Lock()
				m.state = s
				m.mu.Unlock()
				d.signOf(m)
				return
			}
			was, told = s, time.Now()
			d.mailboxState(ctx, m, s)
		})
}
