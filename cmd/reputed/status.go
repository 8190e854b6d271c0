package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

func (a *app) statusCommand() *cobra.Command {
	var watch, alive bool
	var at string
	c := &cobra.Command{
		Use:   "status [ID]",
		Short: "Say how things stand, and whether the monitor itself is all right",
		Long: `Reads the database of the daemon: incidents by what they cost, what the monitor
cannot do, and what is quiet on purpose. It works when the daemon is dead, and
then says so first; on a copy; and with a configuration that is broken. With the
number of an incident it shows that one whole, as "reputed incident show" does.

--at tells a moment in the past from what is stored: changes, events and rounds.
What is not known any more, it says.

--alive asks only whether the daemon works, as the health check of a container
does: exit code 0 if so, 2 if not, whatever is listed.

Exit code: 2 something critical or major, 1 something minor or policy, 3 could
not tell, else 0; 78 if the configuration is broken and nothing can be shown.`,
		Example: `  reputed status
  reputed status 12                       one incident whole
  reputed status --watch                  refreshed when something changes
  reputed status --at "2026-11-24 22:15"  as it was then; also 22:15, 3h, 2d
  reputed status --database copy.db       of a copy
  reputed status --format plugin          one line for Icinga, Nagios or Checkmk`,
		Args:              args(0, 1, "one incident by its number"),
		ValidArgsFunction: a.completeIncidents(1),
	}
	form := formatFlag(c, report.Text, report.JSON, report.Plugin)
	a.databaseFlag(c)
	c.Flags().BoolVar(&alive, "alive", false, "say only whether the daemon works")
	c.Flags().BoolVar(&watch, "watch", false, "stay, and refresh when something changes; Ctrl-C ends it")
	c.Flags().StringVar(&at, "at", "", "`TIME` in the past: 2026-11-24T22:15, 22:15, or so long ago: 3h, 2d")
	c.RunE = func(c *cobra.Command, words []string) error {
		now := time.Now()
		switch {
		case alive && (len(words) > 0 || watch || at != "" || *form != report.Text):
			return usageError(c, errors.New("--alive stands alone: leave the rest out"))
		case alive:
			return a.alive(c.Context(), now)
		case len(words) > 0 && (watch || at != ""):
			return usageError(c, errors.New("an incident is shown as it is now, once: leave --watch and --at out"))
		case watch && (at != "" || *form != report.Text):
			return usageError(c, errors.New("--watch shows the text of now: leave --at and --format out"))
		case at != "" && *form == report.Plugin:
			return usageError(c, errors.New("the plugin line is about now: leave --at out"))
		case len(words) > 0 && *form == report.Plugin:
			return usageError(c, errors.New("an incident is no plugin line: choose text or json"))
		case len(words) > 0:
			return a.showIncident(c, words, *form)
		case watch:
			return a.watchStatus(c)
		}
		var r report.Report
		if at == "" {
			var err error
			if r, err = a.status(c.Context(), now); err != nil {
				return err
			}
		} else {
			then, err := pastTime(at, now)
			if err != nil {
				return usageError(c, err)
			}
			if r, err = a.statusAt(c.Context(), then, now); err != nil {
				return err
			}
		}
		if err := r.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		return exitWith(r.Level())
	}
	return c
}

// showIncident is "incident show".
func (a *app) showIncident(c *cobra.Command, words []string, form report.Format) error {
	show := a.incidentShowCommand()
	show.SetContext(c.Context())
	if err := show.Flags().Set("format", string(form)); err != nil {
		return err
	}
	return show.RunE(show, words)
}

// exitWith ends the program with the code of a report that was printed already.
func exitWith(l report.Level) error {
	if l == report.LevelOK {
		return nil
	}
	return &exitError{code: int(l)}
}

// status is how things stand now. What cannot be read is "could not tell", in every form. The error ends the
// program: the configuration is broken, and nothing can be shown.
func (a *app) status(ctx context.Context, now time.Time) (report.Report, error) {
	return a.statusOf(ctx, now, func(v *view) (report.Input, error) { return v.input(ctx, now) })
}

// statusAt is how things stood at a time in the past.
func (a *app) statusAt(ctx context.Context, then, now time.Time) (report.Report, error) {
	return a.statusOf(ctx, then, func(v *view) (report.Input, error) { return v.inputAt(ctx, then, now) })
}

func (a *app) statusOf(ctx context.Context, at time.Time, read func(*view) (report.Input, error)) (report.Report, error) {
	v, broken, done, err := a.openView(ctx)
	var exit *exitError
	if errors.As(err, &exit) {
		return report.Report{}, err
	}
	var in report.Input
	if err == nil {
		in, err = read(v)
		done()
	}
	if err != nil {
		in = report.Input{Trouble: err.Error()}
	}
	in.Config = broken
	return report.Build(in, at), nil
}

// readView is a view of the database that the configuration names. The caller calls done.
func (a *app) readView(ctx context.Context) (v *view, done func(), err error) {
	v, broken, done, err := a.openView(ctx)
	if err == nil && broken != "" {
		fmt.Fprintf(a.stderr, "reputed: %s\n", broken)
	}
	return v, done, err
}

// openView is readView for a command that shows by itself what is wrong with the configuration.
func (a *app) openView(ctx context.Context) (v *view, broken string, done func(), err error) {
	db, cfg, broken, err := a.openStored(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	if v, err = newView(db, cfg); err != nil {
		return nil, "", nil, errors.Join(err, db.Close())
	}
	return v, broken, func() { _ = db.Close() }, nil
}

// rounds reads the last rounds, and which lists did not answer in the last complete one.
func (v *view) rounds(ctx context.Context, in *report.Input, now time.Time) error {
	db, cfg := v.db, v.cfg
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
func (v *view) round(in *report.Input, complete store.Run) {
	in.Round = report.Round{Started: complete.Started, Ended: complete.Finished, Questions: complete.Summary.Questions}
	in.Watched.Lists = len(complete.Summary.Lists)
	zone := wiring.Lookup(v.cfg.Blocklists.Zones)
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

func (v *view) mailboxes(ctx context.Context, in *report.Input, now time.Time) error {
	db, cfg := v.db, v.cfg
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
	// mostMembers is how many findings of an incident are read: the worst, of which people see a few.
	mostMembers = 200
	// suspected is for how many it is looked up who may be behind them: that goes through a week of hours.
	suspected = 3
)

func (v *view) incidents(ctx context.Context, in *report.Input, now time.Time) error {
	db := v.db
	short, err := db.Shortened(ctx, store.IncidentFilter{Limit: -1}, mostMembers)
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
			if in.Incidents[n].Suspicion, err = v.suspicion(ctx, i.Incident, now); err != nil {
				return err
			}
		}
	}
	past, err := db.Shortened(ctx, store.IncidentFilter{Over: true, Since: now.Add(-lately)}, mostMembers)
	if err != nil {
		return err
	}
	for _, i := range past {
		if !i.Resolved.IsZero() && now.Sub(i.Resolved) < lately {
			in.Resolved = append(in.Resolved, i.Incident)
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
