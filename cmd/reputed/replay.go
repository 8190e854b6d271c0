package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
)

func (a *app) replayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "replay",
		Short: "Say what a configuration would have told of the past",
		Long: `Decide anew over what was observed, with the policy of the configuration that --config
names, and say what would have been told, when, by whom, and what not and why. Nothing is
sent, and nothing is written. The database is that of the configuration, or --database.`,
		Example: `  reputed replay --config new.toml --since 30d
  reputed replay --config new.toml --database /var/lib/reputed/reputed.db --format tsv`,
		Args: args(0, 0, ""),
	}
	since, form := sinceFlag(c), formatFlag(c, report.Text, report.JSON, report.TSV)
	path := c.Flags().String("database", "", "`FILE` in place of the configuration's database")
	c.RunE = func(c *cobra.Command, _ []string) error {
		now := time.Now().UTC()
		from, err := back(c, *since, now)
		if err != nil {
			return err
		}
		cfg, err := a.optionalConfig()
		if err != nil {
			return err
		}
		if *path != "" {
			cfg.Database.Path = *path
		}
		db, err := openReader(c.Context(), cfg)
		if err != nil {
			return err
		}
		defer db.Close()
		past, err := db.Past(c.Context(), from, cfg.Bounces.Window.Duration)
		if err != nil {
			return err
		}
		if from.IsZero() {
			from = beginning(past, now)
		}
		watched, err := cfg.Targets()
		if err != nil {
			return err
		}
		r := report.PolicyReplay{From: from, To: now, Told: past.Told, Policy: wiring.Policy(cfg)}
		r.Changes = alerts.Replay(observed(past, cfg, watched), r.Policy, from, now)
		return r.Write(a.stdout, a.term(), *form)
	}
	return c
}

// beginning is when anything was first observed.
func beginning(past store.Past, now time.Time) time.Time {
	if len(past.Transitions) > 0 {
		return past.Transitions[0].At.Add(-time.Second)
	}
	return now
}

// observed puts what the store has kept into the words of decisions. Targets have the
// pools and tags of the configuration that is tried.
func observed(past store.Past, cfg *config.Config, watched checks.Targets) alerts.Past {
	finding := func(t store.Transition) checks.Finding {
		target, err := checks.ParseID(t.Key.Target)
		if err != nil {
			target = checks.Receiver(t.Key.Target)
		}
		if known, ok := watched.Find(target); ok {
			target = known
		}
		f := checks.Finding{Key: t.Key, Target: target, Code: t.Code, Status: t.Status, Severity: t.Severity, Summary: t.Summary, Facts: t.Facts, Evidence: t.Evidence, At: t.At}
		if t.Key.Check == monitor.JobDNSBL {
			f.Settle = daemon.Span(cfg.Schedule.DNSBLTimes, t.At) // the round after the next one, at the latest
		}
		return f
	}
	var out alerts.Past
	for _, t := range past.Known {
		out.Known = append(out.Known, finding(t))
	}
	for _, t := range past.Transitions {
		out.Findings = append(out.Findings, finding(t))
	}
	for _, e := range past.Actions {
		if action, ok := e.Action(); ok {
			out.Actions = append(out.Actions, alerts.PastAction{Action: action, Keys: e.Keys})
		}
	}
	costs := &pastCosts{past: past, window: cfg.Bounces.Window.Duration, at: map[string]map[receiver]*checks.ReceiverImpact{}, delivered: map[string]int{}}
	out.Impacts = costs.impacts
	return out
}

// receiver is who refused.
type receiver struct{ name, vendor string }

// pastCosts counts what left in the window before a time that only goes on.
type pastCosts struct {
	past      store.Past
	window    time.Duration
	in, out   int // refusals that have come into the window, and those that have left it
	hin, hout int // the same of hours
	at        map[string]map[receiver]*checks.ReceiverImpact
	delivered map[string]int
}

func (c *pastCosts) impacts(targets []string, now time.Time) []checks.Impact {
	since := now.Add(-c.window)
	for ; c.in < len(c.past.Refusals) && !c.past.Refusals[c.in].At.After(now); c.in++ {
		c.count(c.past.Refusals[c.in], +1)
	}
	for ; c.out < c.in && c.past.Refusals[c.out].At.Before(since); c.out++ {
		c.count(c.past.Refusals[c.out], -1)
	}
	for ; c.hin < len(c.past.Hours) && !c.past.Hours[c.hin].At.After(now); c.hin++ {
		c.delivered[c.past.Hours[c.hin].Target] += c.past.Hours[c.hin].Delivered
	}
	for ; c.hout < c.hin && c.past.Hours[c.hout].At.Before(since); c.hout++ {
		c.delivered[c.past.Hours[c.hout].Target] -= c.past.Hours[c.hout].Delivered
	}
	var out []checks.Impact
	for _, t := range targets {
		i := checks.Impact{Target: t, Since: since}
		for _, r := range c.at[t] {
			if r.Refused.N+r.Deferred.N > 0 {
				i.Receivers = append(i.Receivers, *r)
			}
		}
		if len(c.past.Hours) > 0 {
			i.Delivered = checks.Count{N: c.delivered[t], Counted: true}
		}
		if len(i.Receivers) == 0 && !i.Delivered.Counted {
			continue
		}
		slices.SortFunc(i.Receivers, func(a, b checks.ReceiverImpact) int {
			return cmp.Or(cmp.Compare(a.Receiver, b.Receiver), cmp.Compare(a.Vendor, b.Vendor))
		})
		out = append(out, i)
	}
	return out
}

func (c *pastCosts) count(r store.PastRefusal, by int) {
	if c.at[r.Target] == nil {
		c.at[r.Target] = map[receiver]*checks.ReceiverImpact{}
	}
	who := receiver{r.Receiver, r.Vendor}
	i := c.at[r.Target][who]
	if i == nil {
		i = &checks.ReceiverImpact{Receiver: r.Receiver, Vendor: r.Vendor, Refused: checks.Count{Counted: true}, Deferred: checks.Count{Counted: true}, First: r.At}
		c.at[r.Target][who] = i
	}
	if by > 0 {
		i.Last = r.At
	}
	if r.Action == bounce.Delayed {
		i.Deferred.N += by
	} else {
		i.Refused.N += by
	}
}
