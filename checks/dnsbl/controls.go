package dnsbl

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// askResolver asks for names that cannot exist: one under .invalid (RFC 6761
// section 6.4), one under the domain that the options name. An address in the answer
// means that this resolver invents them. Anything else proves nothing: the lists' own
// controls decide.
func (r *run) askResolver(ctx context.Context) error {
	names := r.resolverNames()
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

// resolverNames are names that cannot exist.
func (c Check) resolverNames() []string {
	random := fmt.Sprintf("%016x", rand.Uint64()) // #nosec G404 -- of v2: ChaCha8, seeded by the system
	names := []string{random + ".invalid."}
	if c.Options.Probe != "" {
		names = append(names, random+"."+strings.TrimSuffix(c.Options.Probe, ".")+".")
	}
	return names
}

// exam asks the controls of one list, for the families that it is needed for, and
// then for the zone itself where the answers leave that open.
type exam struct {
	l        *list
	avoid    string // server to ask last; may be empty
	families []blocklists.Family
	answers  []controlAnswer
	results  []ControlResult
	soa      *controlAnswer

	put     int // questions that were put
	waiting int // of them, without an answer yet
}

func newExam(l *list, avoid string) *exam {
	e := &exam{l: l, avoid: avoid}
	for _, f := range l.zone.Families {
		if *l.families.of(f) != nil {
			e.families = append(e.families, f)
		}
	}
	for _, c := range l.zone.ControlQuestions() {
		if *l.families.of(c.Family) != nil {
			e.answers = append(e.answers, controlAnswer{control: c})
		}
	}
	e.results = make([]ControlResult, len(e.answers))
	return e
}

// next is the next question to put, if there is one at this moment. Its number
// goes with the answer to got.
func (e *exam) next() (q probes.Question, ok bool) {
	q = probes.Question{Type: probes.TypeA, Group: e.l.zone.Operator, Avoid: e.avoid, At: e.l.at}
	switch {
	case e.put < len(e.answers):
		q.Name = e.answers[e.put].control.Name
	case e.put == len(e.answers) && e.waiting == 0 && needsSOA(e.l.zone, e.families, e.answers):
		q.Name, q.Type = e.l.zone.Zone+".", probes.TypeSOA
	default:
		return probes.Question{}, false
	}
	e.put++
	e.waiting++
	return q, true
}

// got takes the answer to the nth question.
func (e *exam) got(n int, ev checks.Evidence, a probes.Answer, err error) {
	e.waiting--
	e.l.noteSOA(a)
	if n == len(e.answers) {
		e.soa = &controlAnswer{answer: a, err: err}
		e.results = append(e.results, ControlResult{Want: true, Passed: existence(e.l.zone, e.soa).state == Working, Evidence: ev, RTT: a.RTT})
		return
	}
	c := &e.answers[n]
	c.answer, c.err = a, err
	_, passed := e.l.zone.JudgeControl(c.control, a.Addrs())
	e.results[n] = ControlResult{Family: c.control.Family, Want: c.control.Want, Passed: passed && err == nil, Evidence: ev, RTT: a.RTT}
}

// over says that every question was put and answered, or had no answer.
func (e *exam) over() bool {
	return e.waiting == 0 && e.put >= len(e.answers) &&
		(e.soa != nil || !needsSOA(e.l.zone, e.families, e.answers))
}

// conclude makes the list stand as the controls showed it. What they showed is
// kept the first time, and later only if it set the list aside.
func (e *exam) conclude() {
	whole, each := judge(e.l.zone, e.families, e.answers, e.soa)
	for f, s := range each {
		s.controls, s.why = describe(f, e.results), e.l.where(s.why)
		*e.l.families.of(f) = &s
	}
	if whole.state != Working || e.l.result.Controls == nil {
		e.l.result.Controls = e.results
	}
	if whole.state != Working {
		whole.controls = describe("", e.results)
		e.l.setAside(whole)
	}
}

// examine asks the controls of several lists at once, and nothing else. The
// error is the context's; then nothing is concluded.
func (r *run) examine(ctx context.Context, exams []*exam) error {
	const shift = 8 // a list has at most six controls
	over := 0
	questions := func(yield func(probes.Question) bool) {
		for over < len(exams) {
			put := false
			over = 0
			for i, e := range exams {
				for q, ok := e.next(); ok; q, ok = e.next() {
					put = true
					q.Ref = uint64(i)<<shift | uint64(e.put-1)
					if !yield(q) {
						return
					}
				}
				if e.over() {
					over++
				}
			}
			if !put && over < len(exams) && !yield(probes.Question{}) {
				return
			}
		}
	}
	err := r.ask(ctx, questions, func(q probes.Question, a probes.Answer, err error) {
		exams[q.Ref>>shift].got(int(q.Ref&(1<<shift-1)), r.evidence(q, a, err), a, err)
	})
	if err != nil {
		return err
	}
	for _, e := range exams {
		e.conclude()
	}
	return nil
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
		s.why = l.where(s.why)
		l.aside = &s
	}
}

// where adds to what is wrong with a list at which forwarder it is.
func (l *list) where(why string) string {
	if l.forwarder == nil || why == "" {
		return why
	}
	if l.file {
		return why + " It is looked up nowhere else than in " + l.forwarderNames() + "."
	}
	return why + " It is asked at its forwarder only: " + l.forwarderNames() + "."
}

func (l *list) forwarderNames() string { return strings.Join(l.forwarder.Names(), ", ") }

// standing is how the list stands for one family at this moment.
func (l *list) standing(f blocklists.Family) *standing {
	if l.aside != nil {
		return l.aside
	}
	if s := *l.families.of(f); s != nil {
		return s
	}
	return &standing{state: Unknown, why: title(l.zone) + " was not asked."}
}

// needed says whether the list is to be asked about anything.
func (l *list) needed() bool { return l.families != standings{} }

// state is how the list stands as a whole, with how many questions had no answer.
func (l *list) state() standing {
	s := l.shown()
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
	ev := checks.Evidence{Question: r.redact(q.String()), Answer: r.redact(said(a, err)), Via: via(a, err), Wire: r.redact(a.Wire()), At: r.at()}
	if err != nil && len(r.errs) < maxErrors && !slices.ContainsFunc(r.errs, func(e checks.Evidence) bool { return e.Answer == ev.Answer && e.Via == ev.Via }) {
		r.errs = append(r.errs, ev)
	}
	return ev
}

// maxErrors is how many different failures are kept as evidence that we are blind.
const maxErrors = 5
