package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
)

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how things stand, and whether the monitor itself is all right",
		Long: `Reads the database of the daemon: incidents by what they cost, what the monitor
cannot do, and what is quiet on purpose. It works when the daemon is dead, and
then says so first.

Exit code: 2 something critical or major, 1 something minor or policy, 3 could
not tell, else 0.`,
		Example: `  reputed status
  reputed status --config ./config.toml --format json
  reputed status --format plugin          one line for Icinga, Nagios or Checkmk`,
		Args: args(0, 0, ""),
	}
	form := formatFlag(c, report.Text, report.JSON, report.Plugin)
	c.RunE = func(c *cobra.Command, _ []string) error {
		now := time.Now()
		in, err := a.statusInput(c.Context(), now)
		var exit *exitError
		switch {
		case errors.As(err, &exit):
			return err
		case err != nil: // a status that cannot be read is "could not tell", in every form
			in = report.Input{Trouble: err.Error()}
		}
		r := report.Build(in, now)
		if err := r.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		return exitWith(r.Level())
	}
	return c
}

// exitWith ends the program with the code of a report that was printed already.
func exitWith(l report.Level) error {
	if l == report.LevelOK {
		return nil
	}
	return &exitError{code: int(l)}
}

// statusInput gathers everything that a status is built from.
func (a *app) statusInput(ctx context.Context, now time.Time) (report.Input, error) {
	v, done, err := a.readView(ctx)
	if err != nil {
		return report.Input{}, err
	}
	defer done()
	return v.input(ctx, now)
}

// readView is a view of the database that the configuration names. The caller calls done.
func (a *app) readView(ctx context.Context) (v *view, done func(), err error) {
	db, cfg, err := a.readStore(ctx)
	if err != nil {
		return nil, nil, err
	}
	if v, err = newView(db, cfg); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return v, func() { _ = db.Close() }, nil
}

// rounds reads the last rounds, and which lists did not answer in the last complete one.
func (v *view) rounds(ctx context.Context, in *report.Input, now time.Time) error {
	db, cfg := v.db, v.cfg
	complete, ok, err := db.LastCompleteRun(ctx, jobDNSBL)
	if err != nil {
		return err
	}
	last, any, err := db.LastRun(ctx, jobDNSBL)
	if err != nil {
		return err
	}
	if any && last.State == store.Running {
		in.Running = last.Started
	}
	if times := cfg.Schedule.DNSBLTimes; any && !times.IsZero() {
		in.NextRound = times.Next(last.Started)
		// Three slots missed in a row is no jitter any more.
		if interval := times.Next(in.NextRound).Sub(in.NextRound); interval > 0 {
			in.StaleAfter = max(3*interval+10*time.Minute, time.Hour)
		}
	}
	in.Watched = watched(cfg, complete.Summary.Targets)
	if !ok {
		in.Watched.Lists = len(cfg.Blocklists.Zones)
		return nil
	}
	if !in.Daemon.Beat.IsZero() && complete.Finished.After(in.Daemon.Beat) {
		in.Daemon.Beat = complete.Finished // a round between two renewals of the lease is a sign of life, too
	}
	in.Round = report.Round{Started: complete.Started, Ended: complete.Finished, Questions: complete.Summary.Questions}
	in.Watched.Lists = len(complete.Summary.Lists)
	zone := lookup(cfg.Blocklists.Zones)
	for _, l := range complete.Summary.Lists {
		lost := l.Counts[string(blocklists.Unknown)] + l.Counts[string(blocklists.Refused)] + l.Counts[string(blocklists.Unusable)]
		in.Round.Unanswered += lost
		in.Round.Problems += l.Counts[string(blocklists.Listed)] + l.Counts[string(blocklists.Policy)]
		if l.State == stateOK {
			continue
		}
		z, _ := zone(l.List)
		in.Silent = append(in.Silent, report.SilentList{ID: l.List, Name: z.Title, Operator: z.Operator,
			Severity: checks.Severity(z.Severity), Verdict: blocklists.Class(l.State), Why: l.Why})
	}
	return nil
}

// watched counts addresses and domains without counting ranges off. How many
// addresses a name or an SPF record stands for, only the last round knows.
func watched(cfg *config.Config, last int) report.Watched {
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
	w := report.Watched{Addresses: addresses.Len(), Domains: domains.Len()}
	if asks {
		w.Addresses = max(w.Addresses, last-w.Domains)
	}
	return w
}

func (v *view) mailboxes(ctx context.Context, in *report.Input, now time.Time) error {
	db, cfg := v.db, v.cfg
	boxes, err := db.Mailboxes(ctx, now.Add(-cfg.Bounces.Window.Duration))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, m := range boxes {
		seen[m.Name] = true
		box := report.Mailbox{Name: m.Name, UIDValidity: m.Position.UIDValidity, UID: m.Position.UID, ReadAt: m.Seen, Proved: m.Proved, Unproved: m.Unproved}
		if !m.OK && !m.Since.IsZero() {
			box.Failing, box.Error = m.Since, m.Trouble
		} else if m.OK {
			box.After = m.Trouble
		}
		in.Mailboxes = append(in.Mailboxes, box)
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
	for _, name := range names {
		if !seen[name] {
			in.Mailboxes = append(in.Mailboxes, report.Mailbox{Name: name})
		}
	}
	return nil
}

// logs reads how far each mail log has been read.
func (v *view) logs(ctx context.Context, in *report.Input, _ time.Time) error {
	db, cfg := v.db, v.cfg
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

func (v *view) channels(ctx context.Context, in *report.Input, _ time.Time) error {
	db, cfg := v.db, v.cfg
	channels, err := db.Channels(ctx)
	if err != nil {
		return err
	}
	for _, k := range channels {
		ch := report.Channel{Name: k.Name, Queued: k.Queued, Oldest: k.Oldest, SentAt: k.LastSent, Error: k.LastError}
		switch {
		case k.Tries > 0:
			ch.Failing = k.Oldest
		case k.LastError != "":
			ch.Failing = k.LastRefused
		}
		in.Channels = append(in.Channels, ch)
	}
	for _, s := range cfg.Slack {
		if !slices.ContainsFunc(in.Channels, func(c report.Channel) bool { return c.Name == s.Name }) {
			in.Channels = append(in.Channels, report.Channel{Name: s.Name})
		}
	}
	return nil
}

const (
	// lately is how far back resolved incidents are still shown.
	lately = 24 * time.Hour
	// explained is for how many incidents the decisions not to tell are read.
	explained = 20
)

func (v *view) incidents(ctx context.Context, in *report.Input, now time.Time) error {
	db := v.db
	open, err := db.Incidents(ctx, store.IncidentFilter{Limit: -1})
	if err != nil {
		return err
	}
	in.Incidents = v.of(open)
	past, err := db.Incidents(ctx, store.IncidentFilter{Resolved: true, Since: now.Add(-lately)})
	if err != nil {
		return err
	}
	for _, i := range past {
		if !i.Resolved.IsZero() && now.Sub(i.Resolved) < lately {
			in.Resolved = append(in.Resolved, i)
		}
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
			if u.Why == alerts.NothingNew {
				continue // every round decides so about every open incident
			}
			in.Quiet = append(in.Quiet, report.QuietNote{At: u.Last, Incident: i.ID, Title: i.Title, Why: u.Why})
		}
	}
	slices.SortStableFunc(in.Quiet, func(x, y report.QuietNote) int { return y.At.Compare(x.At) })
	return nil
}
