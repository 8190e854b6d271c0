package dnsbl

import (
	"context"
	"iter"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// aheadOf is how many pairs of one list may wait for their answers. It is twice
// what the resolver keeps in flight for one operator, so that there is always
// one to send, and it bounds how much a slow list holds in memory.
const aheadOf = 64

// line is one list that is asked at its own pace: its controls, then about one
// target after the other, then what it says about those that it lists.
type line struct {
	l       *list
	exam    *exam // until it is over
	next    func() (checks.Target, bool)
	stop    func()
	waiting int // pairs, and reasons, without an answer yet

	drawn   bool // all targets are
	closing bool // what is held is being told
	again   bool // the controls were asked once more for that
	told    int  // of what the list holds: done with, or its reason is asked for
}

// heldAtMost is how much of what a list says is held before it has to show once
// more that it works. It bounds the memory of a run in which much is listed.
const heldAtMost = 64

// slot is what is kept of one question, or of the two about a domain, until the
// answers come: a question carries the number of its slot, and which one it is.
type slot struct {
	line   *line
	exam   bool // a control
	hit    *hit // whose reason is asked for
	target checks.Target
	family blocklists.Family
	names  int // how many are asked
	came   int // answers
	cut    bool
	read   outcome // of those that came, the one that speaks for the target
}

// slotShift leaves eight bits for which question of a slot it is.
const slotShift = 8

// slots are in use or free; there are never more than questions waiting.
type slots struct {
	all  []slot
	free []uint64
}

func (s *slots) take(v slot) uint64 {
	if n := len(s.free) - 1; n >= 0 {
		i := s.free[n]
		s.free = s.free[:n]
		s.all[i] = v
		return i
	}
	s.all = append(s.all, v)
	return uint64(len(s.all) - 1)
}

func (s *slots) release(i uint64) {
	s.all[i] = slot{}
	s.free = append(s.free, i)
}

// askTargets asks the controls of lists, as far as there are exams, and every list that
// passes about every target. One that does not, and has another path, is left for that.
// The error is the context's.
func (r *run) askTargets(ctx context.Context, targets iter.Seq[checks.Target], lists []*list, exams []*exam) error {
	examOf := map[*list]*exam{}
	for _, e := range exams {
		examOf[e.l] = e
	}
	var lines []*line
	for _, l := range lists {
		next, stop := iter.Pull(r.Options.Turns[l.zone.ID].of(targets, r.targets))
		defer stop()
		lines = append(lines, &line{l: l, exam: examOf[l], next: next, stop: stop})
	}
	var waiting slots
	questions := func(yield func(probes.Question) bool) {
		for len(lines) > 0 {
			busy := false // something was put, or done with
			left := lines[:0]
			for _, ln := range lines {
				advanced, more, stopped := r.advance(ln, &waiting, yield)
				if stopped {
					return
				}
				busy = busy || advanced
				if more {
					left = append(left, ln)
				} else {
					ln.stop()
				}
			}
			lines = left
			if !busy && len(lines) > 0 && !yield(probes.Question{}) {
				return
			}
		}
	}
	return r.ask(ctx, questions, func(q probes.Question, a probes.Answer, err error) {
		i, which := q.Ref>>slotShift, int(q.Ref&(1<<slotShift-1))
		if i >= uint64(len(waiting.all)) || waiting.all[i].line == nil {
			return // answered twice, against the asker's promise
		}
		r.answer(ctx, &waiting, i, which, q, a, err)
	})
}

// advance puts the questions about the next target to one list, or its controls.
// It says whether it did anything, whether there is more to come, and whether the
// asker wants no more.
func (r *run) advance(ln *line, waiting *slots, yield func(probes.Question) bool) (advanced, more, stopped bool) {
	if e := ln.exam; e != nil {
		for q, ok := e.next(); ok; q, ok = e.next() {
			advanced = true
			q.Ref = waiting.take(slot{line: ln, exam: true})<<slotShift | uint64(e.put-1)
			if !yield(q) {
				return true, true, true
			}
		}
		if !e.over() {
			return advanced, true, false
		}
		e.conclude()
		ln.exam = nil
		if ln.l.decide() {
			return true, false, false
		}
	}
	if ln.waiting >= aheadOf {
		return advanced, true, false
	}
	if ln.closing {
		return r.close(ln, waiting, yield)
	}
	if ln.drawn || len(ln.l.held) >= heldAtMost {
		ln.closing = true
		return true, true, false
	}
	t, ok := ln.next()
	if !ok {
		ln.drawn = true
		return true, true, false
	}
	f, l := familyOf(t), ln.l
	if f == "" || *l.families.of(f) == nil {
		return true, true, false
	}
	var names []string
	if f == blocklists.Name {
		if names = r.namesFor(l, t); len(names) == 0 {
			r.pass()
			return true, true, false
		}
	}
	if l.standing(f).state != Working {
		r.settle(t, l, r.notAsked(l, f, t, names))
		return true, true, false
	}
	return true, true, !r.put(ln, waiting, t, f, names, yield)
}

// close is what a list is asked after the last target, and before if it has said
// much that is held until then: its controls once more, because a list that breaks in
// the middle of a run lists the world from then on, or nobody, and then for its reasons.
func (r *run) close(ln *line, waiting *slots, yield func(probes.Question) bool) (advanced, more, stopped bool) {
	l := ln.l
	switch {
	case ln.waiting > 0 && ln.told == 0:
		return false, true, false // not all is seen yet
	case ln.told == len(l.held):
		if ln.waiting > 0 {
			return false, true, false
		}
		l.held = nil
		ln.closing, ln.again, ln.told = false, false, 0
		return true, !ln.drawn, false
	case !ln.again && l.aside == nil:
		ln.again, ln.exam = true, newExam(l, "")
		return true, true, false
	}
	h := l.held[ln.told]
	ln.told++
	entry := isEntry(h.first.verdict.Class)
	if l.standing(h.first.family).state != Working {
		o := r.notAsked(l, h.first.family, h.target, nil)
		if entry {
			h.second = &o
			r.tellUnconfirmed(h)
		} else {
			r.tellKnown(h, o)
		}
		return true, true, false
	}
	if !entry {
		r.tellKnown(h, h.first)
		return true, true, false
	}
	ln.waiting++
	q := reasonQuestion(h)
	q.Ref = waiting.take(slot{line: ln, hit: h}) << slotShift
	return true, true, !yield(q)
}

// put puts the questions about one target, a domain by the names given. It is false when the asker wants no more.
func (r *run) put(ln *line, waiting *slots, t checks.Target, f blocklists.Family, names []string, yield func(probes.Question) bool) bool {
	l := ln.l
	l.result.Asked++
	ln.waiting++
	q := probes.Question{Type: probes.TypeA, Group: l.zone.Operator, At: l.at}
	if f != blocklists.Name {
		q.Name = l.zone.QueryName(t.Addr)
		q.Ref = waiting.take(slot{line: ln, target: t, family: f, names: 1}) << slotShift
		return yield(q)
	}
	ref := waiting.take(slot{line: ln, target: t, family: f, names: len(names)}) << slotShift
	for j, name := range names {
		q.Name, q.Ref = l.zone.QueryDomain(name), ref|uint64(j)
		if !yield(q) {
			return false
		}
	}
	return true
}

// answer takes an answer to the slot that it belongs to.
func (r *run) answer(ctx context.Context, waiting *slots, i uint64, which int, q probes.Question, a probes.Answer, err error) {
	s := &waiting.all[i]
	ln := s.line
	if s.exam {
		waiting.release(i)
		if !cutShort(ctx, err) { // else it is never over, and nothing is concluded
			ln.exam.got(which, r.evidence(q, a, err), a, err)
		}
		return
	}
	if s.hit != nil {
		h := s.hit
		waiting.release(i)
		ln.waiting--
		r.tell(h, reasonOf(a)) // even if the run is cut short: it was seen
		return
	}
	s.came++
	last := s.came == s.names
	if cutShort(ctx, err) {
		s.cut = true
	} else if !s.cut {
		o := r.outcome(ln.l, s.family, q, a, err)
		if s.came > 1 {
			o = graver(s.read, o)
		}
		s.read = o
	}
	if !last {
		return
	}
	t, o, cut := s.target, s.read, s.cut
	waiting.release(i)
	ln.waiting--
	if !cut {
		r.settle(t, ln.l, o)
	}
}

// key is the key of what is found about a target on a list.
func (r *run) key(t checks.Target, l *list) checks.Key {
	return checks.Key{Check: checkName, Target: t.ID(), Source: l.zone.ID}
}

// witnessed says whether a listing needs no second answer, because a bounce has
// named it already.
func (r *run) witnessed(key checks.Key) bool { return r.Options.Named != nil && r.Options.Named(key) }

// settle takes the outcome of one pair. A new listing is asked again, unless it is
// informational: that opens nothing. What may open or close something waits
// until the list has shown once more that it works; everything else is done with.
func (r *run) settle(t checks.Target, l *list, o outcome) {
	entry, plain := isEntry(o.verdict.Class), o.verdict.Class == blocklists.Clean && o.proved
	var key checks.Key
	known := false
	if entry || r.isKnown != nil {
		key = r.key(t, l)
		known = r.known(key)
	}
	if entry || known {
		h := &hit{target: t, key: key, list: l, first: o}
		switch {
		case entry && r.Options.Confirm > 0 && !known && !r.witnessed(key) && o.verdict.Class != blocklists.Informational:
			r.fresh = append(r.fresh, h)
		case entry || plain:
			l.held = append(l.held, h)
		default:
			r.tellKnown(h, o)
		}
		return
	}
	r.tally(l, o)
	if r.Options.Each == nil {
		return
	}
	var ev checks.Evidence
	if !plain {
		ev = r.evidenceOf(o)
	}
	r.Options.Each(t, l.zone, o.verdict, ev)
}

// tellKnown tells of a known key that has no entry now.
func (r *run) tellKnown(h *hit, o outcome) {
	r.tally(h.list, o)
	ev := r.evidenceOf(o)
	if r.Options.Each != nil {
		r.Options.Each(h.target, h.list.zone, o.verdict, ev)
	}
	r.emit(r.answered(h.target, h.key, h.list, o, ev))
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
	r.pass()
}

// pass counts one pair that is done with for the progress.
func (r *run) pass() {
	if r.done++; r.Options.Progress != nil {
		r.Options.Progress(r.done, r.total)
	}
}
