package dnsbl

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// controls asks the resolver and then every needed list whether they can be
// believed. The error is the context's.
func (r *run) controls(ctx context.Context) error {
	if err := r.askResolver(ctx); err != nil {
		return err
	}
	var needed []*list
	for _, l := range r.lists {
		switch {
		case len(l.families) == 0:
		case r.rewriting != nil:
			l.setAside(standing{state: Unknown, why: "The resolver invents answers, so that nothing was asked: " + r.rewriting.Answer + " for a name that does not exist."})
		default:
			needed = append(needed, l)
		}
	}
	examined, err := r.askControls(ctx, needed, nil)
	if err != nil {
		return err
	}
	for _, l := range needed {
		e := examined[l]
		l.result.Controls = e.results
		for f, s := range e.each {
			l.families[f] = &s
		}
		if e.whole.state != Working {
			l.setAside(e.whole)
		}
	}
	return nil
}

// askResolver asks for names that cannot exist: one under .invalid (RFC 6761
// section 6.4), one under the domain that the options name. An address in the answer
// means that this resolver invents them. Anything else proves nothing: the lists' own
// controls decide.
func (r *run) askResolver(ctx context.Context) error {
	random := fmt.Sprintf("%016x", rand.Uint64())
	names := []string{random + ".invalid."}
	if r.Options.Probe != "" {
		names = append(names, random+"."+strings.TrimSuffix(r.Options.Probe, ".")+".")
	}
	questions := func(yield func(probes.Question) bool) {
		for _, name := range names {
			if !yield(probes.Question{Name: name, Type: probes.TypeA}) {
				return
			}
		}
	}
	return r.ask(ctx, questions, func(q probes.Question, a probes.Answer, err error) {
		if err == nil && len(a.Addrs()) > 0 {
			ev := r.evidence(q, a, nil)
			r.rewriting = &ev
		}
	})
}

// examination is what asking the controls of one list came to.
type examination struct {
	whole   standing
	each    map[blocklists.Family]standing
	results []ControlResult
}

// askControls asks the controls of several lists at once, for the families that
// they are needed for, and then for the zone itself where the answers leave that open.
// Avoid names for each list the server to ask last; it may be nil.
func (r *run) askControls(ctx context.Context, lists []*list, avoid map[*list]string) (map[*list]examination, error) {
	type asked struct {
		l        *list
		families []blocklists.Family
		answers  []controlAnswer
		results  []ControlResult
		soa      *controlAnswer
	}
	var all []*asked
	for _, l := range lists {
		a := &asked{l: l}
		for _, f := range l.zone.Families {
			if l.families[f] != nil {
				a.families = append(a.families, f)
			}
		}
		for _, c := range l.zone.ControlQuestions() {
			if l.families[c.Family] != nil {
				// Not asked yet is not answered: should the asker pass one over, it proves nothing.
				a.answers = append(a.answers, controlAnswer{control: c, err: probes.ErrTimeout})
			}
		}
		a.results = make([]ControlResult, len(a.answers))
		all = append(all, a)
	}

	const shift = 8 // a list has at most six controls
	entries := func(yield func(probes.Question) bool) {
		for i, a := range all {
			for j, c := range a.answers {
				q := probes.Question{Name: c.control.Name, Type: probes.TypeA, Group: a.l.zone.Operator, Avoid: avoid[a.l], Ref: uint64(i)<<shift | uint64(j)}
				if !yield(q) {
					return
				}
			}
		}
	}
	err := r.ask(ctx, entries, func(q probes.Question, answer probes.Answer, err error) {
		a, j := all[q.Ref>>shift], q.Ref&(1<<shift-1)
		c := &a.answers[j]
		c.answer, c.err = answer, err
		_, passed := a.l.zone.JudgeControl(c.control, answer.Addrs())
		a.results[j] = ControlResult{Family: c.control.Family, Want: c.control.Want, Passed: passed && err == nil, Evidence: r.evidence(q, answer, err), RTT: answer.RTT}
		a.l.noteSOA(answer)
	})
	if err != nil {
		return nil, err
	}

	apexes := func(yield func(probes.Question) bool) {
		for i, a := range all {
			if needsSOA(a.l.zone, a.families, a.answers) &&
				!yield(probes.Question{Name: a.l.zone.Zone + ".", Type: probes.TypeSOA, Group: a.l.zone.Operator, Avoid: avoid[a.l], Ref: uint64(i)}) {
				return
			}
		}
	}
	err = r.ask(ctx, apexes, func(q probes.Question, answer probes.Answer, err error) {
		a := all[q.Ref]
		a.soa = &controlAnswer{answer: answer, err: err}
		a.results = append(a.results, ControlResult{Want: true, Passed: existence(a.l.zone, a.soa).state == Working, Evidence: r.evidence(q, answer, err), RTT: answer.RTT})
	})
	if err != nil {
		return nil, err
	}

	out := map[*list]examination{}
	for _, a := range all {
		e := examination{results: a.results}
		e.whole, e.each = judge(a.l.zone, a.families, a.answers, a.soa)
		for f, s := range e.each {
			s.controls = describe(f, a.results)
			e.each[f] = s
		}
		e.whole.controls = describe("", a.results)
		out[a.l] = e
	}
	return out, nil
}

// describe is the controls of one family, or of all, and their literal answers.
func describe(f blocklists.Family, results []ControlResult) string {
	var parts []string
	for _, c := range results {
		if f == "" || c.Family == "" || c.Family == f {
			parts = append(parts, c.Evidence.Question+": "+c.Evidence.Answer)
		}
	}
	return strings.Join(parts, "; ")
}

// setAside takes the list out of the run. The first reason stays.
func (l *list) setAside(s standing) {
	if l.aside == nil {
		l.aside = &s
	}
}

// standing is how the list stands for one family at this moment.
func (l *list) standing(f blocklists.Family) standing {
	if l.aside != nil {
		return *l.aside
	}
	if s := l.families[f]; s != nil {
		return *s
	}
	return standing{state: Unknown, why: title(l.zone) + " was not asked."}
}

// state is how the list stands as a whole: of its families the worst.
func (l *list) state() standing {
	if l.aside != nil {
		return *l.aside
	}
	if len(l.families) == 0 {
		return standing{state: NotNeeded}
	}
	s := standing{state: Working}
	for _, f := range l.zone.Families {
		if l.families[f] != nil {
			s = worse(s, *l.families[f])
		}
	}
	if s.state == Working && l.failed*2 > l.put {
		s = standing{state: Unknown, why: fmt.Sprintf("%s passed its controls, and then %d of %d questions had no answer. Nothing to do unless it lasts.", title(l.zone), l.failed, l.put)}
	}
	return s
}

// noteSOA remembers how long a "no" may be cached.
func (l *list) noteSOA(a probes.Answer) {
	if zoneSeen(l.zone, a) {
		l.longest = max(l.longest, a.SOA.Ceiling)
	}
}

// evidence is how we know: the question, the literal answer, by way of whom.
func (r *run) evidence(q probes.Question, a probes.Answer, err error) checks.Evidence {
	ev := checks.Evidence{Question: q.String(), Answer: said(a, err), Via: via(a, err), At: r.at()}
	if err != nil && len(r.errs) < maxErrors && !slices.ContainsFunc(r.errs, func(e checks.Evidence) bool { return e.Answer == ev.Answer && e.Via == ev.Via }) {
		r.errs = append(r.errs, ev)
	}
	return ev
}

// maxErrors is how many different failures are kept as evidence that we are blind.
const maxErrors = 5

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
