package dnsbl

import (
	"context"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// hit is a pair with an entry. Hits are all that a run holds until its end.
type hit struct {
	target checks.Target
	key    checks.Key
	list   *list
	first  outcome
	// second is the outcome of asking again; nil where that was not needed or not done yet.
	second *outcome
	fresh  bool // a new listing: must be asked again before it counts
	told   bool
}

// last is the outcome that counts.
func (h *hit) last() outcome {
	if h.second != nil {
		return *h.second
	}
	return h.first
}

// confirm asks new listings again after the wait, by another server where the
// asker has one, together with the controls of their lists at that moment. The error
// is the context's.
func (r *run) confirm(ctx context.Context) error {
	var fresh []*hit
	var lists []*list
	avoid := map[*list]string{}
	for i := range r.hits {
		h := &r.hits[i]
		if !h.fresh {
			continue
		}
		fresh = append(fresh, h)
		if _, seen := avoid[h.list]; !seen {
			avoid[h.list] = h.first.a.Server
			if h.list.aside == nil {
				lists = append(lists, h.list)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := wait(ctx, r.Options.Confirm); err != nil {
		return err
	}
	examined, err := r.askControls(ctx, lists, avoid)
	if err != nil {
		return err
	}
	for l, e := range examined {
		for f, s := range e.each {
			l.families[f] = &s
		}
		if e.whole.state != Working {
			l.result.Controls = e.results
			l.setAside(e.whole)
		}
	}
	var again []*hit
	for _, h := range fresh {
		if h.list.standing(h.first.family).state == Working {
			again = append(again, h)
			continue
		}
		o := r.notAsked(h.list, h.first.family, h.first.q.Name)
		h.second = &o
	}
	questions := seq(len(again), func(i int) probes.Question {
		q := again[i].first.q
		q.Avoid, q.Ref = again[i].first.a.Server, uint64(i)
		return q
	})
	return r.ask(ctx, questions, func(q probes.Question, a probes.Answer, err error) {
		if cutShort(ctx, err) {
			return
		}
		h := again[q.Ref]
		o := r.outcome(h.list, h.first.family, q, a, err)
		h.second = &o
	})
}

// reasons asks for the TXT of every entry that stands, and tells of all of them.
// What should have been confirmed and could not be, because the run was cut short, is
// left for the next run. The error is the context's.
func (r *run) reasons(ctx context.Context) error {
	var entries []*hit
	for i := range r.hits {
		h := &r.hits[i]
		switch {
		case h.fresh && h.second == nil:
		case isEntry(h.last().verdict.Class):
			entries = append(entries, h)
		default:
			r.tellUnconfirmed(h)
		}
	}
	questions := seq(len(entries), func(i int) probes.Question {
		q := entries[i].last().q
		q.Type, q.Avoid, q.Ref = probes.TypeTXT, "", uint64(i)
		return q
	})
	// RFC 5782 section 2.1: the TXT says why. It is for people and decides nothing,
	// so an entry without one is told all the same.
	err := r.ask(ctx, questions, func(q probes.Question, a probes.Answer, _ error) {
		r.tell(entries[q.Ref], reasonOf(a))
	})
	for _, h := range entries {
		r.tell(h, "")
	}
	return err
}

// reasonOf joins the texts of an answer.
func reasonOf(a probes.Answer) string {
	reason := ""
	for i, record := range a.Records {
		if i > 0 {
			reason += "; "
		}
		reason += record.Text
	}
	return reason
}

// tell emits an entry, once.
func (r *run) tell(h *hit, reason string) {
	if h.told {
		return
	}
	h.told = true
	o := h.last()
	r.tally(h.list, o)
	evidence := r.evidenceOfHit(h)
	evidence[len(evidence)-1].Reason = reason
	if r.Options.Each != nil {
		r.Options.Each(h.target, h.list.zone, o.verdict, evidence[len(evidence)-1])
	}
	r.emit(r.problem(h.target, h.key, h.list, o, evidence, reason))
}

// tellUnconfirmed emits that an entry was seen and then was not: which of the two
// is true nobody knows yet.
func (r *run) tellUnconfirmed(h *hit) {
	o := *h.second
	said := o.verdict.Why
	if o.asked && o.err == nil {
		said = o.a.String()
	}
	o.verdict = blocklists.Verdict{Class: blocklists.Unknown, Why: title(h.list.zone) + " answered " + h.first.a.String() + ", and asked again: " + said}
	r.tally(h.list, o)
	evidence := r.evidenceOfHit(h)
	if r.Options.Each != nil {
		r.Options.Each(h.target, h.list.zone, o.verdict, evidence[len(evidence)-1])
	}
	r.emit(r.unknown(h.target, h.key, h.list, o, evidence))
}

func (r *run) evidenceOfHit(h *hit) []checks.Evidence {
	evidence := []checks.Evidence{r.evidenceOf(h.first)}
	if h.second != nil {
		evidence = append(evidence, r.evidenceOf(*h.second))
	}
	return evidence
}

// wait is a pause that ends with the context.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
