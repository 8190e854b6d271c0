package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/wiring"
	"reputed/probes"
)

// lookAtResolvers asks each resolver for names that cannot exist.
func (p *patient) lookAtResolvers(ctx context.Context) []report.Symptom {
	servers := p.resolver.Servers()
	found := make([]report.Symptom, len(servers))
	looks := make([]look, len(servers))
	for i, server := range servers {
		looks[i] = look{"resolver", func(ctx context.Context) []report.Symptom {
			return []report.Symptom{p.lookAtResolver(ctx, server, len(servers) > 1)}
		}}
	}
	limit := doctorLimit
	if at, ok := ctx.Deadline(); ok {
		limit = max(time.Until(at), 0)
	}
	for i, s := range lookAtAll(ctx, looks, limit) {
		found[i] = s[0]
	}
	return found
}

// lookAtResolver asks one. Another is there if it fails, or not.
func (p *patient) lookAtResolver(ctx context.Context, server string, another bool) report.Symptom {
	one, err := probes.NewResolver(probes.ResolverOptions{Servers: []string{server}, Timeout: p.cfg.DNS.Timeout.Duration, Tries: p.cfg.DNS.Tries})
	if err != nil {
		return report.Symptom{Is: report.Broken, Says: err.Error(), Do: "mend [dns] servers"}
	}
	random := strings.ToLower(rand.Text())
	names := []string{random + ".invalid."} // RFC 6761 section 6.4: it does not exist
	if p.cfg.DNS.Probe != "" {
		names = append(names, random+"."+strings.TrimSuffix(p.cfg.DNS.Probe, ".")+".")
	}
	var took time.Duration
	var failed error
	invented := ""
	asked := one.Ask(ctx, func(yield func(probes.Question) bool) {
		for _, name := range names {
			if !yield(probes.Question{Name: name, Type: probes.TypeA}) {
				return
			}
		}
	}, func(q probes.Question, a probes.Answer, err error) {
		switch {
		case err != nil:
			failed = err
		case len(a.Addrs()) > 0:
			invented = a.String()
		default:
			took = max(took, a.RTT)
		}
	})
	if failed == nil {
		failed = asked
	}
	is := report.Broken
	if another {
		is = report.Doubtful
	}
	switch {
	case invented != "":
		return report.Symptom{Is: report.Broken, Says: fmt.Sprintf("%s answers %s for a name that does not exist: it rewrites answers, and nothing that it says of lists counts", server, invented),
			Do: "name another resolver in [dns] servers, best one of your own (unbound, BIND or knot-resolver) that asks by itself"}
	case errors.Is(failed, probes.ErrRefused):
		return report.Symptom{Is: is, Says: fmt.Sprintf("%s refuses to answer this machine", server), Do: "allow this machine there (access-control of unbound, allow-recursion of BIND), or name another in [dns] servers"}
	case errors.Is(failed, probes.ErrUnreachable):
		return report.Symptom{Is: is, Says: fmt.Sprintf("%s is not reachable", server), Do: "start it, or name another in [dns] servers"}
	case errors.Is(failed, probes.ErrServFail):
		return report.Symptom{Is: is, Says: fmt.Sprintf("%s cannot answer (SERVFAIL)", server), Do: "see its log: it reaches no name servers, or is told to forward to one that does not answer"}
	case failed != nil:
		return report.Symptom{Is: is, Says: fmt.Sprintf("%s does not answer", server), Do: "see whether it runs and port 53 is open to it, over UDP and TCP, or name another in [dns] servers"}
	}
	if !config.PublicResolver(server) {
		return sound("%s answers in %s and invents nothing", server, took.Round(time.Millisecond/10))
	}
	refused := 0
	for _, z := range p.cfg.Blocklists.Zones {
		if z.PublicResolver == "refused" || z.PublicResolver == "inconsistent" {
			refused++
		}
	}
	return report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("%s answers in %s, and is a public resolver: %d of your %d lists refuse those, now and then or always", server, took.Round(time.Millisecond/10), refused, len(p.cfg.Blocklists.Zones)),
		Do: "run a resolver of your own that asks by itself, such as unbound, and name it in [dns] servers"}
}

// lookAtLists asks the controls of all lists.
func (p *patient) lookAtLists(ctx context.Context) (all []report.Symptom) {
	zones := p.cfg.Blocklists.Zones
	if ids := p.cfg.Blocklists.WithoutKey; len(ids) > 0 {
		all = append(all, report.Symptom{Is: report.Doubtful, Says: "not asked, for want of a key: " + strings.Join(ids, ", "), Do: "put the key where [blocklists.keys] says, or disable the lists"})
	}
	if len(zones) == 0 {
		return append(all, report.Symptom{Is: report.Broken, Says: "no list is asked", Do: "set builtin = true in [blocklists], or add a [[blocklists.list]]"})
	}
	check, err := wiring.DNSBL(p.cfg, p.resolver, zones)
	if err != nil {
		return append(all, report.Symptom{Is: report.Broken, Says: err.Error(), Do: "mend [blocklists]"})
	}
	result, err := check.Test(ctx, time.Now())
	tests := listTests(zones, result)
	if err != nil {
		return append(all, unclear(fmt.Sprintf("controls of %d lists", len(zones)), err))
	}
	for _, f := range tests.Notes {
		all = append(all, report.Symptom{Is: report.Broken, Says: f.Summary, Do: "see the resolver"})
	}
	working, silent := 0, []string{}
	var failing []report.Symptom
	for _, t := range tests.Tests {
		heavy := t.Zone.Severity.Rank() >= blocklists.SeverityMajor.Rank()
		switch {
		case t.Verdict == blocklists.Clean:
			working++
		case t.Verdict == blocklists.Unknown:
			silent = append(silent, t.Zone.ID)
		default:
			s := report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("%s (%s, %s) is %s", t.Zone.Title, t.Zone.ID, t.Zone.Severity, t.Verdict), Do: t.Why}
			if heavy {
				s.Is = report.Broken
			}
			failing = append(failing, s)
		}
	}
	if n := len(zones) - working; n > 1 && 2*n > len(zones) {
		if n == len(silent) && len(tests.Notes) > 0 {
			return all // said already, and what one silent list would need is not what this needs
		}
		return append(all, p.mostFail(tests, n))
	}
	slices.SortStableFunc(failing, func(a, b report.Symptom) int { return strings.Compare(string(a.Is), string(b.Is)) })
	if working > 0 {
		all = append(all, sound("%d of %d lists answer, and truthfully", working, len(zones)))
	}
	all = append(all, failing...)
	if n := len(silent); n > 0 {
		const shown = 5
		text := strings.Join(silent[:min(n, shown)], ", ")
		if n > shown {
			text += fmt.Sprintf(" and %d more", n-shown)
		}
		all = append(all, report.Symptom{Is: report.Unclear, Says: fmt.Sprintf("%d of %d lists do not answer: %s", n, len(zones), text), Do: "try again; reputed lists test shows each question. If most are silent it is the resolver or the network"})
	}
	return all
}

// mostFail says of most lists at once that it is not they.
func (p *patient) mostFail(tests report.ListTests, n int) report.Symptom {
	kinds := map[blocklists.Class]int{}
	example := ""
	for _, t := range tests.Tests {
		if t.Verdict != blocklists.Clean {
			kinds[t.Verdict]++
			if example == "" {
				example = t.Why
			}
		}
	}
	var parts []string
	for _, c := range []blocklists.Class{blocklists.Refused, blocklists.Unusable, blocklists.Unknown} {
		if kinds[c] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", kinds[c], c))
		}
	}
	return report.Symptom{Is: report.Broken, Says: fmt.Sprintf("%d of %d lists do not work here (%s): of so many at once the resolver or the network is the cause, not the lists. The first: %s", n, len(tests.Tests), strings.Join(parts, ", "), example),
		Do: "use a resolver of your own that asks by itself, and let it reach port 53 of any server; reputed lists test shows each"}
}
