package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/checks/bounce"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/wiring"
	"reputed/probes"
)

func (a *app) knockCommand() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "knock [RECEIVER...]",
		Short: "Knock at receivers' doors now, and show what they say",
		Long: `Connects to the mail servers of receivers from the addresses that your mail leaves
from, reads the greeting, says EHLO and QUIT, and judges the replies as bounces are
judged. No message is sent. Nobody is knocked at but the receivers under
[[acceptance.receiver]], those chosen by your traffic, and those that are known to
refuse you. It writes nothing: the daemon knocks by itself, and keeps what it finds.

A refusal is asked for a second time after half a minute.

Exit code: 2 somebody refuses, 1 somebody puts off, 3 most gave no answer, else 0.`,
		Example: `  reputed knock
  reputed knock example.net --from 192.0.2.10
  reputed knock --format json`,
		Args: args(0, -1, "receivers"),
	}
	form := formatFlag(c, report.Text, report.JSON)
	c.Flags().StringVar(&from, "from", "", "`ADDRESS` of yours to knock from, in place of the sample")
	c.RunE = func(c *cobra.Command, receivers []string) error {
		cfg, err := a.knockConfig()
		if err != nil {
			return err
		}
		if cfg.Acceptance.Helo == "" {
			return &exitError{exitConfig, errors.New("nobody is knocked at without a name to go by: set helo in [acceptance] (docs/acceptance.md)")}
		}
		k, err := a.knockNow(c.Context(), cfg, receivers, from, acceptance.Round{})
		if err != nil {
			return err
		}
		if err := k.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		return exitWith(k.Level())
	}
	return c
}

// knockConfig is the configuration, with secrets only where a proxy needs one.
func (a *app) knockConfig() (*config.Config, error) {
	cfg, err := a.loadConfig(config.Skip)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(cfg.Acceptance.From, func(f config.KnockFrom) bool { return f.Password.Given() }) {
		return a.loadConfig(config.Resolve)
	}
	return cfg, nil
}

// knockNow knocks once. What the database knows is used if there is one.
func (a *app) knockNow(ctx context.Context, cfg *config.Config, receivers []string, from string, round acceptance.Round) (k report.Knocks, err error) {
	resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
	if err != nil {
		return k, err
	}
	if round.Rules, err = wiring.Rules(cfg); err != nil {
		return k, err
	}
	local, err := cfg.LocalTargets()
	if err != nil {
		return k, err
	}
	targets := slices.Collect(local.All())
	if from != "" {
		if targets, err = only(targets, from); err != nil {
			return k, err
		}
		cfg.Acceptance.Sample = config.SampleAll
	}
	now := time.Now()
	w := daemon.NewDoors(cfg, resolver, round, nil)
	plan, err := a.planNow(ctx, cfg, w, targets, now)
	if err != nil {
		return k, err
	}
	if len(receivers) > 0 {
		if plan.Destinations, err = some(plan.Destinations, receivers); err != nil {
			return k, err
		}
	}
	round = w.Round
	round.Standing = plan.Stands
	k.Now = now
	for _, x := range round.Run(ctx, plan.Destinations, plan.Origins) {
		k.All = append(k.All, knockOf(x))
	}
	return k, ctx.Err()
}

// planNow decides whom to knock at as the daemon would, without a database by the configuration alone.
func (a *app) planNow(ctx context.Context, cfg *config.Config, w *daemon.Doors, targets []checks.Target, now time.Time) (daemon.Knocks, error) {
	db, err := openReader(ctx, cfg)
	switch {
	case errors.Is(err, store.ErrNoDatabase):
		plan := daemon.Knocks{Destinations: daemon.Destinations(cfg.Acceptance, nil, nil)}
		from, err := w.Reachable(targets)
		if err != nil {
			return plan, err
		}
		if cfg.Acceptance.Sample == config.SamplePool {
			from = acceptance.Sample(from, func(checks.Target) bool { return false }, now)
		}
		plan.Origins, err = w.OriginsOf(from)
		return plan, err
	case err != nil:
		return daemon.Knocks{}, err
	}
	defer db.Close()
	return daemon.PlanKnocks(ctx, db, w, targets, now)
}

// only is the one target that is meant by an address, which must be watched.
func only(targets []checks.Target, word string) ([]checks.Target, error) {
	addr, err := netip.ParseAddr(word)
	if err != nil {
		return nil, fmt.Errorf("--from %s: not an address", checks.Line(word, 60))
	}
	i := slices.IndexFunc(targets, func(t checks.Target) bool { return t.ID() == checks.Address(addr).ID() })
	if i < 0 {
		return nil, fmt.Errorf("--from %s: not an address that is watched: it stands in no [[outbound]]", addr)
	}
	return targets[i : i+1], nil
}

// some are the destinations that are named. Any other name is an error, and nothing is sent.
func some(all []acceptance.Destination, names []string) (chosen []acceptance.Destination, err error) {
	for _, name := range names {
		i := slices.IndexFunc(all, func(d acceptance.Destination) bool { return d.Domain == strings.ToLower(strings.TrimSuffix(name, ".")) })
		if i < 0 {
			return nil, fmt.Errorf("%s is not knocked at: it stands under no [[acceptance.receiver]], and is not among those chosen by your traffic", checks.Line(name, 80))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// knockOf puts a knock into the words of a report.
func knockOf(x acceptance.Knock) report.Knock {
	k := report.Knock{From: x.Origin.String(), Receiver: x.Receiver.Domain, Why: x.Receiver.Why, Vendor: x.Vendor, Outcome: string(x.Outcome), Reason: x.Reason, Talks: talksOf(x.Visits)}
	if x.Outcome == acceptance.Refused {
		k.Category, k.Rule, k.Lasting = string(x.Judgement.Category), x.Judgement.Rule, !x.Judgement.Temporary
	}
	return k
}

// talksOf are conversations in the words of a report.
func talksOf(visits []probes.Visit) (all []report.Talk) {
	for _, v := range visits {
		t := report.Talk{Server: v.Door.String(), From: v.From, Via: v.Via, At: v.Began, Took: v.Took, Stage: string(v.Stage), TLS: tlsOf(v.TLS)}
		if v.Err != nil {
			t.Err = v.Err.Error()
		}
		for _, said := range v.Transcript {
			text := said.Text
			if !said.Ours { // a reply may repeat an address of somebody
				text = bounce.MaskText(text)
			}
			t.Lines = append(t.Lines, report.Spoken{Ours: said.Ours, Text: text})
		}
		all = append(all, t)
	}
	return all
}

// tlsOf says what STARTTLS came to.
func tlsOf(t *probes.TLS) string {
	if t == nil {
		return ""
	}
	var parts []string
	if t.Version != "" {
		parts = append(parts, t.Version, t.Cipher)
	}
	if len(t.Chain) > 0 {
		c := t.Chain[0]
		parts = append(parts, fmt.Sprintf("certificate for %s until %s", strings.Join(c.Names, " "), c.NotAfter.Format("2006-01-02 15:04 MST")))
	}
	if t.Trust != nil {
		parts = append(parts, "not to be trusted: "+t.Trust.Error())
	}
	return strings.Join(parts, ", ")
}
