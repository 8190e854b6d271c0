package daemon

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"reputed/alerts/email"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

// intake reads a batch of mails and commits what they say together with how far
// the mailbox has been read. An error leaves both as they were: the same batch comes again.
func (d *Daemon) intake(ctx context.Context, name string, b probes.Batch) error {
	return d.takeIn(ctx, name, b.Messages, store.Batch{Read: map[string]probes.Position{name: b.Position}})
}

// takeIn reads mails and commits what they say together with what batch holds already.
func (d *Daemon) takeIn(ctx context.Context, name string, messages []probes.Message, batch store.Batch) error {
	defer d.pulse.work("mailbox "+name, handLimit)()
	due := false
	for _, m := range d.mailboxes {
		if m.name == name {
			due = m.settles
			d.signOf(m)
		}
	}
	for _, m := range messages {
		mail := d.stored(m)
		mail.Settle = due && wiring.Settles(mail.Report.Kind)
		batch.Mails = append(batch.Mails, mail)
	}
	if err := d.commit(ctx, batch, nil, false); err != nil {
		return err
	}
	asked := false
	for _, mail := range batch.Mails {
		asked = d.follow(mail) || asked
	}
	if len(batch.Mails) == 0 {
		return nil
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "mails read", slog.String("mailbox", name), slog.Int("mails", len(batch.Mails)))
	if asked {
		d.monitor.Poke(monitor.JobNamed)
	}
	return nil
}

// stored is one mail as the database keeps it.
func (d *Daemon) stored(m probes.Message) store.Mail {
	mail := store.Mail{
		Place: store.Place{Mailbox: m.Mailbox, Position: probes.Position{UIDValidity: m.UIDValidity, UID: m.UID}, Spool: m.Place, Received: m.Received},
		Size:  m.Size,
	}
	ours := d.watch.Load().ours
	mail.Report, mail.Targets = ReadMail(d.rules, ours, m.Bytes, m.Received, m.Cut)
	if mail.Report.Kind == bounce.KindComplaint {
		if t, ok := bounce.Accused(mail.Report.Complaint, ours); ok {
			mail.Complaint = t.ID()
		}
	}
	d.leaveAlertsOut(&mail)
	if m.Trouble != "" {
		mail.Report.Kind, mail.Report.Trouble = bounce.KindUnparsed, m.Trouble
	}
	return mail
}

// ReadMail is how a mail is read, proved to be ours, and laid at a target: for each
// bounce of the report the Target.ID of whose problem it is. Where nothing of
// ours is known, nothing is proved and nothing is laid anywhere.
func ReadMail(rules *bounce.Rules, ours bounce.Ours, raw []byte, received time.Time, cut bool) (bounce.Report, []string) {
	return guarded(func() (bounce.Report, []string) { return readRaw(rules, ours, raw, received, cut) })
}

// guarded keeps a fault of the readers to the one mail that brings it to light: it is
// kept as unparsed and shown. A daemon that dies of it would meet the same mail again, for ever.
func guarded(read func() (bounce.Report, []string)) (r bounce.Report, targets []string) {
	defer func() {
		if fault := recover(); fault != nil {
			r = bounce.Report{Kind: bounce.KindUnparsed, Trouble: "the reader failed on it, please report this: " + checks.Fault(fault)}
			targets = nil
		}
	}()
	return read()
}

func readRaw(rules *bounce.Rules, ours bounce.Ours, raw []byte, received time.Time, cut bool) (bounce.Report, []string) {
	r := bounce.Parse(raw, bounce.ParseOptions{Rules: rules, Received: received, Cut: cut})
	r.Proof = bounce.Prove(r, ours)
	if ours.Targets.Empty() {
		return r, nil
	}
	var targets []string
	for i := range r.Bounces {
		targets = append(targets, bounce.Attribute(&r.Bounces[i], ours).ID())
	}
	return r, targets
}

// follow notes the addresses of ours that a proved refusal lies at, so that the
// lists are asked about them at once: a bounce that names a list confirms it,
// and a list that changed an hour ago explains a bounce.
func (d *Daemon) follow(mail store.Mail) bool {
	if !mail.Report.Proof.Proved() {
		return false
	}
	found := false
	for i, b := range mail.Report.Bounces {
		if !b.Judgement.Reputation || mail.Targets[i] == "" {
			continue
		}
		found = d.followTo(mail.Targets[i], b.Judgement.Blocklist) || found
		if aboutIdentity(b.Judgement.Category) {
			d.monitor.Poke(monitor.JobIdentity)
		}
	}
	return found
}

// followTo notes one target that a refusal is laid at and the list that it names, if it
// does; it says whether there is something to ask.
func (d *Daemon) followTo(target, list string) bool {
	t, err := checks.ParseID(target)
	if err != nil {
		return false
	}
	t, ok := d.watch.Load().targets.Find(t)
	return ok && d.named.add(t, wiring.AskedAs(d.cfg, list), time.Now())
}

// leaveAlertsOut takes the bounces of alerts that were sent by mail out of a report: they
// say that an alert did not arrive, and nothing of the mail that is watched. A report of nothing
// else stays as a mail that is no bounce, and the log says it.
func (d *Daemon) leaveAlertsOut(mail *store.Mail) {
	if len(d.cfg.Emails) == 0 {
		return
	}
	r := &mail.Report
	var bounces []bounce.Bounce
	var targets []string
	for i, b := range r.Bounces {
		if channel, own := d.alertOf(b); own {
			d.log.LogAttrs(context.Background(), slog.LevelWarn, "an alert sent by mail came back", slog.String("channel", channel),
				slog.String("reply", b.Diagnostic.Reply), slog.String("status", b.Diagnostic.Status))
			continue
		}
		bounces = append(bounces, b)
		if i < len(mail.Targets) {
			targets = append(targets, mail.Targets[i])
		}
	}
	if len(bounces) == len(r.Bounces) {
		return
	}
	r.Bounces, mail.Targets = bounces, targets
	if len(bounces) == 0 {
		r.Kind, r.Trouble = bounce.KindOther, "the report of an alert of this monitor that did not arrive"
	}
}

// alertOf is the channel whose alert a bounce is about, if it is about one.
func (d *Daemon) alertOf(b bounce.Bounce) (channel string, ok bool) {
	for _, e := range d.cfg.Emails {
		if email.OwnBounce(b.MessageID, cmp.Or(b.Recipient, b.Domain), e.From, e.To) {
			return e.Name, true
		}
	}
	return "", false
}
