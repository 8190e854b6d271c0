package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"reputed/checks"
	"reputed/internal/expand"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/probes"
)

// The checks of the monitor itself, as the keys of their findings name them.
const (
	checkMailbox = "mailbox" // can it be read?
	checkLog     = "maillog" // can it be read?
	checkFormat  = "format"  // is it understood?
	checkProof   = "proof"   // can anything in it be proved to be ours?
	checkChannel = "channel" // does it take alerts?
	checkBackup  = "backup"  // is the database backed up?
)

func mailboxPart(name string) string { return "mailbox:" + name }
func logPart(name string) string     { return "log:" + name }
func channelPart(name string) string { return "channel:" + name }

const (
	// Patience is how long a mailbox or a channel may be in trouble before it is a
	// finding: servers restart.
	Patience = 10 * time.Minute
	// FewReports is below how many unproved reports a mailbox is given the benefit
	// of the doubt.
	FewReports = 5
)

// tick looks at what time alone changes.
func (d *Daemon) tick(ctx context.Context, _ time.Time) error {
	defer d.pulse.beat("scheduler", tickLimit)
	defer d.sayStatus(ctx)
	d.tryWriting(ctx)
	err := d.lookAtTime(ctx, time.Now().UTC())
	if err != nil {
		d.unable(ctx, nil, err) // also where it was only to be read
	}
	d.tellUnwritten(ctx)
	return err
}

func (d *Daemon) lookAtTime(ctx context.Context, now time.Time) error {
	findings := append(d.mailboxFindings(now), d.logFindings(now)...)
	for _, more := range []func(context.Context, time.Time) ([]checks.Finding, error){d.channelFindings, d.backupFindings, d.dismissed} {
		found, err := more(ctx, now)
		if err != nil {
			return err
		}
		findings = append(findings, found...)
	}
	if err := d.commit(ctx, store.Batch{}, findings, false); err != nil {
		return err
	}
	n, err := d.db.ForgetWaiting(ctx, now)
	if n > 0 {
		d.log.LogAttrs(ctx, slog.LevelInfo, "messages given up that no log tells the end of", slog.Int64("messages", n))
	}
	return err
}

// dismissed says of each mailbox, channel, list and source of targets that is in
// trouble and not in the configuration any more that this is over: nobody looks at it
// again, so nothing else would ever end it. What a list said about a target of ours is
// another matter: only an answer, or a person, ends that.
func (d *Daemon) dismissed(ctx context.Context, now time.Time) ([]checks.Finding, error) {
	here := map[string]bool{}
	for _, m := range d.mailboxes {
		here[checks.Monitor(mailboxPart(m.name)).ID()] = true
	}
	for _, l := range d.logs {
		here[checks.Monitor(logPart(l.cfg.Name)).ID()] = true
	}
	for name := range d.deliverer.Channels {
		here[checks.Monitor(channelPart(name)).ID()] = true
	}
	for _, z := range d.cfg.Blocklists.Zones {
		here[checks.List(z.ID).ID()] = true
	}
	for _, s := range d.sources.all {
		here[checks.Monitor(expand.Part(s)).ID()] = true
	}
	var out []checks.Finding
	for _, check := range []string{checkMailbox, checkLog, checkFormat, checkProof, checkChannel, expand.Check, monitor.JobDNSBL} {
		known, err := d.db.Known(ctx, check)
		if err != nil {
			return nil, err
		}
		for key := range known {
			t, err := checks.ParseID(key.Target)
			if err != nil || here[key.Target] || t.Kind != checks.KindMonitor && t.Kind != checks.KindList {
				continue
			}
			out = append(out, checks.Finding{Key: key, Target: t, Code: checks.CodeMonitorWell, Status: checks.OK, At: now,
				Summary: fmt.Sprintf("%s is not in the configuration any more", t)})
		}
	}
	return out, nil
}

// mailboxState takes note of how reading a mailbox stands, for status and for tick.
func (d *Daemon) mailboxState(ctx context.Context, m *mailbox, s probes.MailboxState) {
	m.mu.Lock()
	m.state = s
	m.mu.Unlock()
	d.signOf(m)
	if ctx.Err() != nil {
		return // it is being disconnected because we stop
	}
	trouble := s.LastErr
	if trouble == nil {
		trouble = s.AfterErr // it is read, and that is not all that was asked for
	}
	if err := d.db.SetMailboxState(ctx, m.name, s.Connected && s.LastErr == nil, time.Now(), trouble); err != nil {
		d.log.LogAttrs(ctx, slog.LevelWarn, "mailbox state not stored", slog.String("mailbox", m.name), slog.Any("err", err))
	}
}

// trouble says since when the mailbox cannot be read, and why; zero: it can.
func (m *mailbox) trouble(now time.Time) (since time.Time, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Connected {
		return time.Time{}, nil
	}
	since = m.state.LastRoundTrip
	if since.IsZero() {
		since = m.began
	}
	if since.IsZero() {
		since = now
	}
	return since, m.state.LastErr
}

func (d *Daemon) mailboxFindings(now time.Time) []checks.Finding {
	var out []checks.Finding
	for _, m := range d.mailboxes {
		since, why := m.trouble(now)
		f := monitorFinding(checkMailbox, mailboxPart(m.name), now)
		switch {
		case since.IsZero():
			f.Summary = fmt.Sprintf("mailbox %s is read again", m.name)
		case now.Sub(since) < Patience:
			continue // neither well nor a finding yet
		default:
			f.Code, f.Status, f.Severity = checks.CodeMailbox, checks.Problem, checks.Major
			f.Summary = fmt.Sprintf("mailbox %s has not been readable since %s", m.name, since.UTC().Format("2006-01-02 15:04 MST"))
			if why != nil {
				f.Evidence = []checks.Evidence{{Question: "read mailbox " + m.name, Answer: why.Error(), At: now}}
			}
		}
		out = append(out, f)
	}
	return out
}

func (d *Daemon) channelFindings(ctx context.Context, now time.Time) ([]checks.Finding, error) {
	channels, err := d.db.Channels(ctx)
	if err != nil {
		return nil, err
	}
	var out []checks.Finding
	for _, c := range channels {
		if _, ok := d.deliverer.Channels[c.Name]; !ok {
			continue // what waits for it waits for its return
		}
		f := monitorFinding(checkChannel, channelPart(c.Name), now)
		switch {
		case c.LastRefused.After(c.LastSent):
			// What is refused is not tried again, so that nothing waits; and nobody hears.
			f.Code, f.Status, f.Severity = checks.CodeChannelDown, checks.Problem, checks.Major
			f.Summary = fmt.Sprintf("channel %s has refused alerts since %s", c.Name, c.LastRefused.UTC().Format("2006-01-02 15:04 MST"))
			f.Evidence = []checks.Evidence{{Question: "deliver an alert to " + c.Name, Answer: c.LastError, At: c.LastRefused}}
		case c.Queued == 0:
			f.Summary = fmt.Sprintf("channel %s takes alerts again", c.Name)
		case now.Sub(c.Oldest) < Patience:
			continue
		default:
			f.Code, f.Status, f.Severity = checks.CodeChannelDown, checks.Problem, checks.Major
			f.Summary = fmt.Sprintf("channel %s has not taken an alert since %s", c.Name, c.Oldest.UTC().Format("2006-01-02 15:04 MST"))
			f.Evidence = []checks.Evidence{{Question: "deliver an alert to " + c.Name, Answer: c.LastError, At: now}}
		}
		if f.Status == checks.Problem && c.Critical { // a pager that takes nothing, and holds a page back
			f.Severity = checks.Critical
		}
		out = append(out, f)
	}
	return out, nil
}

// unproved says of mailboxes in which nothing can be proved to be ours how to mend it.
func (d *Daemon) unproved(s store.Situation) []checks.Finding {
	var out []checks.Finding
	for _, m := range s.Mailboxes {
		if !slices.ContainsFunc(d.mailboxes, func(box *mailbox) bool { return box.name == m.Name }) {
			continue
		}
		f := monitorFinding(checkProof, mailboxPart(m.Name), s.Now)
		switch {
		case m.Proved > 0:
			f.Summary = fmt.Sprintf("bounces in mailbox %s are proved to be ours", m.Name)
		case m.Unproved < FewReports:
			continue
		default:
			f.Code, f.Status, f.Severity = checks.CodeUnproved, checks.Problem, checks.Minor
			f.Summary = fmt.Sprintf("none of %s in mailbox %s can be proved to be ours", checks.Plural(m.Unproved, "bounce"), m.Name)
			f.Facts = map[string]string{checks.FactCount: fmt.Sprint(m.Unproved)}
		}
		out = append(out, f)
	}
	return out
}

// monitorFinding is an OK finding about a part of this monitor, for its caller to
// turn into a problem.
func monitorFinding(check, part string, now time.Time) checks.Finding {
	t := checks.Monitor(part)
	return checks.Finding{
		Key:    checks.Key{Check: check, Target: t.ID()},
		Target: t, Code: checks.CodeMonitorWell, Status: checks.OK, At: now,
	}
}
