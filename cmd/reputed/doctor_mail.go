package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"reputed/checks"
	"reputed/checks/bounce/maillog"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

// mailboxLooks are one for each folder and spool.
func (p *patient) mailboxLooks() (all []look) {
	const area = "mailboxes"
	for _, m := range p.cfg.Mailboxes {
		if m.OAuth.RefreshToken.Given() && m.OAuth.Provider == "" {
			all = append(all, look{area, func(context.Context) []report.Symptom {
				return []report.Symptom{{Is: report.Unclear, Says: fmt.Sprintf("mailbox %s is not tried: a refresh token of a provider that is not known may be good for one use only, and that is the daemon's", m.Name),
					Do: "reputed status says how the daemon gets on with it"}}
			}})
			continue
		}
		folders, err := wiring.Mailboxes(m, p.cfg.HTTP.Rules(), p.db, p.log)
		if err != nil {
			all = append(all, look{area, func(context.Context) []report.Symptom {
				return []report.Symptom{{Is: report.Broken, Says: err.Error(), Do: "mend the table [[mailbox]]"}}
			}})
			continue
		}
		for _, f := range folders {
			all = append(all, look{area, func(ctx context.Context) []report.Symptom { return p.lookAtMailbox(ctx, m, f) }})
		}
	}
	for _, s := range p.cfg.AllSpools() {
		all = append(all, look{area, func(ctx context.Context) []report.Symptom { return p.lookAtSpool(ctx, s) }})
	}
	if len(all) == 0 {
		all = append(all, look{area, func(context.Context) []report.Symptom {
			return []report.Symptom{{Is: report.Absent, Says: "no bounces are read: with them a refusal is known with its words, also where no log can be read", Do: "add a [[mailbox]] or a [[spool]] that bounces come to"}}
		}})
	}
	return all
}

// lookAtMailbox logs in and opens the folder.
func (p *patient) lookAtMailbox(ctx context.Context, m config.Mailbox, f wiring.Mailbox) []report.Symptom {
	v, err := f.Probe.Look(ctx)
	switch {
	case ctx.Err() != nil:
		return []report.Symptom{unclear("mailbox "+f.Name, ctx.Err())}
	case err != nil:
		return []report.Symptom{{Is: report.Broken, Says: err.Error(), Do: "mend it: no bounce of it is seen meanwhile"}}
	}
	news := "looked at every " + monitor.FormatDuration(m.Poll.Duration)
	if v.Idle {
		news = "its server says when mail comes"
	}
	all := []report.Symptom{sound("mailbox %s: login, folder and %s; %s", f.Name, checks.Plural(int(v.Messages), "mail"), news)}
	stored, ok := p.storedMailbox(ctx, f.Name)
	if !ok {
		return append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("mailbox %s was never read by a daemon", f.Name), Do: "start the daemon"})
	}
	return append(all, p.progressOf(stored, v)...)
}

// progressOf says how far the daemon has got with a folder, and whether its reports are of use.
func (p *patient) progressOf(stored store.Mailbox, v probes.FolderLook) (all []report.Symptom) {
	above := v.Above(stored.Position)
	switch {
	case stored.Position.UIDValidity != 0 && stored.Position.UIDValidity != v.UIDValidity:
		all = append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("mailbox %s: its server has numbered it anew (UIDVALIDITY %d, before %d)", stored.Name, v.UIDValidity, stored.Position.UIDValidity), Do: "nothing: the daemon reads it again, and counts no mail twice"})
	case above > 0 && p.now.Sub(stored.Seen) > 10*time.Minute:
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("mailbox %s: %s not read, and the daemon last looked %s ago", stored.Name, checks.Plural(above, "mail"), p.now.Sub(stored.Seen).Round(time.Minute)), Do: "see whether the daemon runs: reputed status"})
	case above > 0:
		all = append(all, sound("mailbox %s: at most %s not read yet", stored.Name, checks.Plural(above, "mail")))
	}
	if s, ok := proofOf(stored.Name, stored.Proved, stored.Unproved, p.cfg.Bounces.Window.Duration); ok {
		all = append(all, s)
	}
	return all
}

// proofOf says whether reports can be proved to be ours: without that none counts.
func proofOf(name string, proved, unproved int, window time.Duration) (report.Symptom, bool) {
	switch {
	case proved == 0 && unproved >= daemon.FewReports:
		return report.Symptom{Is: report.Broken, Says: fmt.Sprintf("mailbox %s: none of %s in %s can be proved to be ours, so that none counts", name, checks.Plural(unproved, "report"), monitor.FormatDuration(window)),
			Do: "name your mail servers in hosts of [[outbound]] as their Received lines have it, set [bounces] message_id_domains, or read the mail log"}, true
	case proved > 0:
		return sound("mailbox %s: %d of %s in %s proved to be ours", name, proved, checks.Plural(proved+unproved, "report"), monitor.FormatDuration(window)), true
	}
	return report.Symptom{}, false
}

func (p *patient) storedMailbox(ctx context.Context, name string) (store.Mailbox, bool) {
	if p.db == nil {
		return store.Mailbox{}, false
	}
	all, err := p.db.Mailboxes(ctx, p.now.Add(-p.cfg.Bounces.Window.Duration))
	if err != nil {
		return store.Mailbox{}, false
	}
	for _, m := range all {
		if m.Name == name {
			return m, !m.ReadAt.IsZero() || !m.Seen.IsZero()
		}
	}
	return store.Mailbox{}, false
}

// lookAtSpool looks whether the files can be read.
func (p *patient) lookAtSpool(ctx context.Context, s config.Spool) []report.Symptom {
	path := s.Path
	f, err := os.Open(path)
	if err == nil {
		_, err = f.Stat()
		_ = f.Close()
	}
	if err != nil {
		return []report.Symptom{{Is: report.Broken, Says: fmt.Sprintf("spool %s: %v", s.Name, err), Do: "make it, or let the user of the daemon read it"}}
	}
	all := []report.Symptom{sound("spool %s: %s can be read", s.Name, path)}
	if stored, ok := p.storedMailbox(ctx, s.Name); ok {
		if !stored.OK && stored.Trouble != "" {
			all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("spool %s: the daemon cannot read it: %s", s.Name, stored.Trouble), Do: "compare the user of the daemon with yours"})
		}
		if s, ok := proofOf(s.Name, stored.Proved, stored.Unproved, p.cfg.Bounces.Window.Duration); ok {
			all = append(all, s)
		}
	}
	return all
}

// logLooks are one for each mail log.
func (p *patient) logLooks() (all []look) {
	const area = "mail logs"
	for _, m := range p.cfg.MailLogs {
		all = append(all, look{area, func(ctx context.Context) []report.Symptom { return p.lookAtLog(ctx, m) }})
	}
	if len(all) == 0 {
		all = append(all, look{area, func(context.Context) []report.Symptom {
			return []report.Symptom{{Is: report.Absent, Says: "none is read: with one, refusals are known as they happen, days before a bounce, and deliveries are counted, so that the cost of a listing is known", Do: "add a [[maillog]]"}}
		}})
	}
	return all
}

// quietLog is after how long a log that is not written any more is taken for the wrong one.
const quietLog = 24 * time.Hour

// lookAtLog reads the end of a log as the daemon would.
func (p *patient) lookAtLog(ctx context.Context, m config.MailLog) []report.Symptom {
	l, err := wiring.NewMailLog(m, p.cfg, p.rules, p.log)
	if err != nil {
		return []report.Symptom{{Is: report.Broken, Says: err.Error(), Do: "mend the table [[maillog]]"}}
	}
	tail, err := l.Probe.Tail(ctx)
	switch {
	case ctx.Err() != nil:
		return []report.Symptom{unclear("log "+m.Name, ctx.Err())}
	case err != nil:
		return []report.Symptom{{Is: report.Broken, Says: err.Error(), Do: "mend it: neither refusals nor deliveries of it are seen meanwhile"}}
	}
	reader := maillog.New(l.Options)
	events, fault := reader.Try(tail.Lines)
	stats := reader.Stats()
	what := m.Path
	if m.Journal {
		what = "the journal"
	}
	var all []report.Symptom
	switch {
	case fault != nil:
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("log %s: the reader fails on a line of %s: %v", m.Name, what, fault), Do: "report this; the daemon passes over the line"})
	case len(tail.Lines) == 0:
		all = append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("log %s: %s is empty", m.Name, what), Do: "right after a rotation that is so; else see whether the mail server writes elsewhere"})
	case stats.Mail == 0:
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("log %s: none of the last %s of %s is of a mail server", m.Name, checks.Plural(stats.Lines, "line"), what), Do: "name the right file, or the units of the journal, and its format"})
	case stats.Unread > len(events):
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("log %s: %s that should tell what became of a mail are not understood, %s are", m.Name, checks.Plural(stats.Unread, "line"), checks.Plural(len(events), "other")), Do: "set the right format; reputed bounce FILE shows what is read"})
	default:
		all = append(all, sound("log %s: %s can be read, and its end (%s) tells %s", m.Name, what, checks.Plural(stats.Lines, "line"), outcomes(events)))
	}
	if quiet := p.now.Sub(tail.Written); !tail.Written.IsZero() && quiet > quietLog {
		all = append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("log %s: nothing was written to %s for %d hours", m.Name, what, int(quiet.Hours())), Do: "see whether the mail server writes elsewhere since"})
	}
	if tail.Unread != "" {
		all = append(all, report.Symptom{Is: report.Doubtful, Says: tail.Unread, Do: "see that rotation keeps the rights, or lines are lost when the daemon is down during one"})
	}
	return append(all, p.logProgress(ctx, m)...)
}

// outcomes is what a log told.
func outcomes(events []maillog.Event) string {
	if len(events) == 0 {
		return "of no delivery"
	}
	return "what became of " + checks.Plural(len(events), "mail")
}

// logProgress says how the daemon gets on with a log.
func (p *patient) logProgress(ctx context.Context, m config.MailLog) []report.Symptom {
	if p.db == nil {
		return nil
	}
	stored, err := p.db.Log(ctx, m.Name)
	switch {
	case err != nil:
		return []report.Symptom{unclear("log "+m.Name+", as the daemon has it", err)}
	case stored.Seen.IsZero() && stored.ReadAt.IsZero():
		return []report.Symptom{{Is: report.Doubtful, Says: fmt.Sprintf("log %s was never read by a daemon", m.Name), Do: "start the daemon"}}
	case !stored.OK && stored.Trouble != "":
		return []report.Symptom{{Is: report.Broken, Says: fmt.Sprintf("log %s: the daemon cannot read it: %s", m.Name, stored.Trouble), Do: "compare the user of the daemon with yours"}}
	case stored.Gap != "" && p.now.Sub(stored.GapAt) < 7*24*time.Hour:
		return []report.Symptom{{Is: report.Doubtful, Says: fmt.Sprintf("log %s: something was lost at %s: %s", m.Name, stored.GapAt.UTC().Format(time.RFC3339), stored.Gap), Do: "keep rotated files for longer than the daemon is ever down"}}
	}
	return nil
}
