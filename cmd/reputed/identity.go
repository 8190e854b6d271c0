package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/identity"
	"reputed/checks/reputation"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/wiring"
)

func (a *app) identityCommand() *cobra.Command {
	var all, policy bool
	var selectors []string
	c := &cobra.Command{
		Use:   "identity [TARGET|DOMAIN...]",
		Short: "Say whether PTR, HELO, SPF, DKIM and DMARC are as receivers want them",
		Long: `Looks at what addresses and domains publish of themselves, says what is wrong, and
shows the record that mends it. It asks the DNS and nobody else, stores nothing and
needs no daemon. Without arguments it looks at the pools of the configuration; an
address or a domain alone needs no configuration.

Of addresses: PTR name, whether it leads back, whether it looks like a home
connection, the name in HELO, and whether SPF of the domains passes for them.
Of domains: SPF with its limits, DKIM keys, DMARC, alignment, MX, MTA-STS, TLS-RPT.
Then: what Google, Yahoo and Microsoft ask of senders, and whether it is met. What
cannot be seen from here is "not known", and never "met".

Exit code: 2 something major is wrong, 1 something minor, 3 could not tell, else 0.`,
		Example: `  reputed identity                              all that the configuration has
  reputed identity 192.0.2.10                   one address
  reputed identity example.org                  one domain
  reputed identity example.org 192.0.2.10       and whether it may send as the domain
  reputed identity example.org --selector s1    with the key that it signs with
  reputed identity --format json`,
		Args:              args(0, -1, "addresses, CIDR ranges or domains"),
		ValidArgsFunction: a.completeTargets(-1),
	}
	form := formatFlag(c, report.Text, report.JSON)
	c.Flags().BoolVar(&all, "all", false, "show all of each address, and not only what is wrong")
	c.Flags().BoolVar(&policy, "policy", false, "fetch the policy file of MTA-STS over HTTPS too")
	c.Flags().StringArrayVar(&selectors, "selector", nil, "DKIM `SELECTOR` of the domains named; may be repeated")
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, err := a.configOr(config.Skip)
		if err != nil {
			return err
		}
		resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
		if err != nil {
			return err
		}
		w := wanted{sources: cfg.Sources()}
		if len(words) > 0 {
			w, err = a.readTargets(words)
		} else {
			w.targets, err = cfg.LocalTargets()
		}
		if err != nil {
			return usageError(c, err)
		}
		ts, missed, err := a.expandAll(c.Context(), resolver, w)
		if err != nil {
			return err
		}
		for _, f := range missed {
			fmt.Fprintf(a.stderr, "reputed: %s\n", checks.Line(f.Summary, 0))
		}
		plan, left := expand.ForIdentity(cfg, ts, len(words) > 0, selectors)
		if left > 0 {
			fmt.Fprintf(a.stderr, "reputed: %d addresses are not looked at: more than %d\n", left, expand.MaxReverse)
		}
		if len(plan.Addresses)+len(plan.Domains) == 0 {
			return usageError(c, errors.New("nothing to look at: name an address or a domain, or write pools to the configuration"))
		}
		r, err := a.identityReport(c.Context(), cfg, resolver, plan, policy || cfg.Identity.MTASTSPolicy)
		if err != nil {
			return &exitError{exitUnknown, fmt.Errorf("cut short; nothing is known: %w", err)}
		}
		r.All = all
		if err := r.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		return exitWith(r.Level())
	}
	return c
}

// identityReport looks once, and puts what it found together.
func (a *app) identityReport(ctx context.Context, cfg *config.Config, asker identity.Asker, plan expand.Identity, policy bool) (report.Identity, error) {
	now := time.Now()
	m := a.remember(ctx, cfg, plan, now)
	r := report.Identity{Now: now, Days: m.days, Changes: m.changes}
	var items []identity.Item
	at := map[string]int{}
	summary, err := wiring.Identity(cfg, asker, policy).Run(ctx, now, plan.Addresses, plan.Domains, func(i identity.Item) {
		items = append(items, i)
		id := i.Target.ID()
		n, ok := at[id]
		if !ok {
			n = len(r.Targets)
			at[id] = n
			r.Targets = append(r.Targets, report.IdentityTarget{Target: i.Target})
		}
		r.Targets[n].Items = append(r.Targets[n].Items, identityItem(i))
	}, func(identity.Published) {})
	if err != nil {
		return r, err
	}
	r.Questions, r.Unanswered = summary.Questions, summary.Unknown
	for _, d := range plan.Domains {
		if n, ok := at[d.Target.ID()]; ok && d.Silent {
			r.Targets[n].Note = "sends no mail"
		}
	}
	providers, err := identity.Providers()
	if err != nil {
		return r, err
	}
	for _, x := range identity.Require(providers, items, m.rated) {
		r.Requirements = append(r.Requirements, report.IdentityRequirement{
			Provider: x.Provider.ID, Name: x.Provider.Name, Covers: x.Provider.Covers, Bulk: x.Provider.Bulk, Since: x.Provider.Since,
			Source: x.Provider.Source, Checked: x.Provider.Checked,
			ID: x.Requirement.ID, Who: x.Requirement.Who, Text: x.Requirement.Text, Verdict: string(x.Verdict), Why: x.Why,
		})
	}
	return r, nil
}

// memory is what the database of a daemon knows besides what the DNS says now. A checklist without it is a
// checklist, so that what cannot be read is left out.
type memory struct {
	days    int // how far back changes go; 0: there is no database
	changes []report.IdentityChange
	spans   map[string][]reputation.Span // by domain, oldest first
}

func (a *app) remember(ctx context.Context, cfg *config.Config, plan expand.Identity, now time.Time) (m memory) {
	db, err := openReader(ctx, cfg)
	if err != nil {
		return m
	}
	defer db.Close()
	var ids []string
	m.spans = map[string][]reputation.Span{}
	for _, d := range plan.Domains {
		ids = append(ids, d.Target.ID())
		if spans, err := db.Readings(ctx, d.Target.ID(), now.Add(-ratingFresh)); err == nil && !d.Silent {
			m.spans[d.Target.ID()] = spans
		}
	}
	for _, x := range plan.Addresses {
		ids = append(ids, x.Target.ID())
	}
	if changes, err := db.Drift(ctx, store.DriftFilter{Targets: ids, Since: now.AddDate(0, 0, -view.DriftDays)}); err == nil && len(ids) > 0 {
		m.changes, m.days = view.IdentityChanges(changes), view.DriftDays
	}
	return m
}

// ratingFresh is how old a rating may be that says whether a requirement is met.
const ratingFresh = 7 * 24 * time.Hour

// rated is the level of a rating of all domains together: bad if it is for one, and nothing unless it is known of all.
func (m memory) rated(id string) (level, value string) {
	for domain, spans := range m.spans {
		i := len(spans) - 1
		for ; i >= 0 && spans[i].Source != id; i-- {
		}
		switch {
		case i < 0 || spans[i].Level == reputation.None:
			if level != string(reputation.Bad) {
				level = "-"
			}
		case spans[i].Level == reputation.Bad:
			level, value = string(reputation.Bad), domain+": "+spans[i].Value
		case level == "":
			level = string(reputation.Good)
		}
	}
	return level, value
}

func identityItem(i identity.Item) report.IdentityItem {
	return report.IdentityItem{
		Rule: string(i.Rule), Title: i.Rule.Title(), Part: i.Part, State: string(i.State), Severity: i.Severity, Code: i.Code,
		Text: i.Text, Value: i.Value, Do: i.Fix.Do, Record: i.Fix.Record, More: i.More, Evidence: i.Evidence,
	}
}
