package view

import (
	"context"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

// own reads what the daemon says is wrong with itself.
func (v *View) own(ctx context.Context, in *report.Input, _ time.Time) error {
	all, err := v.db.Conditions(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		in.Own = append(in.Own, report.OwnTrouble{Part: c.Part, Since: c.Since, What: c.What})
	}
	return nil
}

// notWritten says of a daemon that is there and cannot write the database since when: the daemon itself knows,
// anybody else sees that it is there and has not signed its lease.
func (v *View) notWritten(lease store.LeaseInfo, now time.Time) []report.OwnTrouble {
	if v.Unwritten != nil {
		since, why := v.Unwritten()
		if since.IsZero() {
			return nil
		}
		return []report.OwnTrouble{{Part: "database", Since: since, What: "cannot be written, what is found is kept in memory: " + checks.Line(why.Error(), 300)}}
	}
	if !lease.Held || lease.Alive(now) {
		return nil
	}
	return []report.OwnTrouble{{Part: "database", Since: lease.Renewed,
		What: "the daemon is there and writes nothing: the disk is full, read-only or hangs, the file is locked, or the daemon hangs; its log says which"}}
}

// rounds reads the last rounds, and which lists did not answer in the last complete one.
func (v *View) rounds(ctx context.Context, in *report.Input, now time.Time) error {
	db, cfg := v.db, v.Config
	complete, ok, err := db.LastCompleteRun(ctx, monitor.JobDNSBL)
	if err != nil {
		return err
	}
	last, any, err := db.LastRun(ctx, monitor.JobDNSBL)
	if err != nil {
		return err
	}
	if any && last.State == store.Running {
		in.Running = last.Started
	}
	if times := cfg.Schedule.DNSBLTimes; any && !times.IsZero() {
		in.NextRound = times.Next(last.Started)
		in.StaleAfter = staleAfter(times.Next, last.Started)
	}
	in.Watched = watched(cfg, complete.Summary)
	if !ok {
		in.Watched.Lists = len(cfg.Blocklists.Zones)
		return nil
	}
	if !in.Daemon.Beat.IsZero() && complete.Finished.After(in.Daemon.Beat) {
		in.Daemon.Beat = complete.Finished // a round between two renewals of the lease is a sign of life, too
	}
	v.round(in, complete)
	return nil
}

// round is a complete round, and which lists gave no usable answer in it.
func (v *View) round(in *report.Input, complete store.Run) {
	in.Round = report.Round{Started: complete.Started, Ended: complete.Finished, Questions: complete.Summary.Questions}
	in.Watched.Lists = len(complete.Summary.Lists)
	zone := wiring.Lookup(v.Config.Blocklists.Zones)
	for _, l := range complete.Summary.Lists {
		lost := l.Counts[string(blocklists.Unknown)] + l.Counts[string(blocklists.Refused)] + l.Counts[string(blocklists.Unusable)]
		in.Round.Unanswered += lost
		in.Round.Problems += l.Counts[string(blocklists.Listed)] + l.Counts[string(blocklists.Policy)]
		if l.State == store.ListOK {
			continue
		}
		z, _ := zone(l.List)
		in.Silent = append(in.Silent, report.SilentList{ID: l.List, Name: z.Title, Operator: z.Operator,
			Severity: checks.Severity(z.Severity), Verdict: blocklists.Class(l.State), Why: l.Why})
	}
}

// watched counts addresses and domains without counting ranges off. How many
// addresses a name or an SPF record stands for, and which host names there are, only the last round knows.
func watched(cfg *config.Config, last store.Summary) report.Watched {
	var addresses, domains checks.Targets
	asks := false
	add := func(words []string) {
		for _, w := range words { // validated: what cannot be added is not there
			if t, err := checks.Domain(w); err == nil && t.Kind == checks.KindDomain {
				_ = domains.Add(w, "", nil)
			} else {
				_ = addresses.Add(w, "", nil)
			}
		}
	}
	for _, pool := range cfg.Outbound {
		add(pool.Addresses)
		add(pool.Domains)
	}
	for _, s := range cfg.Sources() {
		if s.Kind == config.SourceFile {
			words, _ := config.ReadAddresses(s.Name)
			add(words)
		} else {
			asks = true
		}
	}
	w := report.Watched{Addresses: addresses.Len(), Domains: max(domains.Len(), last.Domains)}
	if asks {
		w.Addresses = max(w.Addresses, last.Targets-w.Domains)
	}
	return w
}

func (v *View) mailboxes(ctx context.Context, in *report.Input, now time.Time) error {
	db, cfg := v.db, v.Config
	boxes, err := db.Mailboxes(ctx, now.Add(-cfg.Bounces.Window.Duration))
	if err != nil {
		return err
	}
	var names []string
	for _, m := range cfg.Mailboxes {
		for _, folder := range m.Reads() {
			names = append(names, m.Key(folder))
		}
	}
	for _, s := range cfg.AllSpools() {
		names = append(names, s.Name)
	}
	seen := map[string]bool{}
	for _, m := range boxes {
		if cfg.Path != "" && !slices.Contains(names, m.Name) {
			continue // of one that was taken out nobody needs to know that it could not be read
		}
		seen[m.Name] = true
		box := report.Mailbox{Name: m.Name, UIDValidity: m.Position.UIDValidity, UID: m.Position.UID, ReadAt: m.Seen, Proved: m.Proved, Unproved: m.Unproved}
		if !m.OK && !m.Since.IsZero() {
			box.Failing, box.Error = m.Since, m.Trouble
		} else if m.OK {
			box.After = m.Trouble
		}
		in.Mailboxes = append(in.Mailboxes, box)
	}
	for _, name := range names {
		if !seen[name] {
			in.Mailboxes = append(in.Mailboxes, report.Mailbox{Name: name})
		}
	}
	return nil
}

// logs reads how far each mail log has been read.
func (v *View) logs(ctx context.Context, in *report.Input, _ time.Time) error {
	db, cfg := v.db, v.Config
	logs, err := db.Logs(ctx)
	if err != nil {
		return err
	}
	for _, m := range cfg.MailLogs {
		l := report.Log{Name: m.Name}
		for _, known := range logs {
			if known.Name != m.Name {
				continue
			}
			l = report.Log{Name: known.Name, ReadAt: known.Seen, Began: known.Began, Upto: known.Upto, Lines: known.Lines, Mail: known.Mail, Told: known.Told, Unread: known.Unread, Gap: known.Gap, GapAt: known.GapAt}
			if !known.OK && !known.Since.IsZero() {
				l.Failing, l.Error = known.Since, known.Trouble
			}
		}
		in.Logs = append(in.Logs, l)
	}
	return nil
}

func (v *View) channels(ctx context.Context, in *report.Input, _ time.Time) error {
	db, cfg := v.db, v.Config
	channels, err := db.Channels(ctx)
	if err != nil {
		return err
	}
	for _, k := range channels {
		if cfg.Path != "" && !slices.Contains(cfg.Channels(), k.Name) {
			continue
		}
		ch := report.Channel{Name: k.Name, Queued: k.Queued, Oldest: k.Oldest, SentAt: k.LastSent, Error: k.LastError}
		switch {
		case k.Tries > 0:
			ch.Failing = k.Oldest
		case k.LastError != "":
			ch.Failing = k.LastRefused
		}
		in.Channels = append(in.Channels, ch)
	}
	for _, name := range cfg.Channels() {
		if !slices.ContainsFunc(in.Channels, func(c report.Channel) bool { return c.Name == name }) {
			in.Channels = append(in.Channels, report.Channel{Name: name})
		}
	}
	return nil
}

const (
	// lately is how far back resolved incidents are still shown.
	lately = 24 * time.Hour
	// explained is for how many incidents the decisions not to tell are read.
	explained = 20
	// MostMembers is how many findings of an incident are read where many incidents are shown: the worst.
	MostMembers = 200
	// suspected is for how many it is looked up who may be behind them: that goes through a week of hours.
	suspected = 3
)

func (v *View) incidents(ctx context.Context, in *report.Input, now time.Time) error {
	db := v.db
	short, err := db.Shortened(ctx, store.IncidentFilter{Limit: -1}, MostMembers)
	if err != nil {
		return err
	}
	var open []alerts.Incident
	for _, i := range short {
		open = append(open, i.Incident)
	}
	in.Incidents = v.of(open)
	for n, i := range short {
		in.Incidents[n].Open = i.Open
		if n >= len(short)-suspected { // by id: the latest
			if in.Incidents[n].Suspicion, err = v.Suspicion(ctx, i.Incident, now); err != nil {
				return err
			}
		}
	}
	past, err := db.Shortened(ctx, store.IncidentFilter{Over: true, Since: now.Add(-lately)}, MostMembers)
	if err != nil {
		return err
	}
	for _, i := range past {
		if !i.Resolved.IsZero() && now.Sub(i.Resolved) < lately {
			in.Resolved = append(in.Resolved, i.Incident)
		}
	}
	if err := v.byHand(ctx, in); err != nil {
		return err
	}
	open = open[:min(len(open), explained)]
	var ids []int64
	for _, i := range open {
		ids = append(ids, i.ID)
	}
	untold, err := db.Decisions(ctx, ids)
	if err != nil {
		return err
	}
	for _, i := range open {
		for _, u := range untold[i.ID] {
			if u.Why == alerts.NothingNew || u.Last.Before(i.Opened) {
				continue // every round decides so about every open incident; and what is of before it came back is past
			}
			in.Quiet = append(in.Quiet, report.QuietNote{At: u.Last, Incident: i.ID, Title: i.Title, Why: u.Why})
		}
	}
	slices.SortStableFunc(in.Quiet, func(x, y report.QuietNote) int { return y.At.Compare(x.At) })
	return nil
}
