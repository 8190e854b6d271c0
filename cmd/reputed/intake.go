package main

import (
	"context"
	"log/slog"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/store"
	"reputed/probes"
)

// intake reads a batch of mails and commits what they say together with how far
// the mailbox has been read. An error leaves both as they were: the same batch comes again.
func (d *daemon) intake(ctx context.Context, name string, b probes.Batch) error {
	batch := store.Batch{Read: map[string]probes.Position{name: b.Position}}
	asked := false
	for _, m := range b.Messages {
		mail := d.readMail(m)
		batch.Mails = append(batch.Mails, mail)
		asked = d.follow(mail) || asked
	}
	if err := d.commit(ctx, batch, nil, false); err != nil {
		return err
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "mails read", slog.String("mailbox", name), slog.Int("mails", len(batch.Mails)))
	if asked {
		d.monitor.Poke(jobNamed)
	}
	return nil
}

// readMail parses one mail, asks for proof that it is ours, and lays each refusal at a target.
func (d *daemon) readMail(m probes.Message) store.Mail {
	mail := store.Mail{
		Place: store.Place{Mailbox: m.Mailbox, Position: probes.Position{UIDValidity: m.UIDValidity, UID: m.UID}, Received: m.Received},
		Size:  m.Size,
	}
	mail.Report = bounce.Parse(m.Bytes, bounce.ParseOptions{Rules: d.rules, Received: m.Received, Cut: m.Cut})
	if m.Trouble != "" {
		mail.Report.Kind, mail.Report.Trouble = bounce.KindUnparsed, m.Trouble
	}
	mail.Report.Proof = bounce.Prove(mail.Report, d.ours)
	for i := range mail.Report.Bounces {
		mail.Targets = append(mail.Targets, bounce.Attribute(&mail.Report.Bounces[i], d.ours).ID())
	}
	return mail
}

// follow notes the addresses of ours that a proved refusal lies at, so that the
// lists are asked about them at once: a bounce that names a list confirms it,
// and a list that changed an hour ago explains a bounce.
func (d *daemon) follow(mail store.Mail) bool {
	if !mail.Report.Proof.Proved() {
		return false
	}
	found := false
	for i, b := range mail.Report.Bounces {
		if !b.Judgement.Reputation || mail.Targets[i] == "" {
			continue
		}
		t, err := checks.ParseID(mail.Targets[i])
		if err != nil {
			continue
		}
		if t, ok := d.targets.Find(t); ok {
			d.named.add(t)
			found = true
		}
	}
	return found
}
