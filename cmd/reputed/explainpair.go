package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/view"
	"reputed/internal/wiring"
)

// explainPair proves what is known of one target on one list.
func (a *app) explainPair(c *cobra.Command, word, list string, ask bool, form report.Format) error {
	id, err := targetID(c, word)
	if err != nil {
		return err
	}
	target, err := checks.ParseID(id)
	if err != nil || target.Kind != checks.KindAddress && target.Kind != checks.KindDomain {
		return usageError(c, fmt.Errorf("%q is not one address or domain", checks.Line(word, 80)))
	}
	db, cfg, broken, err := a.openStored(c.Context())
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return err
	case err == nil:
		defer db.Close()
	}
	if broken != "" {
		fmt.Fprintf(a.stderr, "reputed: %s\n", broken)
	}
	zone, ok := findList(cfg, list)
	if !ok {
		return noList(c, cfg, list, wiring.Catalog(cfg))
	}
	e := report.Pair{Target: target, List: zone, Confirm: cfg.DNS.Confirm.Duration, Now: time.Now()}
	_, e.Asked = blocklists.Find(cfg.Blocklists.Zones, zone.ID)
	if known, err := cfg.LocalTargets(); err == nil {
		e.Target, e.Watched = known.Find(target)
	}
	if err == nil {
		err = storedPair(c.Context(), db, &e)
	}
	switch {
	case err != nil:
		e.Trouble, e.AskedWhy = err.Error(), "nothing that is stored could be read"
	case ask:
		e.AskedWhy = "--ask says so"
	case e.Status == "" && e.Named == nil:
		e.AskedWhy = "nothing is stored of this pair"
	}
	if e.AskedWhy != "" {
		if err := a.askPair(c, &e); err != nil {
			return err
		}
	}
	if err := e.Write(a.stdout, a.term(), form); err != nil {
		return err
	}
	return exitWith(e.Level())
}

// findList is a list by its id or its zone, asked or not.
func findList(cfg *config.Config, name string) (blocklists.Zone, bool) {
	return blocklists.Find(wiring.Catalog(cfg), name)
}

// storedPair reads what is stored of a pair.
func storedPair(ctx context.Context, db *store.DB, e *report.Pair) error {
	q, err := db.Question(ctx, checks.Key{Check: monitor.JobDNSBL, Target: e.Target.ID(), Source: e.List.ID})
	if err != nil {
		return err
	}
	e.Status, e.Code, e.Severity, e.Since, e.Seen, e.Unknown, e.Incidents = q.Status, q.Code, q.Severity, q.Since, q.Seen, q.Unknown, q.Incidents
	e.Turns = view.TurnsOf(q.Transitions)
	for _, t := range q.Transitions {
		e.Proofs = append(e.Proofs, report.Proof{At: t.At, Summary: t.Summary, Code: t.Code, Facts: t.Facts, Evidence: t.Evidence})
	}
	if n := q.Answer; n != nil {
		e.Named = &report.Proof{At: n.At, Summary: n.Summary, Evidence: n.Evidence}
	}
	last, ok, err := db.LastCompleteRun(ctx, monitor.JobDNSBL)
	if err != nil || !ok {
		return err
	}
	e.Round = last.Finished
	for _, l := range last.Summary.Lists {
		if l.List == e.List.ID && l.State != store.ListOK {
			e.Aside = l.Why
		}
	}
	return nil
}

// askPair asks the list now, by each path that the configuration allows, with its controls.
func (a *app) askPair(c *cobra.Command, e *report.Pair) error {
	cfg, err := a.askingConfig()
	if err != nil {
		return err
	}
	zones, err := chooseLists(c, cfg, []string{e.List.ID})
	if err != nil {
		return err
	}
	resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(zones[0].Families, func(f blocklists.Family) bool { return serves(f, e.Target) }) {
		return &exitError{exitMinor, fmt.Errorf("list %s has no entries of this kind: it serves %v", e.List.ID, zones[0].Families)}
	}
	paths := []dnsbl.Path{dnsbl.PathResolver, dnsbl.PathAuthoritative}
	if _, only := cfg.Blocklists.Forwarders[e.List.ID]; only {
		paths = paths[:1]
	} else if cfg.DNS.Mode != config.ModeAuto {
		paths = []dnsbl.Path{dnsbl.Path(cfg.DNS.Mode)}
	}
	for _, path := range paths {
		check, err := wiring.DNSBL(cfg, resolver, zones)
		if err != nil {
			return err
		}
		check.Options.Confirm, check.Options.Path = 0, path
		answer, err := askPath(c.Context(), check, e.Target, e.Now)
		if err != nil {
			return &exitError{exitUnknown, errors.New("cut short before the list had answered")}
		}
		if n := len(e.Paths); n > 0 && answer.Path == e.Paths[n-1].Path {
			e.OnePath = answer.Other // its own name servers could not be found, or do not answer us
			continue
		}
		e.Paths = append(e.Paths, answer)
	}
	return nil
}

// serves says whether a list of a family can have an entry about a target.
func serves(f blocklists.Family, t checks.Target) bool {
	switch f {
	case blocklists.IPv4:
		return t.Kind == checks.KindAddress && t.Addr.Is4()
	case blocklists.IPv6:
		return t.Kind == checks.KindAddress && t.Addr.Is6()
	}
	return t.Kind == checks.KindDomain
}

// askPath asks one list about one target.
func askPath(ctx context.Context, check dnsbl.Check, target checks.Target, now time.Time) (report.PathAnswer, error) {
	out := report.PathAnswer{Path: string(check.Options.Path), Verdict: blocklists.Unknown}
	check.Options.Each = func(_ checks.Target, _ *blocklists.Zone, v blocklists.Verdict, ev checks.Evidence) {
		out.Verdict, out.Severity, out.Why = v.Class, checks.Severity(v.Severity), v.Why
		out.Proof.At, out.Proof.Evidence = ev.At, []checks.Evidence{ev}
	}
	all := func(yield func(checks.Target) bool) { yield(target) }
	known := func(checks.Key) bool { return true } // so that a plain "no" comes with its evidence
	result, err := check.Run(ctx, now.UTC(), all, known, func(f checks.Finding) {
		if f.Target.ID() == target.ID() {
			out.Proof = report.Proof{At: f.At, Summary: f.Summary, Code: f.Code, Facts: f.Facts, Evidence: f.Evidence}
			if f.Status == checks.Problem {
				out.Severity = f.Severity
			}
		}
	})
	for _, l := range result.Lists {
		if l.Path != "" {
			out.Path = string(l.Path)
		}
		for _, p := range l.Paths {
			if string(p.Path) != out.Path {
				out.Other = p.Why
			}
		}
		for _, k := range l.Controls {
			out.Controls = append(out.Controls, report.ControlResult{Question: k.Evidence.Question, Want: controlWants(k), Answer: k.Evidence.Answer, Passed: k.Passed})
		}
		if l.Why != "" {
			out.Why = l.Why
		}
	}
	if out.Verdict == blocklists.Clean && out.Proof.Code == checks.CodeNotListed {
		out.Why = "" // proved
	}
	return out, err
}

// controlWants is what a control must be answered with.
func controlWants(k dnsbl.ControlResult) string {
	switch {
	case k.Family == "":
		return "zone exists"
	case k.Want:
		return "listed"
	}
	return "not listed"
}
