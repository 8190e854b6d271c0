package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/checks/reputation"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/expand"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

func (a *app) planCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plan [TARGET...]",
		Short: "Say what a round asks of whom, how that fits the operators' limits, and how long it takes",
		Long: `Counts what the daemon would ask: targets times lists times the schedule, against the
published limits of each operator, those beyond them first, with what would change that. It
counts with the daemon's own code and asks no list. Names and SPF records that stand for
addresses are looked up, and so are the PTR names of up to 1,024 addresses.

With targets, as check takes them, it counts these in place of the configuration's.`,
		Example: `  reputed plan
  reputed plan 192.0.2.0/24 198.51.100.0/22   what would it be to watch these?
  reputed plan --format json`,
	}
	form := formatFlag(c, report.Text, report.JSON)
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, err := a.askingConfig()
		if err != nil {
			return err
		}
		w, err := a.readTargets(words)
		if err != nil {
			return usageError(c, err)
		}
		resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
		if err != nil {
			return err
		}
		p, err := newPlanned(c.Context(), cfg, resolver, w)
		if err != nil {
			return err
		}
		if p.targets.Empty() && len(p.missed) == 0 {
			return &exitError{exitConfig, errors.New("nothing to plan for: add a table [[outbound]], or name targets")}
		}
		plan, err := p.plan(time.Now())
		if err != nil {
			return err
		}
		return plan.Write(a.stdout, a.term(), *form)
	}
	return c
}

// planned is what would be watched, and by which configuration.
type planned struct {
	cfg     *config.Config
	check   dnsbl.Check
	targets checks.Targets
	sources []report.PlanSource
	missed  []string // what is not counted, and why
}

// planReverse is for how many addresses PTR names are looked up for a plan.
const planReverse = 1024

// newPlanned finds out what is watched: what a command line names, or else the configuration.
func newPlanned(ctx context.Context, cfg *config.Config, resolver *probes.Resolver, w wanted) (p planned, err error) {
	p.cfg = cfg
	if p.check, err = wiring.DNSBL(cfg, resolver, cfg.Blocklists.Zones); err != nil {
		return p, err
	}
	sources, named := w.sources, !w.empty()
	if !named {
		sources = cfg.Sources()
	}
	known := map[config.Source][]string{}
	for i, o := range expand.Each(ctx, resolver, sources) {
		s := report.PlanSource{Source: sources[i].String(), Is: o.String()}
		if o.Err != nil {
			s.Is, s.Trouble = "", o.Err.Error()
			p.missed = append(p.missed, fmt.Sprintf("%s is not counted: %v", sources[i], o.Err))
		}
		known[sources[i]] = o.Words
		p.sources = append(p.sources, s)
	}
	if named {
		p.targets = w.targets
		for _, s := range sources {
			for _, word := range known[s] {
				if err := p.targets.Add(word, "", nil); err != nil {
					return p, err // not after expand
				}
			}
		}
	} else if p.targets, err = cfg.TargetsWith(func(s config.Source) []string { return known[s] }); err != nil {
		return p, err
	}
	return p, p.hostNames(ctx, resolver)
}

// hostNames adds the PTR names that the daemon would ask about too, if the addresses are few.
func (p *planned) hostNames(ctx context.Context, resolver *probes.Resolver) error {
	ours := p.cfg.OurDomains()
	if len(ours) == 0 || !expand.AnyOfNames(p.cfg.Blocklists.Zones) {
		return nil
	}
	n := 0
	for range expand.Reversible(p.cfg, p.targets.All()) {
		n++
	}
	if n > planReverse {
		p.missed = append(p.missed, fmt.Sprintf("PTR names of %d addresses are not looked up here; the daemon asks about at most %d of them", n, expand.MaxHostNames))
		return nil
	}
	var hosts expand.HostNames
	if err := hosts.Find(ctx, resolver, expand.Reversible(p.cfg, p.targets.All()), ours, time.Now()); err != nil {
		return err
	}
	names, _ := hosts.Names(expand.Reversible(p.cfg, p.targets.All()))
	for _, h := range names {
		t, err := checks.Domain(h.Name)
		if _, there := p.targets.Find(t); err != nil || there {
			continue
		}
		if err := p.targets.Add(h.Name, h.Of.Pool, h.Of.Tags); err != nil {
			return err // not after find
		}
	}
	return nil
}

// answerTime is what an answer is taken to need where no limit says how long a round lasts.
const answerTime = 50 * time.Millisecond

// plan counts a round, by the code that asks.
func (p planned) plan(now time.Time) (report.Plan, error) {
	cfg, times := p.cfg, p.cfg.Schedule.DNSBLTimes
	paced := cfg.Blocklists.Paced(cfg.Blocklists.Zones)
	targets := p.targets.All()
	whole := p.check
	whole.Options.Turns = nil
	inTurns := p.check
	inTurns.Options.Turns = daemon.Turns(paced, targets, daemon.Span(times, now), store.Summary{})
	wants, asks := whole.Loads(targets), inTurns.Loads(targets)

	out := report.Plan{Schedule: cfg.Schedule.DNSBL, Sources: p.sources, NotCounted: p.missed, WithoutKey: cfg.Blocklists.WithoutKey, Now: now, Resolver: p.check.ResolverQuestions()}
	out.Pools = p.pools()
	rates := wiring.Limits(paced)
	by := map[string]*report.PlanOperator{}
	of := func(operator string) *report.PlanOperator {
		o := by[operator]
		if o == nil {
			o = &report.PlanOperator{Operator: operator, Rate: rates[operator]}
			by[operator] = o
		}
		return o
	}
	for i, z := range paced {
		o := of(z.Operator)
		if z.PerDay > 0 && (o.PerDay == 0 || z.PerDay < o.PerDay) {
			o.PerDay = z.PerDay
		}
		l := report.PlanList{ID: z.ID, Served: wants[i].Served, Targets: asks[i].Targets, Questions: asks[i].Questions + asks[i].Controls, Path: string(cmp.Or(asks[i].Path, dnsbl.Path(cfg.DNS.Mode)))}
		if asks[i].Path == dnsbl.PathFile { // nobody is asked anything
			l.Questions, wants[i].Questions, wants[i].Controls = 0, 0, 0
		}
		o.Lists = append(o.Lists, l)
		o.Wants += wants[i].Questions + wants[i].Controls
		o.Asks += l.Questions
		o.Limits, o.Terms = cmp.Or(o.Limits, z.Limits), cmp.Or(o.Terms, z.Terms)
	}
	var loads []probes.Load
	for _, o := range by {
		load := probes.Load{Questions: o.Asks, PerSecond: o.Rate}
		o.Takes = load.Takes(answerTime)
		if loads = append(loads, load); o.Rate > 0 && o.Takes > out.SlowestTakes {
			out.Slowest, out.SlowestTakes = o.Operator, o.Takes
		}
	}
	out.Takes = probes.Takes(loads, cfg.DNS.Concurrency, answerTime)
	out.Rounds = config.RoundsADay(times, out.Takes)
	out.Span = daemon.Span(times, now)
	for _, o := range by {
		o.AsksDay, o.WantsDay = float64(o.Asks)*out.Rounds, float64(o.Wants)*out.Rounds
		for _, l := range o.Lists {
			if l.Targets > 0 && l.Targets < l.Served {
				rounds := (l.Served + l.Targets - 1) / l.Targets
				o.Whole = max(o.Whole, time.Duration(float64(rounds)/max(out.Rounds, 1)*float64(24*time.Hour)))
			}
		}
	}
	p.scores(now, targets, of)
	for _, o := range by {
		if o.Beyond() {
			o.Do = p.advice(paced, *o, now)
		}
		out.Operators = append(out.Operators, *o)
	}
	return out, nil
}

// scores adds what scores are asked, which count against the limits of the same operators.
func (p planned) scores(now time.Time, targets func(func(checks.Target) bool), of func(string) *report.PlanOperator) {
	c := p.cfg.Reputation
	rounds := config.RoundsADay(c.Times, 0)
	scores := reputation.Scores{Scores: c.Scores, Span: daemon.Span(c.Times, now)}
	for i, l := range scores.Loads(now, targets) {
		o := of(l.Operator)
		o.Scores = append(o.Scores, l.ID)
		o.AsksDay += float64(l.Questions+l.Controls) * rounds
		o.WantsDay += float64(l.Served+l.Controls) * rounds
		if per := c.Scores[i].PerDay; per > 0 && (o.PerDay == 0 || per < o.PerDay) {
			o.PerDay = per
		}
	}
}

// pools are how many targets each has.
func (p planned) pools() []report.PlanPool {
	by := map[string]*report.PlanPool{}
	var names []string
	for t := range p.targets.All() {
		pool := by[t.Pool]
		if pool == nil {
			pool = &report.PlanPool{Pool: t.Pool}
			by[t.Pool] = pool
			names = append(names, t.Pool)
		}
		switch {
		case t.Kind == checks.KindDomain:
			pool.Domains++
		case t.Addr.Is4():
			pool.IPv4++
		default:
			pool.IPv6++
		}
	}
	var all []report.PlanPool
	for _, name := range names {
		all = append(all, *by[name])
	}
	return all
}

// advice is what would bring the questions to an operator within its limits, the least trouble first.
func (p planned) advice(paced []blocklists.Zone, o report.PlanOperator, now time.Time) (do []string) {
	var ids []string
	for _, l := range o.Lists {
		ids = append(ids, l.ID)
	}
	for _, every := range []time.Duration{time.Hour, daemon.RoundTimeout} {
		if every <= daemon.Span(p.cfg.Schedule.DNSBLTimes, now) || len(ids) == 0 {
			continue
		}
		all := daemon.Turns(paced, p.targets.All(), every, store.Summary{})
		fits := !slices.ContainsFunc(ids, func(id string) bool { _, limited := all[id]; return limited })
		if o.PerDay > 0 && float64(o.Wants)*float64(24*time.Hour/every) > float64(o.PerDay) {
			fits = false
		}
		if fits {
			do = append(do, fmt.Sprintf("ask less often: [schedule] dnsbl = \"@every %dh\" fits", int(every.Hours())))
			break
		}
	}
	do = append(do, p.keys(paced, ids)...)
	if len(ids) > 0 {
		do = append(do, "keep a copy of the list, if its operator gives you one: [blocklists.files], or [blocklists.forwarders] with [blocklists] mirrors; no limit holds there",
			fmt.Sprintf("watch fewer addresses, or [blocklists] disable = [%s]", quotedIDs(ids)))
	}
	if len(o.Scores) > 0 {
		do = append(do, fmt.Sprintf("ask scores less often ([reputation] schedule), or [reputation] disable = [%s]", quotedIDs(o.Scores)))
	}
	return do
}

// keys says which keys would lift a limit of the lists: the list's own, or that of the same data for
// those who have one.
func (p planned) keys(paced []blocklists.Zone, ids []string) (do []string) {
	type swap struct {
		page    string
		free    int // questions a day, where that is published
		in, out []string
	}
	by := map[string]*swap{}
	var names []string
	for _, z := range p.cfg.Blocklists.Catalog.Zones {
		if z.KeyName == "" || z.Confidence == "low" {
			continue
		}
		for _, asked := range paced {
			if !slices.Contains(ids, asked.ID) || asked.Key.Set() || z.ID != asked.ID && !slices.Contains(z.Also, asked.Zone) && !slices.Contains(asked.Also, z.Zone) {
				continue
			}
			s := by[z.KeyName]
			if s == nil {
				s = &swap{page: z.Website}
				by[z.KeyName] = s
				names = append(names, z.KeyName)
			}
			s.free = max(s.free, z.PerDay)
			if z.ID != asked.ID {
				s.in, s.out = append(s.in, z.ID), append(s.out, asked.ID)
			}
		}
	}
	for _, name := range names {
		s := by[name]
		text := fmt.Sprintf("get a key (%s) for [blocklists.keys] %s", checks.Line(s.page, 100), name)
		if len(s.in) > 0 {
			text += fmt.Sprintf(", and [blocklists] enable = [%s], disable = [%s]", quotedIDs(s.in), quotedIDs(s.out))
		}
		if s.free > 0 {
			text += fmt.Sprintf("; beyond %d questions a day it has to be a paid one", s.free)
		}
		do = append(do, text)
	}
	return do
}

func quotedIDs(ids []string) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf("%q", id))
	}
	return strings.Join(all, ", ")
}
