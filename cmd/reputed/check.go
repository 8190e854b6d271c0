package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/checks/remedy"
	"reputed/internal/config"
	"reputed/internal/expand"
	"reputed/internal/report"
	"reputed/internal/wiring"
	"reputed/probes"
)

func (a *app) checkCommand() *cobra.Command {
	var all, around bool
	var lists []string
	c := &cobra.Command{
		Use:   "check TARGET...",
		Short: "Ask the blocklists about addresses, ranges and domains, once",
		Long: `Asks every list that serves a target, after asking each list to prove that it
works. Needs no configuration; with one, its resolvers and lists are used.
A list that refuses to answer, is dead or does not answer is told as that, and
never as "clean". It stores nothing and tells nobody. On a terminal, listings are
shown as they come if that takes long; the report is worst first.

A target is an address, a CIDR range or a domain. These stand for several:
  host:NAME    the addresses of a host name
  spf:DOMAIN   the addresses that the SPF record of a domain authorises
  @FILE        the targets in a file, one a line, # begins a comment
  -            the same on standard input

Exit code: 2 something critical or major, 1 something minor or policy, 3 could
not tell (a critical list or more than half had no usable answer, no list was
asked about a target, a target is no public address, or it is not known what a name
or a record stands for), else 0.`,
		Example: `  reputed check 192.0.2.10
  reputed check 192.0.2.0/28 2001:db8::25 mail.example.org
  reputed check @addresses.txt                   or - for standard input
  reputed check host:mail.example.org spf:example.org
  reputed check 192.0.2.10 --neighbours          and how many of its /24 are listed where
  reputed check 192.0.2.10 --list spamcop        this list only; may be repeated
  reputed check 192.0.2.0/24 --format tsv --all  every answer, clean ones too
  reputed check 192.0.2.10 --format plugin       one line for Icinga, Nagios or Checkmk`,
		Args: args(1, -1, "addresses, CIDR ranges or domains, or - for standard input"),
	}
	form := formatFlag(c, report.Text, report.JSON, report.TSV, report.Plugin)
	c.Flags().BoolVar(&all, "all", false, "show clean answers too")
	c.Flags().BoolVar(&around, "neighbours", false, "count how many of each IPv4 /24 are listed where; 255 questions a list")
	c.Flags().StringArrayVar(&lists, "list", nil, "ask this list only, by `ID`; may be repeated")
	_ = c.RegisterFlagCompletionFunc("list", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return a.listIDs(), cobra.ShellCompDirectiveNoFileComp
	})
	c.RunE = func(c *cobra.Command, words []string) error {
		w, err := a.readTargets(words)
		if err != nil {
			return usageError(c, err)
		}
		if w.empty() {
			return usageError(c, errors.New("no targets: name addresses, CIDR ranges or domains"))
		}
		cfg, err := a.askingConfig()
		if err != nil {
			return err
		}
		zones, err := chooseLists(c, cfg, lists)
		if err != nil {
			return err
		}
		resolver, err := wiring.Resolver(cfg, a.authorityPort, nil)
		if err != nil {
			return err
		}
		ts, missed, err := a.expandAll(c.Context(), resolver, w)
		if err != nil {
			return err
		}
		if ts, err = a.withHostNames(c.Context(), cfg, resolver, zones, ts); err != nil {
			return &exitError{exitUnknown, errors.New("cut short before the first answer; nothing is known")}
		}
		run := checkRun{app: a, cfg: cfg, resolver: resolver, zones: zones, targets: ts, missed: missed, form: *form, all: all}
		if around {
			if run.around, err = newNeighbourhood(ts); err != nil {
				return usageError(c, err)
			}
		}
		return run.run(c.Context())
	}
	return c
}

// notPublic is the first address of the first million that no receiver can see mail
// come from; empty if there is none. Loopback addresses are the test entries of lists, and
// whoever names one means that.
func notPublic(ts checks.Targets) string {
	n := 0
	for t := range ts.All() {
		if n++; n > 1_000_000 {
			break
		}
		if a := t.Addr; t.Kind == checks.KindAddress && checks.Inner(a) && !a.IsLoopback() {
			return a.String()
		}
	}
	return ""
}

// chooseLists are the lists of the configuration, or those that --list names, built-in ones included.
func chooseLists(c *cobra.Command, cfg *config.Config, names []string) ([]blocklists.Zone, error) {
	if len(names) == 0 {
		if len(cfg.Blocklists.Zones) == 0 {
			return nil, &exitError{exitConfig, errors.New("no lists to ask: [blocklists] leaves none")}
		}
		return cfg.Blocklists.Zones, nil
	}
	known := wiring.Catalog(cfg)
	var zones []blocklists.Zone
	seen := map[string]bool{}
	for _, name := range names {
		z, ok := blocklists.Find(known, name)
		if !ok {
			return nil, noList(c, cfg, name, known)
		}
		if d, dead := cfg.Blocklists.Catalog.FindDead(z.Zone); dead {
			return nil, &exitError{exitMinor, fmt.Errorf("list %s is not asked: %s", z.ID, d.Warning())}
		}
		z, err := cfg.Blocklists.WithKey(z)
		if err != nil {
			return nil, &exitError{exitConfig, err}
		}
		if !seen[z.ID] {
			seen[z.ID] = true
			zones = append(zones, z)
		}
	}
	return zones, nil
}

// checkRun is one check with all that it needs.
type checkRun struct {
	*app
	cfg      *config.Config
	resolver *probes.Resolver
	zones    []blocklists.Zone
	targets  checks.Targets
	missed   []checks.Finding // about sources that could not be expanded
	around   *neighbourhood   // nil: nobody asked for the neighbours
	form     report.Format
	all      bool
}

// run asks, shows and ends with the exit code.
func (a checkRun) run(ctx context.Context) error {
	ts := a.targets
	book, err := remedy.Load()
	if err != nil {
		return err
	}
	addresses, domains := countKind(ts, checks.KindAddress), countKind(ts, checks.KindDomain)
	debug.SetGCPercent(gcPercent((addresses + domains) * len(a.zones)))
	now := time.Now()
	out := report.NewCheck(report.CheckOptions{
		Out: a.stdout, Term: a.term(), Format: a.form, All: a.all, Lists: a.zones, Started: now,
		Addresses: addresses, Domains: domains, Unasked: unserved(ts, a.zones), Inner: notPublic(ts),
	})
	a.sayMissed(a.form, a.missed)
	for _, f := range a.missed {
		out.Missed(f)
	}
	watch := a.progress(a.form, now)
	check, err := wiring.DNSBL(a.cfg, a.resolver, a.zones)
	if err != nil {
		return err
	}
	check.Options.Confirm = 0 // a person looks, and nothing is stored
	add := func(r report.Result) {
		watch.result(r)
		out.Add(r)
	}
	// An entry is told twice, one right after the other: its verdict, and the finding that the
	// runbooks are for.
	var entry report.Result
	check.Options.Each = func(t checks.Target, z *blocklists.Zone, v blocklists.Verdict, ev checks.Evidence) {
		a.around.answer(t, z, v.Class)
		r := checkResult(t, z, v, ev)
		if v.Class == blocklists.Listed || v.Class == blocklists.Policy {
			entry = r
			return
		}
		add(r)
	}
	check.Options.Progress = func(done, total int) {
		out.Planned = total
		watch.step(done, total)
	}
	if !ts.Empty() {
		var result dnsbl.Result
		result, err = check.Run(ctx, now, expand.Pooled(a.cfg, ts), nil, func(f checks.Finding) {
			switch {
			case f.Code == checks.CodeListed || f.Code == checks.CodePolicy:
				if a.form == report.Text || a.form == report.JSON { // the others have no room for it
					entry = a.advised(book, entry, f)
				}
				add(entry)
			case aboutRun(f):
				out.Note(f)
			}
		})
		for _, l := range result.Lists {
			out.Path(l.ID, string(l.Path), l.Servers...)
		}
	}
	var aroundErr error
	if err == nil && a.around != nil {
		aroundErr = a.around.ask(ctx, a.cfg, a.resolver, a.zones, ts, watch, out)
	}
	watch.line.Done()
	if aroundErr != nil {
		fmt.Fprintln(a.stderr, "reputed: cut short; not all neighbours were counted")
	}
	if a.around != nil && anyIPv6(ts) {
		fmt.Fprintln(a.stderr, "reputed: neighbours of IPv6 addresses are not counted: lists judge the whole /64, so that it is one neighbour")
	}
	level, writeErr := out.Finish(time.Now(), err != nil)
	if writeErr != nil {
		return writeErr
	}
	if err != nil {
		fmt.Fprintln(a.stderr, "reputed: cut short; what is shown is what was answered until then")
	}
	return exitWith(level)
}

// gcPercent is by how much of what is kept the heap grows before garbage is collected,
// in a check of so many questions. Of a large one little is kept and much
// passes through: a quarter as much again is enough, at hardly any cost. A small one keeps next
// to nothing, and would collect all the time; four times nothing is nothing.
func gcPercent(questions int) int {
	const small = 250_000
	if questions <= small {
		return 400
	}
	return 25
}

// anyIPv6 says whether one of the targets is an IPv6 address.
func anyIPv6(ts checks.Targets) bool {
	for t := range ts.All() {
		if t.Addr.Is6() {
			return true
		}
	}
	return false
}

// aboutRun says whether a finding is trouble with the asking as a whole: the
// resolver, the network. What is wrong with single lists is told with their counts.
func aboutRun(f checks.Finding) bool {
	return f.Target.Kind == checks.KindMonitor && f.Status == checks.Problem
}

func countKind(ts checks.Targets, kind checks.Kind) int {
	n := 0
	for t := range ts.All() {
		if t.Kind == kind {
			n++
		}
	}
	return n
}

// mostUnasked is how many targets that nobody is asked about are named.
const mostUnasked = 4

// unserved are the targets that none of the lists serves.
func unserved(ts checks.Targets, zones []blocklists.Zone) report.Unasked {
	var families []blocklists.Family
	for _, z := range zones {
		families = append(families, z.Families...)
	}
	slices.Sort(families)
	families = slices.Compact(families)
	var u report.Unasked
	for t := range ts.All() {
		if slices.ContainsFunc(families, func(f blocklists.Family) bool { return serves(f, t) }) {
			continue
		}
		switch t.Kind {
		case checks.KindAddress:
			u.Addresses++
		case checks.KindDomain:
			u.Domains++
		default:
			continue
		}
		if len(u.First) < mostUnasked {
			u.First = append(u.First, t.ID())
		}
	}
	return u
}

// checkResult puts one answer into the words of a report.
func checkResult(t checks.Target, z *blocklists.Zone, v blocklists.Verdict, ev checks.Evidence) report.Result {
	r := report.Result{Target: t, List: z.ID, Verdict: v.Class, Severity: checks.Severity(v.Severity), Codes: v.Codes, Meanings: v.Meanings, Reason: ev.Reason}
	switch v.Class {
	case blocklists.Clean:
		r.Reason = v.Why
		return r
	case blocklists.Refused, blocklists.Unusable, blocklists.Unknown:
		r.Reason = v.Why
	}
	r.Evidence = []checks.Evidence{ev}
	return r
}

// advised is an entry with its page and the first thing to do about it.
func (a checkRun) advised(book *remedy.Book, r report.Result, f checks.Finding) report.Result {
	r.URL = f.Facts[checks.FactLookupURL]
	way := book.For(f, func(id string) (blocklists.Zone, bool) { return blocklists.Find(a.zones, id) })
	if len(way.Steps) > 0 {
		r.Advice, r.Command = way.Steps[0].Text, way.Steps[0].Command
	}
	return r
}

// checkProgress counts answers for the progress line.
type checkProgress struct {
	line     *report.Progress
	live     bool            // somebody sees it
	text     bool            // and the report comes at the end
	lists    map[string]bool // asked, and whether anything usable came
	answers  int
	listings int
}

// progress is a line on standard error, if that is a terminal that the output does not run over.
func (a *app) progress(form report.Format, now time.Time) *checkProgress {
	t := report.Detect(a.stderr, os.Getenv)
	if form != report.Text && a.term().TTY {
		t = report.Term{} // rows come as they are had, onto the same screen
	}
	return &checkProgress{line: report.NewProgress(a.stderr, t, now), live: t.TTY, text: form == report.Text, lists: map[string]bool{}}
}

func (p *checkProgress) result(r report.Result) {
	if !p.live {
		return
	}
	answered := r.Verdict.Rank() > 0 && r.Verdict != blocklists.Refused && r.Verdict != blocklists.Unusable
	if answered && !p.lists[r.List] {
		p.answers++
	}
	p.lists[r.List] = p.lists[r.List] || answered
	if r.Verdict == blocklists.Listed {
		p.listings++
		if p.text {
			p.line.Listed(r)
		}
	}
}

func (p *checkProgress) step(done, total int) {
	p.line.Step(report.Step{Done: done, Total: total, Lists: len(p.lists), Answers: p.answers, Listed: p.listings}, time.Now())
}
