package reputation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"reputed/checks"
)

// Bounds of a line, in runes.
const (
	maxSummary = 300
	maxFact    = 500
)

// Judge says what the history of one target at this source comes to, oldest span
// first. It is a pure function.
//
// It is a problem if the latest readings, as many in a row as [Source.Confirm] asks for, are of a level
// that is told, beyond the threshold, or worse than the best of [Window] by [Source.Drop]. It is OK if
// the latest reading is none of these. It is unknown if there is no reading, it is too old, the source
// has no data, or a bad reading has not been confirmed: one reading never opens anything where a
// second can be had.
func (s Source) Judge(t checks.Target, history []Span, now time.Time) checks.Finding {
	f := s.finding(t, now)
	say := func(format string, args ...any) checks.Finding {
		f.Summary = checks.Line(fmt.Sprintf(format, args...), maxSummary)
		return f
	}
	if len(history) == 0 {
		return say("%s has not said anything about %s yet", s.Title, t)
	}
	last := history[len(history)-1]
	f.Evidence = []checks.Evidence{evidence(last.Reading)}
	f.SetFact(checks.FactValue, last.Value, maxFact)
	f.SetFact(checks.FactMeaning, last.Note, maxFact)
	if age := now.Sub(last.At); age > s.stale() {
		return say("%s last spoke of %s %d days ago, too long to count: %s", s.Title, t, int(age.Hours()/24), last.Value)
	}
	if last.At.Before(f.At) {
		f.At = last.At // an incident that somebody ended since is not opened again by what was known before
	}
	best, fallen := s.best(history, now)
	code, severity := s.told(last, best, fallen)
	if severity == "" {
		if last.Level == None && !s.Allow {
			return say("%s has no data about %s, which is neither good nor bad", s.Title, t)
		}
		f.Status, f.Code = checks.OK, checks.CodeRatedWell
		return say("%s rates %s: %s", s.Title, t, last.Value)
	}
	agreed, since := 0, last.First
	for _, span := range slices.Backward(history) {
		if _, severity := s.told(span, best, fallen); severity == "" {
			break
		}
		agreed += span.Count
		since = span.First
	}
	if agreed < s.Confirm {
		return say("%s rates %s: %s; seen once, it counts when the next answer agrees", s.Title, t, last.Value)
	}
	f.Status, f.Code, f.Severity = checks.Problem, code, severity
	if fallen && (s.worse(last.Number, best.Number) > 0 || s.Allow) {
		f.SetFact(checks.FactBefore, best.Value, maxFact)
	}
	switch {
	case code == checks.CodeFell && last.Level == None:
		return say("%s no longer vouches for %s, which it did on %s: %s", s.Title, t, best.At.Format(time.DateOnly), best.Value)
	case code == checks.CodeFell:
		return say("%s rates %s lower than of late: %s, after %s on %s", s.Title, t, last.Value, best.Value, best.At.Format(time.DateOnly))
	}
	return say("%s says of %s: %s, since %s", s.Title, t, last.Value, since.UTC().Format("2006-01-02 15:04"))
}

// finding is the finding while nothing is known: unknown, with the facts that name the source and the target.
func (s Source) finding(t checks.Target, now time.Time) checks.Finding {
	f := checks.Finding{
		Key: checks.Key{Check: CheckName, Target: t.ID(), Source: s.ID}, Target: t, At: now.UTC(),
		Status: checks.Unknown, Code: checks.CodeUnrated, Facts: map[string]string{}, Settle: s.Settle,
	}
	f.SetTargetFact()
	f.SetFact(checks.FactSource, s.ID, maxFact)
	f.SetFact(checks.FactSourceName, s.Title, maxFact)
	f.SetFact(checks.FactOperator, s.Operator, maxFact)
	f.SetFact(checks.FactLookupURL, s.PageFor(t), 0)
	f.SetFact(checks.FactRemovalURL, fillLink(s.RemovalURL, t), 0)
	f.SetFact(checks.FactRemedy, s.Remedy, maxFact)
	return f
}

// told is what a reading is worth telling as: by its level, by the threshold, or as a fall from the best of
// the window, if there is one. An empty severity: nothing.
func (s Source) told(r, best Span, fallen bool) (checks.Code, checks.Severity) {
	code, severity := s.level(r)
	if s.beyond(r) {
		code, severity = s.code(), checks.Worse(severity, s.Fallen)
	}
	if severity == "" && fallen && s.fell(r, best) {
		code, severity = checks.CodeFell, s.Fallen
	}
	return code, severity
}

// code is that of a poor or bad reading.
func (s Source) code() checks.Code { return cmp.Or(s.Code, checks.CodePoor) }

// level is what a reading's level alone is worth telling as.
func (s Source) level(r Span) (checks.Code, checks.Severity) {
	switch r.Level {
	case Poor:
		return s.code(), s.Poor
	case Bad:
		return s.code(), s.Bad
	}
	return "", ""
}

// beyond says whether a number is on the wrong side of the threshold.
func (s Source) beyond(r Span) bool {
	return s.HasBelow && r.Numbered && s.worse(r.Number, s.Below) > 0
}

// best is the best span of the window that a fall is measured from; false if there is none.
func (s Source) best(history []Span, now time.Time) (best Span, ok bool) {
	for _, span := range history {
		switch {
		case now.Sub(span.At) > Window || s.Allow && span.Level != Good || !s.Allow && !span.Numbered:
		case !ok || span.Numbered && s.worse(best.Number, span.Number) >= 0: // the latest of equals
			best, ok = span, true
		}
	}
	return best, ok
}

// fell says whether a reading is much worse than the best.
func (s Source) fell(r, best Span) bool {
	switch {
	case s.Allow && r.Level != Good:
		return true
	case !r.Numbered || !best.Numbered || s.Drop <= 0:
		return false
	}
	return s.worse(r.Number, best.Number) >= s.Drop
}

// evidence is how we know a reading.
func evidence(r Reading) checks.Evidence {
	e := r.Evidence
	switch r.How {
	case Recorded:
		e.Question, e.Answer, e.Reason = "read on a page and recorded", r.Value, r.Note
		if r.By != "" {
			e.Via = "recorded by " + r.By
		}
	default:
		if e.Answer == "" {
			e.Answer, e.Reason = r.Value, r.Note
		}
	}
	e.At = r.At
	return e
}
