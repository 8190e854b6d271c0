package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reputed/blocklists"
	"reputed/checks/dnsbl"
	"reputed/internal/report"
	"reputed/internal/wiring"
)

func (a *app) listsTestCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "test [ID...]",
		Short: "Ask the controls of every list now: does it answer you, and truthfully?",
		Long: `Asks each list for the entry that must be there and the one that must not
(RFC 5782 section 5), through your resolver and, unless [dns] mode is "resolver",
at its own name servers; a list with a forwarder is asked there and nowhere else.
One that fails is told with the reason and with what to do.

Exit code: 3 a critical list or more than half do not work, else 0.`,
		Example: `  reputed lists test
  reputed lists test spamcop spamhaus-zen
  reputed lists test --format json       with every question and answer`,
	}
	form := formatFlag(c, report.Text, report.JSON, report.TSV, report.Plugin)
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return a.listIDs(), cobra.ShellCompDirectiveNoFileComp
	}
	c.RunE = func(c *cobra.Command, names []string) error {
		cfg, err := a.askingConfig()
		if err != nil {
			return err
		}
		zones, err := chooseLists(c, cfg, names)
		if err != nil {
			return err
		}
		resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
		if err != nil {
			return err
		}
		check, err := wiring.DNSBL(cfg, resolver, zones)
		if err != nil {
			return err
		}
		result, err := check.Test(c.Context(), time.Now())
		r := listTests(zones, result)
		r.Cut = err != nil
		if err := r.Write(a.stdout, a.term(), *form); err != nil {
			return err
		}
		if r.Cut {
			fmt.Fprintln(a.stderr, "reputed: cut short; lists that were not asked count as without an answer")
		}
		return exitWith(r.Level())
	}
	return c
}

// listTests puts the controls of a run into the words of a report.
func listTests(zones []blocklists.Zone, result dnsbl.Result) report.ListTests {
	var r report.ListTests
	zone := wiring.Lookup(zones)
	for _, l := range result.Lists {
		z, _ := zone(l.ID)
		t := report.ListTest{Zone: z, Verdict: verdictOf(l.State), Why: l.Why, Path: string(l.Path)}
		for _, p := range l.Paths {
			t.Paths = append(t.Paths, report.PathTest{Path: string(p.Path), Verdict: verdictOf(p.State), Why: p.Why, Took: slowest(p.Controls)})
		}
		for _, k := range l.Controls {
			t.Controls = append(t.Controls, report.ControlResult{Question: k.Evidence.Question, Want: controlWants(k), Answer: k.Evidence.Answer, Passed: k.Passed})
		}
		t.Took = slowest(l.Controls)
		r.Tests = append(r.Tests, t)
	}
	for _, f := range result.Notices {
		if aboutRun(f) {
			r.Notes = append(r.Notes, f)
		}
	}
	return r
}

// verdictOf is the state of a list as a verdict: one that works is clean.
func verdictOf(s dnsbl.State) blocklists.Class {
	if s == dnsbl.Working {
		return blocklists.Clean
	}
	return blocklists.Class(s)
}

// slowest is how long the slowest control took; 0 if none was answered.
func slowest(controls []dnsbl.ControlResult) time.Duration {
	var took time.Duration
	for _, k := range controls {
		took = max(took, k.RTT)
	}
	return took
}
