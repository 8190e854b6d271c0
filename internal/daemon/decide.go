package daemon

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/store"
)

// commit writes what was read and found, and what follows from it: incidents and
// notices, in one transaction. Then it wakes whoever delivers them.
func (d *Daemon) commit(ctx context.Context, batch store.Batch, findings []checks.Finding, first bool) error {
	batch.Window = d.cfg.Bounces.Window.Duration
	for _, f := range findings {
		if f.Status == checks.Problem {
			batch.About = append(batch.About, f.Key.Target)
		}
	}
	now := time.Now().UTC()
	seen := d.sight(now)
	changes, err := d.db.Commit(ctx, now, batch, func(s store.Situation) store.Decision {
		return d.decide(s, findings, seen, first)
	})
	if err != nil {
		d.unable(ctx, findings, err)
		return err
	}
	told := false
	for _, c := range changes {
		if c.Kind == alerts.Quiet {
			continue
		}
		told = told || c.Tell
		d.log.LogAttrs(ctx, slog.LevelInfo, "incident "+string(c.Kind), slog.Int64("incident", c.Incident.ID),
			slog.String("severity", string(c.Incident.Severity)), slog.String("title", c.Incident.Title),
			slog.Bool("told", c.Tell), slog.String("why", c.Why))
	}
	if told {
		d.deliverer.Poke()
	}
	return nil
}

// decide is a plain function of the situation: refusals are judged, findings are
// folded into incidents, and what is to be told becomes notices. Seen is how reading mailboxes and logs stands.
func (d *Daemon) decide(s store.Situation, findings []checks.Finding, seen sight, first bool) store.Decision {
	open := map[checks.Key]bool{}
	for _, inc := range s.Open {
		for _, m := range inc.Members {
			open[m.Finding.Key] = true
		}
	}
	said := listsSaid(s, findings)
	since, began := d.watching(s)
	isOpen := func(k checks.Key) bool { return open[k] }
	opt := bounce.JudgeOptions{
		Began:    began,
		Known:    slices.Collect(maps.Keys(open)),
		Window:   d.cfg.Bounces.Window.Duration,
		Quiet:    d.cfg.Bounces.Quiet.Duration,
		Since:    onsets(s.Open),
		Answers:  func(k checks.Key) (bounce.Answer, bool) { a, ok := said[k]; return a, ok },
		Front:    frontOf(s.Fronts),
		Lists:    d.names,
		ListName: d.listName,
	}
	refusals, impacts := bounce.Judge(s.Counts, isOpen, seen.whole, s.Now, opt)
	for i := range refusals { // mails name an address, and routes its pool
		refusals[i].Target = d.placed(refusals[i].Target)
	}
	all := append(append([]checks.Finding{}, findings...), refusals...)
	all = append(all, d.unproved(s)...)
	all = append(all, d.notUnderstood(s)...)
	all = append(all, alerts.Overdue(s.Asked, s.Open, d.listName, s.Now)...)
	changes := alerts.Fold(alerts.Input{
		Open: s.Open, Recent: s.Recent, Findings: all, Impacts: withWatch(impacts, all, s.Open, since, seen),
		Policy: d.policy, FirstRun: first, Already: bounce.Already(s.Counts, isOpen, s.Now, opt), Now: s.Now,
	})
	return store.Decision{Findings: all, Changes: changes, Answers: answersOf(refusals, findings), Notify: d.notices, Notices: d.digest(s)}
}

// placed is a target with its pool and tags, if it is watched.
func (d *Daemon) placed(t checks.Target) checks.Target {
	if watched, ok := d.watch.Load().targets.Find(t); ok {
		return watched
	}
	return t
}

// listName is a list's name for people.
func (d *Daemon) listName(id string) string {
	if z, ok := d.zone(id); ok {
		return z.Title
	}
	return id
}

// withWatch says of every target with a problem since when a refusal of its mail
// would have been seen, or that this is not known at present.
func withWatch(impacts []checks.Impact, findings []checks.Finding, open []alerts.Incident, since time.Time, seen sight) []checks.Impact {
	unread := since.IsZero() || !seen.near
	if !seen.any {
		return impacts
	}
	at := map[string]bool{}
	for i := range impacts {
		impacts[i].Watched, impacts[i].Unread = since, unread
		at[impacts[i].Target] = true
	}
	add := func(t checks.Target) {
		if mails := t.Kind == checks.KindAddress || t.Kind == checks.KindDomain; mails && !at[t.ID()] {
			at[t.ID()] = true
			impacts = append(impacts, checks.Impact{Target: t.ID(), Watched: since, Unread: unread})
		}
	}
	for _, f := range findings {
		if f.Status == checks.Problem {
			add(f.Target)
		}
	}
	for _, inc := range open {
		for _, m := range inc.Members {
			add(m.Finding.Target)
		}
	}
	return impacts
}

// notices makes one notice a channel of a change that is to be told.
func (d *Daemon) notices(c alerts.Change) []store.Notice {
	return store.NoticesOf(c, d.book.ForAll(c.Findings(), d.zone), slices.Collect(maps.Keys(d.deliverer.Channels)))
}
