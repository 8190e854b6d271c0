package dnsbl

import (
	"context"
	"iter"

	"golang.org/x/net/publicsuffix"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// A question about a target carries its number, the list's, and which of a
// domain's two names it asks for.
const (
	listBits    = 16
	listShift   = 1
	targetShift = listShift + listBits
)

// pending is a target of which questions are in flight. There are never more of
// them than the asker has questions in flight, and one.
type pending struct {
	target  checks.Target
	id      string
	family  blocklists.Family
	names   []string        // of a domain: itself, and the organisation's domain above it
	waiting int             // answers to come; one more while its questions are being counted off
	halves  map[int]outcome // of a domain with two names: the first outcome for each list
}

// askTargets asks every list about every target. The error is the context's.
func (r *run) askTargets(ctx context.Context, targets iter.Seq[checks.Target]) error {
	inFlight := map[uint64]*pending{}
	questions := func(yield func(probes.Question) bool) {
		var number uint64
		for t := range targets {
			p := newPending(t)
			if p == nil {
				continue
			}
			number++
			inFlight[number] = p
			if !r.questionsOf(p, number, yield) {
				return
			}
			if p.waiting--; p.waiting == 0 {
				delete(inFlight, number)
			}
		}
	}
	return r.ask(ctx, questions, func(q probes.Question, a probes.Answer, err error) {
		number, l := q.Ref>>targetShift, r.lists[q.Ref>>listShift&(1<<listBits-1)]
		p := inFlight[number]
		if p == nil {
			return // answered twice, against the asker's promise
		}
		if p.waiting--; p.waiting == 0 {
			delete(inFlight, number)
		}
		if cutShort(ctx, err) {
			return
		}
		o := r.outcome(l, p.family, q, a, err)
		if len(p.names) > 1 {
			i := int(q.Ref >> listShift & (1<<listBits - 1))
			first, second := p.halves[i]
			if !second {
				if p.halves == nil {
					p.halves = map[int]outcome{}
				}
				p.halves[i] = o
				return
			}
			delete(p.halves, i)
			o = graver(first, o)
		}
		r.settle(p.target, p.id, l, o)
	})
}

// questionsOf counts off the questions about one target, one list after the
// other, so that no list is asked twice in a row. It is false when the asker wants no more.
func (r *run) questionsOf(p *pending, number uint64, yield func(probes.Question) bool) bool {
	for i, l := range r.lists {
		if !l.zone.Serves(p.family) {
			continue
		}
		if l.standing(p.family).state != Working {
			r.settle(p.target, p.id, l, r.notAsked(l, p.family, l.queryName(p, 0)))
			continue
		}
		l.result.Asked++
		ref := number<<targetShift | uint64(i)<<listShift
		p.waiting += max(1, len(p.names)) // before the first may be answered
		for j := range max(1, len(p.names)) {
			q := probes.Question{Name: l.queryName(p, j), Type: probes.TypeA, Group: l.zone.Operator, Ref: ref | uint64(j)}
			if !yield(q) {
				return false
			}
		}
	}
	return true
}

func newPending(t checks.Target) *pending {
	p := &pending{target: t, family: familyOf(t), waiting: 1}
	switch p.family {
	case "":
		return nil
	case blocklists.Name:
		p.names = domainNames(t.Name)
	}
	p.id = t.ID()
	return p
}

// domainNames are the names to ask a domain list for: the domain itself and, since
// most lists hold registered domains only, the one that the organisation registered.
func domainNames(name string) []string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil && org != name {
		return []string{name, org}
	}
	return []string{name}
}

func (l *list) queryName(p *pending, i int) string {
	if p.family == blocklists.Name {
		return l.zone.QueryDomain(p.names[i])
	}
	return l.zone.QueryName(p.target.Addr)
}

// settle takes the outcome of one pair. An entry waits for its confirmation and
// reason; everything else is done with.
func (r *run) settle(t checks.Target, id string, l *list, o outcome) {
	key := checks.Key{Check: checkName, Target: id, Source: l.zone.ID}
	known := r.known(key)
	if class := o.verdict.Class; isEntry(class) {
		// What is informational opens nothing, so it needs no second answer.
		fresh := r.Options.Confirm > 0 && !known && class != blocklists.Informational
		r.hits = append(r.hits, hit{target: t, key: key, list: l, first: o, fresh: fresh})
		return
	}
	r.tally(l, o)
	if !known && r.Options.Each == nil {
		return
	}
	ev := r.evidenceOf(o)
	if r.Options.Each != nil {
		r.Options.Each(t, l.zone, o.verdict, ev)
	}
	if known {
		r.emit(r.answered(t, key, l, o, ev))
	}
}

// tally counts one pair that is done with.
func (r *run) tally(l *list, o outcome) {
	c := &l.result.Counts
	switch o.verdict.Class {
	case blocklists.Listed:
		c.Listed++
		l.result.Worst = checks.Worse(l.result.Worst, severityOf(o.verdict))
	case blocklists.Policy:
		c.Policy++
	case blocklists.Informational:
		c.Informational++
	case blocklists.Good:
		c.Good++
	case blocklists.Clean:
		if o.proved {
			c.Clean++
		} else {
			c.Unproved++
		}
	case blocklists.Refused:
		c.Refused++
	case blocklists.Unusable:
		c.Unusable++
	default:
		c.Unknown++
	}
	switch o.verdict.Class {
	case blocklists.Refused, blocklists.Unusable, blocklists.Unknown:
	default:
		l.result.Answered++
	}
	if r.done++; r.Options.Progress != nil {
		r.Options.Progress(r.done, r.total)
	}
}
