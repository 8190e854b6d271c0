package daemon

import (
	"context"
	"fmt"
	"time"

	"reputed/checks"
	"reputed/internal/store"
	"reputed/probes"
)

// The steps that the daemon takes by itself, for who takes them by hand: the rehearsal, and tests of the whole program.

// Poke lets a job run now, as soon as it may.
func (d *Daemon) Poke(job string) { d.monitor.Poke(job) }

// Whole says whether all mailboxes and logs have been read to their ends.
func (d *Daemon) Whole(now time.Time) bool { return d.sight(now).whole }

// Round asks every list about every target.
func (d *Daemon) Round(ctx context.Context) error { return d.round(ctx, time.Now()) }

// Tick looks at what time alone changes.
func (d *Daemon) Tick(ctx context.Context) error { return d.tick(ctx, time.Now()) }

// Intake takes mails in as if a mailbox had handed them over.
func (d *Daemon) Intake(ctx context.Context, mailbox string, b probes.Batch) error {
	return d.intake(ctx, mailbox, b)
}

// Commit stores findings and what follows from them.
func (d *Daemon) Commit(ctx context.Context, findings ...checks.Finding) error {
	return d.commit(ctx, store.Batch{}, findings, false)
}

// LookAtIdentity looks at what senders publish.
func (d *Daemon) LookAtIdentity(ctx context.Context) error { return d.lookAtIdentity(ctx, time.Now()) }

// JudgeRecorded judges the ratings that people recorded.
func (d *Daemon) JudgeRecorded(ctx context.Context) error { return d.judgeRecorded(ctx, time.Now()) }

// Knock knocks at receivers.
func (d *Daemon) Knock(ctx context.Context) error { return d.knock(ctx, time.Now()) }

// SayStatus tells who supervises the process how things stand.
func (d *Daemon) SayStatus(ctx context.Context) { d.sayStatus(ctx) }

// MailboxState takes note of how reading a mailbox stands.
func (d *Daemon) MailboxState(ctx context.Context, name string, s probes.MailboxState) error {
	for _, m := range d.mailboxes {
		if m.name == name {
			d.mailboxState(ctx, m, s)
			return nil
		}
	}
	return fmt.Errorf("there is no mailbox %q", name)
}
