package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/identity"
	"reputed/checks/reputation"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/wiring"
	"reputed/probes"
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
		plan, left := identityPlan(cfg, ts, len(words) > 0, selectors)
		if left > 0 {
			fmt.Fprintf(a.stderr, "reputed: %d addresses are not looked at: more than %d\n", left, maxReverse)
		}
		if len(plan.addresses)+len(plan.domains) == 0 {
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

// lookedAt is what is to be looked at.
type lookedAt struct {
	addresses []identity.Address
	domains   []identity.Domain
}

// identityPlan says what is to be looked at: targets, with what the configuration knows of them. Named says that
// a person named them, and not the configuration; selectors are those of the domains then. Left is how
// many addresses are too many.
func identityPlan(cfg *config.Config, ts checks.Targets, named bool, selectors []string) (plan lookedAt, left int) {
	known, _ := cfg.LocalTargets()
	single, wide := spelledOut(cfg)
	byPool := map[string][]identity.Address{}
	wanted := map[string]bool{}
	for t := range pooled(cfg, ts) {
		if t.Kind == checks.KindDomain {
			wanted[t.Name] = true
			continue
		}
		if t.Kind != checks.KindAddress {
			continue
		}
		if len(plan.addresses) >= maxReverse {
			left++
			continue
		}
		if k, ok := known.Find(t); ok {
			t = k
		}
		x := identity.Address{Target: t, HELO: greetings(cfg, t)}
		x.Spare = !single[t.Addr] && len(x.HELO) == 0 && slices.ContainsFunc(wide, func(p netip.Prefix) bool { return p.Contains(t.Addr) })
		plan.addresses = append(plan.addresses, x)
		byPool[t.Pool] = append(byPool[t.Pool], x)
	}
	for _, s := range cfg.SendingDomains() {
		if named && !wanted[s.Domain] {
			continue
		}
		delete(wanted, s.Domain)
		d, ok := sender(s)
		if !ok {
			continue // not after validation
		}
		for _, pool := range s.Pools {
			d.Addresses = append(d.Addresses, byPool[pool]...)
		}
		if named && len(byPool) > 0 {
			d.Addresses = plan.addresses // whoever names both wants to know of both
		}
		d.Selectors = append(d.Selectors, selectors...)
		plan.domains = append(plan.domains, d)
	}
	if named {
		for t := range ts.All() {
			if t.Kind == checks.KindDomain && wanted[t.Name] {
				plan.domains = append(plan.domains, identity.Domain{Target: t, Selectors: selectors, Addresses: plan.addresses, Implied: true})
			}
		}
	}
	return plan, left
}

// sender is a domain as the check has it.
func sender(s config.Sender) (identity.Domain, bool) {
	t, err := checks.Domain(s.Domain)
	return identity.Domain{Target: t, Selectors: slices.Clone(s.Selectors), ReturnPath: s.ReturnPath, Silent: !s.Sends, Want: s.DMARC, Implied: s.Implied}, err == nil
}

// spelledOut are the addresses that stand in the configuration by themselves, and the ranges.
func spelledOut(cfg *config.Config) (single map[netip.Addr]bool, wide []netip.Prefix) {
	single = map[netip.Addr]bool{}
	for _, o := range cfg.Outbound {
		for _, word := range o.Addresses {
			if p, err := netip.ParsePrefix(word); err == nil && !p.IsSingleIP() {
				wide = append(wide, p)
			} else if addr, err := netip.ParseAddr(word); err == nil {
				single[addr] = true
			}
		}
	}
	return single, wide
}

// greetings are the names that an address greets with, as far as hosts say so. A host without an address
// is that of all addresses of its pool, if it is the only one.
func greetings(cfg *config.Config, t checks.Target) (names []string) {
	for _, o := range cfg.Outbound {
		for name, addr := range o.Hosts {
			if addr == t.String() || addr == "" && len(o.Hosts) == 1 && o.Pool == t.Pool {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// newIdentity is the check with the rules of the configuration. With policy it fetches policy files.
func newIdentity(cfg *config.Config, asker identity.Asker, policy bool) *identity.Check {
	c := &identity.Check{Asker: asker}
	for _, rule := range cfg.Identity.Disable {
		c.Disable = append(c.Disable, identity.Rule(rule))
	}
	if policy {
		c.Fetch = probes.NewWeb(probes.WebOptions{Name: "mta-sts", Most: 64 << 10}).Get // RFC 8461 section 3.3: 64 KiB
	}
	seesOwn(c, cfg, asker)
	return c
}

// identityReport looks once, and puts what it found together.
func (a *app) identityReport(ctx context.Context, cfg *config.Config, asker identity.Asker, plan lookedAt, policy bool) (report.Identity, error) {
	now := time.Now()
	m := a.remember(ctx, cfg, plan, now)
	r := report.Identity{Now: now, Days: m.days, Changes: m.changes}
	var items []identity.Item
	at := map[string]int{}
	summary, err := newIdentity(cfg, asker, policy).Run(ctx, now, plan.addresses, plan.domains, func(i identity.Item) {
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
	for _, d := range plan.domains {
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

func (a *app) remember(ctx context.Context, cfg *config.Config, plan lookedAt, now time.Time) (m memory) {
	db, err := openReader(ctx, cfg)
	if err != nil {
		return m
	}
	defer db.Close()
	var ids []string
	m.spans = map[string][]reputation.Span{}
	for _, d := range plan.domains {
		ids = append(ids, d.Target.ID())
		if spans, err := db.Readings(ctx, d.Target.ID(), now.Add(-ratingFresh)); err == nil && !d.Silent {
			m.spans[d.Target.ID()] = spans
		}
	}
	for _, x := range plan.addresses {
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
