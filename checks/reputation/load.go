package reputation

import (
	"iter"
	"time"

	"reputed/checks"
)

// Load is what one run asks of one score that works.
type Load struct {
	ID, Operator string
	Served       int // targets that it serves
	Questions    int // about those whose turn it is
	Controls     int
}

// Loads are what [Scores.Ask] would ask at that time, by the same rules, in the order of the scores.
// It asks nothing.
func (s Scores) Loads(now time.Time, targets iter.Seq[checks.Target]) []Load {
	total := 0
	for range targets {
		total++
	}
	var all []Load
	for _, sc := range s.Scores {
		if !asked(sc) {
			continue
		}
		l, list := Load{ID: sc.ID, Operator: sc.Operator}, sc.List()
		if sc.Clean4.IsValid() {
			l.Controls = 1
		}
		from, most := s.part(sc, total, now)
		i := -1
		for t := range targets {
			i++
			if questionOf(list, t) == "" {
				continue
			}
			l.Served++
			if i >= from && i < from+most {
				l.Questions++
			}
		}
		all = append(all, l)
	}
	return all
}
