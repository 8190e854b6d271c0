package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// book holds the answers of one run, so that a question is asked once, however many records lead to it:
// what ten domains include is not looked up ten times, and everything in a run is judged by the same
// answer. It is for one goroutine.
type book struct {
	ctx      context.Context
	asker    Asker
	now      time.Time
	answers  map[probes.Question]said
	asked    int // questions
	unspoken int // of them, without an answer
}

// said is what became of one question: an answer, or the error that says why there is none.
type said struct {
	probes.Answer
	err error
}

func newBook(ctx context.Context, asker Asker, now time.Time) *book {
	return &book{ctx: ctx, asker: asker, now: now.UTC(), answers: map[probes.Question]said{}}
}

// look asks the questions that have not been asked, all at once.
func (b *book) look(questions ...probes.Question) {
	var fresh []probes.Question
	for _, q := range questions {
		if _, known := b.answers[q]; !known {
			b.answers[q] = said{err: fmt.Errorf("%w: it was not asked", ErrUnanswered)}
			fresh = append(fresh, q)
		}
	}
	if len(fresh) == 0 {
		return
	}
	b.asked += len(fresh)
	answered := 0
	err := b.asker.Ask(b.ctx, func(yield func(probes.Question) bool) {
		for i, q := range fresh {
			q.Ref = uint64(i)
			if !yield(q) {
				return
			}
		}
	}, func(q probes.Question, a probes.Answer, err error) {
		if q.Ref >= uint64(len(fresh)) {
			return
		}
		if err == nil || errors.Is(err, probes.ErrName) { // a name that cannot be has no answer, and never will
			answered++
		}
		b.answers[fresh[q.Ref]] = said{a, err}
	})
	if err != nil { // the end of asking: what was not drawn stays unasked
		for _, q := range fresh {
			if s := b.answers[q]; s.err != nil {
				b.answers[q] = said{err: err}
			}
		}
	}
	b.unspoken += len(fresh) - answered
}

// get is what became of one question, asked now if it was not before.
func (b *book) get(name string, t probes.Type) said {
	q := question(name, t)
	b.look(q)
	return b.answers[q]
}

// txt are the TXT records that begin as those of one standard do.
func (s said) txt(begins func(string) bool) []string {
	var out []string
	for _, r := range s.Records {
		if begins(r.Text) {
			out = append(out, r.Text)
		}
	}
	return out
}

// why is why there is no answer, for people.
func (s said) why() string {
	var ask *probes.AskError
	if errors.As(s.err, &ask) {
		if ask.RCode != "" {
			return fmt.Sprintf("%s %s: %v (%s)", strings.TrimSuffix(ask.Question.Name, "."), ask.Question.Type, ask.Err, ask.RCode)
		}
		return fmt.Sprintf("%s %s: %v", strings.TrimSuffix(ask.Question.Name, "."), ask.Question.Type, ask.Err)
	}
	return s.err.Error()
}

// evidence is how we know: the question and what was said to it. Only keeps, of a name with many
// TXT records, those that the matter is about.
func (b *book) evidence(name string, t probes.Type, only ...string) checks.Evidence {
	q := question(name, t)
	s := b.answers[q]
	e := checks.Evidence{Question: q.String(), At: b.now, Via: s.Server}
	switch {
	case s.err != nil:
		e.Answer = s.why()
	case len(only) > 0:
		e.Answer = strings.Join(only, ", ")
	default:
		e.Answer = s.Answer.String()
	}
	e.Answer = checks.Line(e.Answer, maxAnswer)
	return e
}

// maxAnswer is how much of one answer is kept as evidence, in runes: more than any record that
// receivers accept.
const maxAnswer = 1000
