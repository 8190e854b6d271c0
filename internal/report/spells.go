package report

import (
	"cmp"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Turn is one change of what is known of one question.
type Turn struct {
	At       time.Time
	Key      checks.Key
	Before   checks.Status // empty for the first
	Status   checks.Status
	Code     checks.Code
	Severity checks.Severity
	Summary  string
}

// Spell is one time that something was a problem: from the answer that showed it to the answer
// that showed it gone. No answer in between is no end.
type Spell struct {
	Key      checks.Key
	Code     checks.Code
	Severity checks.Severity // the highest while it lasted
	Summary  string          // of the latest answer while it lasted
	Began    time.Time
	Ended    time.Time // zero: it has not
	Relapse  bool      // it began within [alerts.RelapseWindow] of the end of the one before
	Changes  int       // of code or severity while it lasted
	// Opening is whether its beginning is known; a history that is cut short at the
	// old end may begin in the middle.
	Opening bool
}

// Lasted is how long it was, or has been so far.
func (s Spell) Lasted(now time.Time) time.Duration {
	if s.Ended.IsZero() {
		return now.Sub(s.Began)
	}
	return s.Ended.Sub(s.Began)
}

// Spells puts changes, oldest first, together to spells, in the order they began. It is a pure function.
func Spells(turns []Turn) []Spell {
	var all []Spell
	open := map[checks.Key]int{}        // index of the spell that has not ended
	ended := map[checks.Key]time.Time{} // end of the last one
	for _, t := range turns {
		i, is := open[t.Key]
		switch {
		case t.Status == checks.Problem && is:
			s := &all[i]
			s.Severity, s.Code, s.Summary = checks.Worse(s.Severity, t.Severity), t.Code, t.Summary
			s.Changes++
		case t.Status == checks.Problem:
			last, before := ended[t.Key]
			open[t.Key] = len(all)
			all = append(all, Spell{Key: t.Key, Code: t.Code, Severity: t.Severity, Summary: t.Summary, Began: t.At,
				Opening: t.Before != checks.Problem, Relapse: before && t.At.Sub(last) <= alerts.RelapseWindow})
		case t.Status == checks.OK:
			if is {
				all[i].Ended = t.At
				delete(open, t.Key)
			}
			ended[t.Key] = t.At
		}
	}
	return all
}

// Dwell sums the spells of one question up.
type Dwell struct {
	Key      checks.Key
	Spells   int
	Open     time.Time     // since when it is a problem; zero: it is not
	Last     time.Time     // when the last one ended; zero: none has
	Sum      time.Duration // of all, as far as they lie after the time asked for
	Clear    time.Duration // the median of those that ended; 0: none has
	Longest  time.Duration
	Relapses int
	Severity checks.Severity // the highest
}

// Dwells sums spells up by question: what is a problem now first, then what was for longest. Since bounds
// Sum; zero is no bound. It is a pure function.
func Dwells(spells []Spell, since, now time.Time) []Dwell {
	at := map[checks.Key]int{}
	var all []Dwell
	var clear [][]time.Duration
	for _, s := range spells {
		i, ok := at[s.Key]
		if !ok {
			i = len(all)
			at[s.Key] = i
			all, clear = append(all, Dwell{Key: s.Key}), append(clear, nil)
		}
		d := &all[i]
		d.Spells++
		d.Severity = checks.Worse(d.Severity, s.Severity)
		d.Longest = max(d.Longest, s.Lasted(now))
		if s.Relapse {
			d.Relapses++
		}
		end := s.Ended
		if end.IsZero() {
			d.Open, end = s.Began, now
		} else {
			d.Last = s.Ended
			if s.Opening {
				clear[i] = append(clear[i], s.Lasted(now))
			}
		}
		begin := s.Began
		if begin.Before(since) {
			begin = since
		}
		d.Sum += max(end.Sub(begin), 0)
	}
	for i := range all {
		all[i].Clear = median(clear[i])
	}
	slices.SortStableFunc(all, func(a, b Dwell) int {
		if a.Open.IsZero() != b.Open.IsZero() {
			return map[bool]int{true: 1, false: -1}[a.Open.IsZero()]
		}
		return cmp.Or(cmp.Compare(b.Sum, a.Sum), a.Key.Compare(b.Key))
	})
	return all
}

// median is the middle of durations, the mean of the two in the middle; 0 for none.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}
