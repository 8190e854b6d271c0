package dnsbl

import (
	"cmp"
	"context"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
	"reputed/probes/probestest"
)

var runAt = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// list4 is a list as a user defines one: IPv4, any code, the controls of RFC 5782.
func list4(id string) blocklists.Zone {
	return blocklists.Zone{ID: id, Title: "List " + id, Operator: "Operator of " + id, Zone: id + ".example", Families: []blocklists.Family{blocklists.IPv4},
		Decode: blocklists.Any, Severity: blocklists.SeverityMajor, Controls: blocklists.RFC5782Controls(blocklists.IPv4),
		Removal: blocklists.Removal{LookupURL: "https://" + id + ".example/?ip={ip}", URL: "https://" + id + ".example/remove/{ip}"}}
}

func addr(s string) checks.Target { return checks.Address(netip.MustParseAddr(s)) }

func domain(t testing.TB, s string) checks.Target {
	t.Helper()
	d, err := checks.Domain(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func resolver(t testing.TB, d *probestest.DNS, opts probes.ResolverOptions) *probes.Resolver {
	t.Helper()
	if len(opts.Servers) == 0 {
		opts.Servers = []string{d.Addr().String()}
	}
	r, err := probes.NewResolver(opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// seen is everything that a run told.
type seen struct {
	findings []checks.Finding
	each     map[checks.Key]blocklists.Verdict
	evidence map[checks.Key]checks.Evidence
	result   Result
	err      error
}

// codes are the codes of the findings, sorted.
func (s seen) codes() []string {
	var out []string
	for _, f := range s.findings {
		out = append(out, string(f.Code))
	}
	slices.Sort(out)
	return out
}

func (s seen) about(target string) []checks.Finding {
	return slices.DeleteFunc(slices.Clone(s.findings), func(f checks.Finding) bool { return f.Key.Target != target })
}

func (s seen) list(id string) ListResult {
	for _, l := range s.result.Lists {
		if l.ID == id {
			return l
		}
	}
	return ListResult{}
}

func all(checks.Key) bool  { return true }
func none(checks.Key) bool { return false }

func runCheck(ctx context.Context, c Check, known func(checks.Key) bool, targets ...checks.Target) seen {
	return runWatched(ctx, c, known, func(checks.Finding) {}, targets...)
}

// runWatched shows each finding at the moment at which it is emitted.
func runWatched(ctx context.Context, c Check, known func(checks.Key) bool, watch func(checks.Finding), targets ...checks.Target) seen {
	s := seen{each: map[checks.Key]blocklists.Verdict{}, evidence: map[checks.Key]checks.Evidence{}}
	c.Options.Each = func(t checks.Target, z *blocklists.Zone, v blocklists.Verdict, ev checks.Evidence) {
		key := checks.Key{Check: "dnsbl", Target: t.ID(), Source: z.ID}
		if _, twice := s.each[key]; twice {
			panic("told twice: " + key.Target + " " + key.Source)
		}
		s.each[key], s.evidence[key] = v, ev
	}
	s.result, s.err = c.Run(ctx, runAt, slices.Values(targets), known, func(f checks.Finding) {
		s.findings = append(s.findings, f)
		watch(f)
	})
	slices.SortFunc(s.findings, func(a, b checks.Finding) int {
		return cmp.Or(cmp.Compare(a.Key.Target, b.Key.Target), cmp.Compare(a.Key.Source, b.Key.Source))
	})
	return s
}

// script answers by a function, holds a few questions at a time and answers
// them in any order, as a resolver does.
type script struct {
	answer func(q probes.Question, nth int) (probes.Answer, error) // nth asking of this question, from 0
	window int
	rand   *rand.Rand

	times map[string]int
	asked []probes.Question
	most  int // questions held at once
}

func (s *script) Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	if s.times == nil {
		s.times = map[string]int{}
	}
	if s.rand == nil {
		s.rand = rand.New(rand.NewPCG(1, 2))
	}
	var held []probes.Question
	one := func() {
		i := s.rand.IntN(len(held))
		q := held[i]
		held = slices.Delete(held, i, i+1)
		if ctx.Err() != nil {
			got(q, probes.Answer{}, &probes.AskError{Question: q, Err: ctx.Err()})
			return
		}
		a, err := s.answer(q, s.times[q.String()])
		s.times[q.String()]++
		if err != nil {
			err = &probes.AskError{Question: q, Server: "192.0.2.53:53", Err: err}
		} else {
			a.Server = "192.0.2.53:53"
		}
		got(q, a, err)
	}
	for q := range questions {
		if ctx.Err() != nil {
			break
		}
		if q == (probes.Question{}) {
			if len(held) == 0 {
				panic("waits for an answer, and none is to come")
			}
			one()
			continue
		}
		held = append(held, q)
		s.asked = append(s.asked, q)
		s.most = max(s.most, len(held))
		if len(held) > s.window {
			one()
		}
	}
	for len(held) > 0 {
		one()
	}
	return ctx.Err()
}

// yes and no are answers of a list.
func yes(codes ...string) probes.Answer {
	a := probes.Answer{RCode: "NOERROR"}
	for _, c := range codes {
		a.Records = append(a.Records, probes.Record{Addr: netip.MustParseAddr(c)})
	}
	return a
}

func no(zone string) probes.Answer {
	return probes.Answer{RCode: "NXDOMAIN", SOA: probes.SOA{Zone: zone, Minimum: time.Minute, Ceiling: time.Minute}}
}

// plain answers at once and keeps nothing, so that a benchmark sees the check alone.
type plain struct{}

func (plain) Ask(_ context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	positive, negative := yes("127.0.0.2"), no("bl.example.")
	for q := range questions {
		if q == (probes.Question{}) {
			panic("waits for an answer, and none is to come")
		}
		if controlOf(q.Name) == "127.0.0.2" {
			got(q, positive, nil)
		} else {
			got(q, negative, nil)
		}
	}
	return nil
}

// impatient waits long for every answer but those of one operator, of which none
// comes: so no machine is too slow for a test in which a list is silent.
type impatient struct {
	group         string
	with, patient *probes.Resolver
}

func (i impatient) Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	for q := range questions {
		if q == (probes.Question{}) {
			panic("waits for an answer, and none is to come")
		}
		r := i.patient
		if q.Group == i.group {
			r = i.with
		}
		a, err := r.AskOne(ctx, q)
		got(q, a, err)
	}
	return ctx.Err()
}
