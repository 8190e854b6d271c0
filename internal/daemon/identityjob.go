package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/identity"
	"reputed/internal/expand"
	"reputed/internal/monitor"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

const (
	// identityTimeout ends a run that a resolver holds up; the next slot begins anew.
	identityTimeout = 30 * time.Minute
	// identityGap keeps a flood of refusals that name a PTR name or SPF from asking at each of them.
	identityGap = 15 * time.Minute
)

// identityJob looks at what is published: on schedule, and at each start and reload, because what is
// configured may have changed. False: it is turned off, or there is nothing to look at.
func (d *Daemon) identityJob() (monitor.Job, bool) {
	return monitor.Job{Name: monitor.JobIdentity, Schedule: d.cfg.Identity.Times, First: true, Gap: identityGap, Timeout: identityTimeout, Run: d.lookAtIdentity},
		d.cfg.Identity.Enabled && len(d.cfg.Outbound)+len(d.cfg.Identity.Senders) > 0
}

// aboutIdentity says whether a refusal is about what is published of the sender: then it is looked at
// now, and not tomorrow.
func aboutIdentity(c bounce.Category) bool { return c == bounce.RDNS || c == bounce.AuthFailure }

// seen is what one run found that is worth keeping: what is bad, and what became of what was.
type seen struct {
	known    map[checks.Key]struct{}
	findings map[checks.Key]checks.Finding
	looked   map[checks.Key]bool // all keys there was an item for
}

func (s *seen) add(i identity.Item, now time.Time) {
	f, ok := i.Finding(now)
	if !ok {
		return
	}
	s.looked[f.Key] = true
	_, known := s.known[f.Key]
	if f.Status != checks.Problem && !known {
		return
	}
	if before, twice := s.findings[f.Key]; twice && before.Status == checks.Problem && before.Severity.Rank() >= f.Severity.Rank() {
		return // two domains with one return path ask the same of an address
	}
	s.findings[f.Key] = f
}

// lookAtIdentity looks at everything that is published once.
func (d *Daemon) lookAtIdentity(ctx context.Context, _ time.Time) error {
	return d.asRun(ctx, monitor.JobIdentity, func(ctx context.Context, now time.Time, first bool) (store.Summary, error) {
		plan, left := expand.ForIdentity(d.cfg, d.watch.Load().targets, false, nil)
		known, err := d.db.Known(ctx, identity.CheckName)
		if err != nil {
			return store.Summary{}, err
		}
		s := seen{known: known, findings: map[checks.Key]checks.Finding{}, looked: map[checks.Key]bool{}}
		var published []identity.Published
		check := wiring.Identity(d.cfg, d.asker, d.cfg.Identity.MTASTSPolicy)
		run, err := check.Run(ctx, now, plan.Addresses, plan.Domains, func(i identity.Item) { s.add(i, now) }, func(p identity.Published) { published = append(published, p) })
		summary := store.Summary{Targets: len(plan.Addresses) + len(plan.Domains), Questions: run.Questions}
		if left > 0 {
			d.log.LogAttrs(ctx, slog.LevelWarn, "more addresses than are looked at", slog.Int("left", left))
		}
		if err != nil {
			return summary, err
		}
		if err := d.confirmIdentity(ctx, check, plan, &s); err != nil {
			return summary, err
		}
		s.leave(plan, check.Disable, now)
		if err := d.sayDrift(ctx, now, published); err != nil {
			return summary, err
		}
		d.log.LogAttrs(ctx, slog.LevelInfo, "identity looked at", slog.Int("targets", summary.Targets), slog.Int("questions", run.Questions),
			slog.Int("unanswered", run.Unknown), slog.Int("findings", len(s.findings)))
		if len(s.findings) == 0 {
			return summary, nil
		}
		var all []checks.Finding
		for _, f := range s.findings {
			all = append(all, f)
		}
		slices.SortFunc(all, func(a, b checks.Finding) int { return a.Key.Compare(b.Key) })
		return summary, d.commit(ctx, store.Batch{}, all, first)
	})
}

// sayDrift stores what is published, and writes into the log what has changed.
func (d *Daemon) sayDrift(ctx context.Context, now time.Time, published []identity.Published) error {
	if err := d.db.SavePublished(ctx, now, published, true); err != nil {
		return err
	}
	changes, err := d.db.Drift(ctx, store.DriftFilter{Since: now, Until: now})
	for _, c := range changes {
		d.log.LogAttrs(ctx, slog.LevelInfo, "published otherwise than before", slog.String("target", c.Target.ID()), slog.String("what", c.What),
			slog.String("before", checks.Line(c.Before, 300)), slog.String("now", checks.Line(c.Now, 300)))
	}
	return err
}

// confirmIdentity asks again, after the wait that listings have too, about what was not known to be bad: a
// zone that is being loaded has no names for a moment, and nobody is woken for that. What is not bad a second
// time is told in the next run, if it is bad then.
func (d *Daemon) confirmIdentity(ctx context.Context, check *identity.Check, plan expand.Identity, s *seen) error {
	fresh := map[checks.Key]bool{}
	targets, paths := map[string]bool{}, map[string]bool{}
	for key, f := range s.findings {
		if _, known := s.known[key]; known || f.Status != checks.Problem || f.Severity.Rank() <= checks.Informational.Rank() {
			continue
		}
		fresh[key] = true
		targets[key.Target] = true
		if domain, ok := strings.CutPrefix(key.Source, string(identity.RuleAuthorised)+":"); ok {
			paths[domain] = true
		}
	}
	if len(fresh) == 0 || d.cfg.DNS.Confirm.Duration <= 0 {
		return nil
	}
	monitor.Sleep(ctx, d.cfg.DNS.Confirm.Duration)
	var again expand.Identity
	for _, a := range plan.Addresses {
		if targets[a.Target.ID()] {
			again.Addresses = append(again.Addresses, a)
		}
	}
	for _, domain := range plan.Domains {
		if targets[domain.Target.ID()] || paths[domain.MailFrom()] {
			again.Domains = append(again.Domains, domain)
		}
	}
	bad := map[checks.Key]bool{}
	_, err := check.Run(ctx, time.Now(), again.Addresses, again.Domains, func(i identity.Item) {
		if f, ok := i.Finding(time.Now()); ok && f.Status == checks.Problem {
			bad[f.Key] = true
		}
	}, func(identity.Published) {})
	if err != nil {
		return err
	}
	for key := range fresh {
		if !bad[key] {
			d.log.LogAttrs(ctx, slog.LevelInfo, "not confirmed", slog.String("target", key.Target), slog.String("rule", key.Source), slog.String("summary", s.findings[key].Summary))
			delete(s.findings, key)
		}
	}
	return nil
}

// leave tells of what is known and was not looked at: nobody will again. Of a target that is gone nothing is
// known from now on, and its incident is a person's to resolve, as with listings. What a person took out of the
// configuration of a target that is there (a selector, a rule, a domain that an address sends as) is over.
func (s *seen) leave(plan expand.Identity, disabled []identity.Rule, now time.Time) {
	there := map[string]bool{}
	for _, a := range plan.Addresses {
		there[a.Target.ID()] = true
	}
	selectors, paths := map[string][]string{}, map[string]bool{}
	for _, d := range plan.Domains {
		there[d.Target.ID()] = true
		selectors[d.Target.ID()] = d.Selectors
		for _, a := range d.Addresses {
			paths[a.Target.ID()+" "+d.MailFrom()] = true
		}
	}
	for key := range s.known {
		t, err := checks.ParseID(key.Target)
		if err != nil || s.looked[key] {
			continue
		}
		rule, part, _ := strings.Cut(key.Source, ":")
		f := checks.Finding{Key: key, Target: t, Code: checks.CodeIdentityUnknown, Status: checks.Unknown, At: now.UTC(),
			Summary: fmt.Sprintf("%s of %s was not looked at", identity.Rule(rule).Title(), t)}
		chosen := selectors[key.Target]
		switch {
		case !there[key.Target]:
			f.Summary = fmt.Sprintf("%s is not looked at any more: the configuration does not lead to it", t)
		case slices.Contains(disabled, identity.Rule(rule)),
			identity.Rule(rule) == identity.RuleDKIM && part != "" && len(chosen) > 0 && !slices.Contains(chosen, part),
			identity.Rule(rule) == identity.RuleAuthorised && !paths[key.Target+" "+part]:
			f.Status, f.Code = checks.OK, checks.CodeIdentityWell
			f.Summary = fmt.Sprintf("%s of %s is not looked at any more: it was taken out of the configuration", identity.Rule(rule).Title(), t)
		}
		s.findings[key] = f
	}
}
