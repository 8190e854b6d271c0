package reputation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// Asker is what scores need of the DNS: many questions in, an answer or a named error
// for each, in any order, got called on the caller's goroutine. [probes.Resolver] is one.
type Asker interface {
	Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error
}

// scoreSettle is how far apart two good answers must be so that they are not one cached one.
const scoreSettle = time.Hour

// ScoreSource is a score of the catalogue, or of the configuration, as a source.
func ScoreSource(sc blocklists.Score) Source {
	s := Source{
		ID: sc.ID, Title: sc.Title, Operator: sc.Operator, Higher: sc.Best > sc.Worst, Below: float64(sc.Below), HasBelow: sc.Below != 0, Drop: float64(sc.Drop),
		Allow: sc.Kind == blocklists.ScoreAllow, Confirm: 2, Settle: scoreSettle, Advice: sc.Advice,
	}
	if sc.Octet > 0 {
		s.Worst, s.Best = float64(sc.Worst), float64(sc.Best)
	}
	if checks.Link(sc.Website) != "" {
		s.Page = sc.Website
	}
	s.Fallen = checks.Severity(sc.Severity)
	if s.Fallen == "" {
		s.Fallen = checks.Minor
		if s.Allow {
			s.Fallen = checks.Informational
		}
	}
	if !s.Allow {
		s.Bad = checks.Worse(s.Fallen, checks.Minor)
		if !s.HasBelow {
			s.Poor = s.Fallen
		}
	}
	return s
}

// State is how a score did in one run, in the words of [blocklists.Class].
type State string

const (
	Working  State = "ok"
	Refused  State = "refused"  // the operator does not answer our resolver, or it is over its limit
	Unusable State = "unusable" // answers that no working zone gives
	Unknown  State = "unknown"  // no answer
)

// ScoreResult is what one score did in one run.
type ScoreResult struct {
	ID, Title, Operator string
	State               State
	Why                 string // where it is not Working: what it means and what to do
	Evidence            checks.Evidence
	Asked, Answered     int // targets; answered counts those without an entry too
}

// Scores asks scores about targets. It keeps nothing between runs.
type Scores struct {
	Asker  Asker
	Scores []blocklists.Score // validated, with their keys; those of facts are passed over
	// Span is the time until the next run. Where an operator's daily limit leaves no room for all
	// targets, each run asks about a part of them, the next one about the next; 0: always all.
	Span time.Duration
}

// asked says whether a score is asked at all.
func asked(sc blocklists.Score) bool {
	return sc.Decode != blocklists.TXT && sc.Kind != blocklists.ScoreInfo
}

// questionOf is the name to ask a score about a target; "" if it does not serve that.
func questionOf(list blocklists.Zone, t checks.Target) string {
	switch {
	case t.Kind == checks.KindAddress && list.Serves(blocklists.FamilyOf(t.Addr)):
		return list.QueryName(t.Addr)
	case t.Kind == checks.KindDomain && list.Serves(blocklists.Name):
		return list.QueryDomain(t.Name)
	}
	return ""
}

// shareOfDay is how much of an operator's daily limit is used: its lists want some too.
const shareOfDay = 0.5

// part is which targets a run asks a score about: so many, beginning with one, of all. A run in the
// next span begins where this one ends, without anything being kept.
func (s Scores) part(sc blocklists.Score, total int, now time.Time) (from, most int) {
	if sc.PerDay <= 0 || s.Span <= 0 || total == 0 {
		return 0, total
	}
	shared := 0
	for _, other := range s.Scores {
		if other.Operator == sc.Operator {
			shared++
		}
	}
	most = int(float64(sc.PerDay) * shareOfDay * min(s.Span.Hours()/24, 1) / float64(shared))
	if most >= total {
		return 0, total
	}
	most = max(most, 1)
	slot := now.UnixNano() / int64(s.Span)
	parts := int64((total + most - 1) / most)
	return int(slot%parts) * most, most
}

// silenceLimit is after how many questions in a row without an answer a score is left alone.
const silenceLimit = 20

// Ask puts the questions and passes each answer that counts to got, on the caller's
// goroutine; an answer without an entry is a reading of level [None]. A score whose control fails, or that
// refuses or answers what no working zone does, is set aside; what it said earlier in the run
// stands, because a refusal is told by a code and never by a rating.
//
// Targets are drawn once, and then once for each score. Controls come first: a name that cannot exist (RFC
// 6761 section 6.4), which finds resolvers that invent answers, and of each score the entry that
// must not exist. The error is the context's, with what was asked until then.
func (s Scores) Ask(ctx context.Context, now time.Time, targets iter.Seq[checks.Target], got func(Reading)) ([]ScoreResult, error) {
	r := &scoreRun{now: now.UTC(), got: got, waiting: map[uint64]pair{}}
	for _, sc := range s.Scores {
		if !asked(sc) {
			continue
		}
		r.scores = append(r.scores, &scoreState{score: sc, list: sc.List(), result: ScoreResult{ID: sc.ID, Title: sc.Title, Operator: sc.Operator, State: Working}})
	}
	r.redact = func(text string) string {
		for _, st := range r.scores {
			text = st.list.Redact(text)
		}
		return text
	}
	err := s.Asker.Ask(ctx, r.controls(), r.control)
	if err == nil {
		total := 0
		for range targets {
			total++
		}
		for _, st := range r.scores {
			st.from, st.most = s.part(st.score, total, now)
		}
		err = s.Asker.Ask(ctx, r.questions(targets), r.answer)
	}
	var results []ScoreResult
	for _, st := range r.scores {
		results = append(results, st.result)
	}
	return results, err
}

type scoreRun struct {
	now     time.Time
	scores  []*scoreState
	got     func(Reading)
	redact  func(string) string
	waiting map[uint64]pair
	next    uint64
}

type scoreState struct {
	score  blocklists.Score
	list   blocklists.Zone
	result ScoreResult
	silent int // in a row

	from, most int // which targets are asked about
}

// pair is one question that waits for its answer.
type pair struct {
	state  *scoreState
	target checks.Target
}

// aside takes a score out of the run. The first reason stays.
func (st *scoreState) aside(state State, why string, e checks.Evidence) {
	if st.result.State == Working {
		st.result.State, st.result.Why, st.result.Evidence = state, why, e
	}
}

// controls are the resolver's, with the number of no score, and those of scores.
func (r *scoreRun) controls() iter.Seq[probes.Question] {
	return func(yield func(probes.Question) bool) {
		random := rand.Uint64() // #nosec G404 -- of v2: ChaCha8, seeded by the system
		if !yield(probes.Question{Name: fmt.Sprintf("%016x.invalid.", random), Type: probes.TypeA, Ref: uint64(len(r.scores))}) {
			return
		}
		for i, st := range r.scores {
			q := probes.Question{Type: probes.TypeA, Group: st.score.Operator, Ref: uint64(i)}
			if !st.score.Clean4.IsValid() {
				continue
			}
			if q.Name = st.list.QueryName(st.score.Clean4); !yield(q) {
				return
			}
		}
	}
}

func (r *scoreRun) control(q probes.Question, a probes.Answer, err error) {
	e := r.evidence(q, a, err)
	if q.Ref == uint64(len(r.scores)) {
		if err == nil && len(a.Addrs()) > 0 {
			for _, st := range r.scores {
				st.aside(Unknown, "The resolver invents answers, so that nothing was asked: "+e.Answer+" for a name that does not exist.", e)
			}
		}
		return
	}
	st := r.scores[q.Ref]
	switch v := st.score.Rate(a.Addrs()); {
	case errors.Is(err, probes.ErrRefused):
		st.aside(Refused, st.score.Title+" refuses to answer. Ask through a recursive resolver of your own.", e)
	case err != nil: // the answers about targets decide
	case v.Class == blocklists.Refused || v.Class == blocklists.Unusable:
		st.aside(State(v.Class), v.Why, e)
	case len(a.Addrs()) > 0:
		st.aside(Refused, st.score.Title+" has an entry for an address that none can have: it answers so when it will not serve a resolver, mostly because that asks too much. "+
			"Ask less often and through a recursive resolver of your own, or subscribe.", e)
	}
}

func (r *scoreRun) questions(targets iter.Seq[checks.Target]) iter.Seq[probes.Question] {
	return func(yield func(probes.Question) bool) {
		for _, st := range r.scores {
			i := -1
			for t := range targets {
				if i++; st.result.State != Working || i >= st.from+st.most {
					break
				}
				if i < st.from {
					continue
				}
				name := questionOf(st.list, t)
				if name == "" {
					continue
				}
				st.result.Asked++
				r.next++
				r.waiting[r.next] = pair{st, t}
				if !yield(probes.Question{Name: name, Type: probes.TypeA, Group: st.score.Operator, Ref: r.next}) {
					return
				}
			}
		}
	}
}

func (r *scoreRun) answer(q probes.Question, a probes.Answer, err error) {
	p, ok := r.waiting[q.Ref]
	delete(r.waiting, q.Ref)
	if !ok || p.state.result.State != Working {
		return
	}
	st, e := p.state, r.evidence(q, a, err)
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, probes.ErrName):
		return
	case errors.Is(err, probes.ErrRefused):
		st.aside(Refused, st.score.Title+" refuses to answer. Ask through a recursive resolver of your own.", e)
		return
	case err != nil:
		if st.silent++; st.silent == silenceLimit || st.silent == st.result.Asked && len(r.waiting) == 0 {
			st.aside(Unknown, fmt.Sprintf("%s did not answer: %v", st.score.Title, r.redact(err.Error())), e)
		}
		return
	}
	st.silent = 0
	v := st.score.Rate(a.Addrs())
	if v.Class == blocklists.Refused || v.Class == blocklists.Unusable {
		st.aside(State(v.Class), v.Why, e)
		return
	}
	st.result.Answered++
	r.got(reading(st.score, p.target, v, e, r.now))
}

// reading puts a rating into the words of a reading.
func reading(sc blocklists.Score, t checks.Target, v blocklists.Rating, e checks.Evidence, now time.Time) Reading {
	x := Reading{Source: sc.ID, Target: t, How: Measured, At: now, Evidence: e, Level: None, Value: "no entry"}
	switch {
	case v.Class == blocklists.Clean:
		return x
	case v.Class == blocklists.Good:
		x.Level = Good
	case v.Class == blocklists.Listed:
		x.Level = Bad
	case v.Neutral:
		x.Level = Neutral
	default:
		x.Level = Poor
	}
	var words []string
	for _, m := range v.Meanings {
		m, _, _ = strings.Cut(m, ";") // what follows explains the code, and the number says it
		words = append(words, m)
	}
	x.Value = strings.Join(words, ", ")
	if v.Numbered {
		x.Number, x.Numbered = float64(v.Number), true
		x.Value = number(x.Number) + ", " + x.Value
	}
	x.Value = checks.Line(x.Value, maxValue)
	return x
}

// maxValue bounds a value, in runes.
const maxValue = 120

func (r *scoreRun) evidence(q probes.Question, a probes.Answer, err error) checks.Evidence {
	e := checks.Evidence{Question: r.redact(q.String()), Via: a.Server, At: r.now}
	if err != nil {
		e.Answer = r.redact(err.Error())
		var failed *probes.AskError
		if errors.As(err, &failed) {
			e.Via = failed.Server
		}
		return e
	}
	e.Answer = r.redact(a.String())
	return e
}

// Finding is about the score itself: that it refuses or cannot be used, or that it works
// again; false if there is nothing to tell, as when it did not answer.
func (s ScoreResult) Finding(now time.Time) (checks.Finding, bool) {
	t := checks.List(s.ID)
	f := checks.Finding{
		Key: checks.Key{Check: CheckName, Target: t.ID(), Source: s.ID}, Target: t, At: now.UTC(),
		Facts: map[string]string{checks.FactList: s.ID, checks.FactListName: s.Title, checks.FactOperator: s.Operator},
	}
	switch s.State {
	case Refused, Unusable:
		f.Status, f.Severity, f.Code = checks.Problem, checks.Minor, checks.CodeListRefused
		f.Summary = s.Title + " does not answer this resolver"
		if s.State == Unusable {
			f.Code, f.Summary = checks.CodeListUnusable, s.Title+" gives answers that mean nothing"
		}
		f.Facts[checks.FactInstruction] = checks.Line(s.Why, maxFact)
		f.Evidence = []checks.Evidence{s.Evidence}
	case Working:
		if s.Answered == 0 {
			return f, false
		}
		f.Status, f.Code, f.Summary = checks.OK, checks.CodeMonitorWell, s.Title+" answers"
	default:
		return f, false
	}
	return f, true
}
