package dnsbl

import (
	"iter"

	"reputed/checks"
)

// Turn is the part of the targets that a list is asked about in one run, where its
// operator's limits leave no time for all: Most of them, from the one with number
// From (counted from 0) on, and on from the first after the last. The next run
// goes on from [ListResult].Next. What is not asked about has no finding, and moves
// nothing. The zero Turn is all targets.
type Turn struct {
	From int
	Most int // 0: all
}

// of walks the part of the targets whose turn it is; total is how many there are.
func (t Turn) of(targets iter.Seq[checks.Target], total int) iter.Seq[checks.Target] {
	if t.Most <= 0 || t.Most >= total {
		return targets
	}
	from := t.From % total
	return func(yield func(checks.Target) bool) {
		// What is before from comes last, in a second walk: nothing is kept.
		end := from + t.Most
		for _, span := range [][2]int{{from, min(end, total)}, {0, end - total}} {
			i := 0
			for x := range targets {
				if i >= span[1] {
					break
				}
				if i >= span[0] && !yield(x) {
					return
				}
				i++
			}
		}
	}
}

// next is where the following run goes on.
func (t Turn) next(total int) int {
	if t.Most <= 0 || t.Most >= total || total == 0 {
		return 0
	}
	return (t.From + t.Most) % total
}
