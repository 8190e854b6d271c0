package view

import (
	"context"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

// Period is the report about a time, of one pool or of all (empty), with what is quiet now in the words of a
// terminal.
func (v *View) Period(ctx context.Context, pool string, since, until, now time.Time, t report.Term) (report.Period, error) {
	in := report.PeriodInput{Since: since, Until: until, Pool: pool, Name: v.listName}
	if times := v.Config.Schedule.DNSBLTimes; !times.IsZero() {
		in.Span = staleAfter(times.Next, since)
	}
	wanted := func(string) bool { return true }
	if pool != "" {
		known, err := v.targets(ctx)
		if err != nil {
			return report.Period{}, err
		}
		of := member(known.all, pool)
		wanted = func(target string) bool {
			return of(target, func() string { // what is not known any more, incidents have
				if slices.ContainsFunc(in.Incidents, func(i alerts.Incident) bool {
					return slices.ContainsFunc(i.Members, func(m alerts.Member) bool { return m.Finding.Key.Target == target })
				}) {
					return pool
				}
				return ""
			})
		}
	}
	for _, read := range []func(context.Context, *report.PeriodInput, func(string) bool) error{v.periodIncidents, v.periodSpells, v.periodMail, v.periodDeeds, v.periodRounds} {
		if err := read(ctx, &in, wanted); err != nil {
			return report.Period{}, err
		}
	}
	for _, n := range v.Status(ctx, now).QuietNotes(t) {
		if pool == "" || holds(in.Incidents, n.Incident) {
			in.Quiet = append(in.Quiet, n)
		}
	}
	return report.BuildPeriod(in), nil
}

func holds(all []alerts.Incident, id int64) bool {
	return slices.ContainsFunc(all, func(i alerts.Incident) bool { return i.ID == id })
}

func (v *View) periodSpells(ctx context.Context, in *report.PeriodInput, wanted func(string) bool) error {
	begun, ended, open, err := v.db.Spells(ctx, in.Since, in.Until)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		from []store.Spell
		to   *[]report.Spell
	}{{begun, &in.Begun}, {ended, &in.Ended}, {open, &in.Standing}} {
		for _, s := range x.from {
			if t, err := checks.ParseID(s.Key.Target); err != nil || !wanted(s.Key.Target) && t.Kind != checks.KindMonitor {
				continue
			}
			*x.to = append(*x.to, report.Spell{Key: s.Key, Code: s.Code, Severity: s.Severity, Began: s.Began, Ended: s.Ended,
				Relapse: !s.Before.IsZero() && s.Began.Sub(s.Before) <= alerts.RelapseWindow})
		}
	}
	return nil
}

func (v *View) periodIncidents(ctx context.Context, in *report.PeriodInput, _ func(string) bool) error {
	filters := []store.IncidentFilter{{Limit: -1}, {Over: true, Since: in.Since, Limit: -1}}
	for _, f := range filters {
		if in.Pool == "" {
			all, err := v.db.Shortened(ctx, f, 1) // what kind of incident it is, one member says
			if err != nil {
				return err
			}
			for _, i := range all {
				in.Incidents = append(in.Incidents, i.Incident)
			}
			continue
		}
		known, err := v.targets(ctx)
		if err != nil {
			return err
		}
		all, err := v.db.PartOf(ctx, f, member(known.all, in.Pool))
		if err != nil {
			return err
		}
		in.Incidents = append(in.Incidents, all...)
	}
	return nil
}

func (v *View) periodMail(ctx context.Context, in *report.PeriodInput, wanted func(string) bool) error {
	for _, x := range []struct {
		from, until time.Time
		to          *report.PeriodMail
	}{{in.Since, in.Until, &in.Mail}, {in.Since.Add(in.Since.Sub(in.Until)), in.Since, &in.Before}} {
		m, err := v.db.MailIn(ctx, x.from, x.until, wanted)
		if err != nil {
			return err
		}
		*x.to = report.PeriodMail{Looked: v.readsMail(), Counted: m.Counted, Apart: m.Apart, Refused: m.Refused, Deferred: m.Deferred, Delivered: m.Delivered}
		for _, r := range m.Refusers {
			x.to.Refusers = append(x.to.Refusers, report.PeriodRefuser(r))
		}
	}
	return nil
}

func (v *View) periodDeeds(ctx context.Context, in *report.PeriodInput, _ func(string) bool) error {
	all, err := v.db.Deeds(ctx, in.Since, in.Until)
	for _, d := range all {
		if in.Pool == "" || holds(in.Incidents, d.Incident) {
			in.Deeds = append(in.Deeds, report.PeriodDeed{At: d.At, Incident: d.Incident, Title: d.Title, What: d.Kind, Who: d.Who, Note: d.Note})
		}
	}
	return err
}

func (v *View) periodRounds(ctx context.Context, in *report.PeriodInput, _ func(string) bool) error {
	runs, first, err := v.db.Runs(ctx, monitor.JobDNSBL, in.Since, in.Until)
	if err != nil {
		return err
	}
	in.Kept = first
	for _, r := range runs {
		if r.State == store.Running {
			continue // what it will come to is not known
		}
		round := report.PeriodRound{Started: r.Started, Ended: r.Finished, Whole: r.State == store.Complete, Silent: map[string]blocklists.Class{}}
		for _, l := range r.Summary.Lists {
			if l.State != store.ListOK {
				round.Silent[l.List] = blocklists.Class(l.State)
			}
		}
		in.Rounds = append(in.Rounds, round)
	}
	return nil
}
