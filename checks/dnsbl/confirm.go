package dnsbl

import (
	"context"
	"iter"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// hit is a pair with an entry, or one whose known entry is gone. Hits are all that a run
// holds on to: until the list is done with, or until the end of the run if they are new.
type hit struct {
	target checks.Target
	key    checks.Key
	list   *list
	first  outcome
	// second is the outcome of asking again; nil where that was not needed or not done yet.
	second *outcome
	told   bool
}

// last is the outcome that counts.
func (h *hit) last() outcome {
	if h.second != nil {
		return *h.second
	}
	return h.first
}

// confirm asks new listings again after the wait, at the list's own name servers where
// [Options.Path] allows that and they work, else by another server where there is one
// (of its forwarders, if the list has such), together with the controls of their lists
// at that moment. The error is the context's.
func (r *run) confirm(ctx context.Context) error {
	if len(r.fresh) == 0 {
		return nil
	}
	var lists []*list
	avoid := map[*list]string{}
	seen := map[*list]bool{}
	for _, h := range r.fresh {
		if !seen[h.list] && h.list.aside == nil {
			lists = append(lists, h.list)
			avoid[h.list] = h.first.a.Server
		}
		seen[h.list] = true
	}
	if err := wait(ctx, r.Options.Confirm); err != nil {
		return err
	}
	lists, err := r.examineElsewhere(ctx, lists)
	if err != nil {
		return err
	}
	var exams []*exam
	for _, l := range lists {
		exams = append(exams, newExam(l, avoid[l]))
	}
	if err := r.examine(ctx, exams); err != nil {
		return err
	}
	var again []*hit
	for _, h := range r.fresh {
		if h.list.standing(h.first.family).state == Working {
			again = append(again, h)
			continue
		}
		o := r.notAsked(h.list, h.first.family, h.target, nil)
		h.second = &o
	}
	questions := seq(len(again), func(i int) probes.Question {
		q := again[i].first.q
		q.Avoid, q.At, q.Ref = again[i].first.a.Server, again[i].list.at, uint64(i)
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

// reasons asks for the reason of every new entry that was confirmed, and tells of
// all that were asked again. The error is the context's.
func (r *run) reasons(ctx context.Context) error {
	var entries []*hit
	for _, h := range r.fresh {
		if isEntry(h.last().verdict.Class) {
			entries = append(entries, h)
		} else {
			r.tellUnconfirmed(h)
		}
	}
	questions := seq(len(entries), func(i int) probes.Question {
		q := reasonQuestion(entries[i])
		q.Ref = uint64(i)
		return q
	})
	return r.ask(ctx, questions, func(q probes.Question, a probes.Answer, _ error) {
		r.tell(entries[q.Ref], reasonOf(a))
	})
}

// tellRest tells, without a reason, what is left of a run that was cut short if it needs no
// confirmation or has had one. What still had to be confirmed is left for the next run.
func (r *run) tellRest() {
	for _, l := range r.lists {
		for _, h := range l.held {
			if isEntry(h.first.verdict.Class) {
				r.tell(h, "")
			}
		}
	}
	for _, h := range r.fresh {
		switch {
		case h.second == nil:
		case isEntry(h.second.verdict.Class):
			r.tell(h, "")
		default:
			r.tellUnconfirmed(h)
		}
	}
}

// reasonQuestion asks for what the list says about an entry. RFC 5782 section 2.1:
// the TXT says why. It is for people and decides nothing, so an entry without one is told all the same.
func reasonQuestion(h *hit) probes.Question {
	q := h.last().q
	q.Type, q.Avoid = probes.TypeTXT, ""
	return q
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
	reason = r.redact(reason) // a server may repeat the question
	o := h.last()
	r.tally(h.list, o)
	evidence := r.evidenceOfHit(h)
	evidence[len(evidence)-1].Reason = reason
	if r.Options.Each != nil {
		r.Options.Each(h.target, h.list.zone, o.verdict, evidence[len(evidence)-1])
	}
	r.emit(r.problem(h.target, h.key, h.list, o, evidence, reason))
}

// tellUnconfirmed emits that an entry was seen and then was not: nobody knows yet which
// of the two is true.
func (r *run) tellUnconfirmed(h *hit) {
	if h.told {
		return
	}
	h.told = true
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

// seq is a slice as a sequence of its indexes' questions.
func seq(n int, question func(int) probes.Question) iter.Seq[probes.Question] {
	return func(yield func(probes.Question) bool) {
		for i := range n {
			if !yield(question(i)) {
				return
			}
		}
	}
}
