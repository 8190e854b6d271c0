package bounce

import (
	"cmp"
	"maps"
	"slices"
)

// Verdict is what rules may say differently of one refusal.
type Verdict struct {
	Category  Category
	Vendor    string
	Blocklist string
	Rule      string
}

// Shift is a group of refusals that two sets of rules judge differently, and all in the same way.
type Shift struct {
	Before, After Verdict
	Count         int
	Gained, Lost  int      // of these, those that begin, or cease, to count as refusals for reputation
	Samples       []string // diagnostics, at most 3, one for each wording
}

// Replay compares what two sets of rules say of the same refusals. Nothing is kept
// of them but counts and samples.
type Replay struct {
	Before, After *Rules

	Refusals int // that were looked at
	Changed  int // that are judged differently
	Was, Is  map[Category]int
	shifts   map[[2]Verdict]*shift
}

type shift struct {
	Shift
	shapes map[string]bool
}

// NewReplay compares the rules in force with others.
func NewReplay(before, after *Rules) *Replay {
	return &Replay{Before: before, After: after, Was: map[Category]int{}, Is: map[Category]int{}, shifts: map[[2]Verdict]*shift{}}
}

// Add judges one refusal by both.
func (r *Replay) Add(b Bounce) {
	was, is := r.Before.Classify(b.Diagnostic, b.RemoteHost), r.After.Classify(b.Diagnostic, b.RemoteHost)
	r.Refusals++
	r.Was[was.Category]++
	r.Is[is.Category]++
	key := [2]Verdict{verdictOf(was), verdictOf(is)}
	if key[0] == key[1] && was.Reputation == is.Reputation {
		return
	}
	r.Changed++
	s := r.shifts[key]
	if s == nil {
		s = &shift{Shift: Shift{Before: key[0], After: key[1]}, shapes: map[string]bool{}}
		r.shifts[key] = s
	}
	s.Count++
	switch {
	case is.Reputation && !was.Reputation:
		s.Gained++
	case was.Reputation && !is.Reputation:
		s.Lost++
	}
	if len(s.Samples) < 3 {
		if shape := Shape(b.Diagnostic.Text); !s.shapes[shape] {
			s.shapes[shape] = true
			s.Samples = append(s.Samples, MaskText(b.Diagnostic.Text))
		}
	}
}

func verdictOf(j Judgement) Verdict { return Verdict{j.Category, j.Vendor, j.Blocklist, j.Rule} }

// Shifts are what changes, the most frequent first.
func (r *Replay) Shifts() []Shift {
	var all []Shift
	for s := range maps.Values(r.shifts) {
		all = append(all, s.Shift)
	}
	slices.SortFunc(all, func(a, b Shift) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.After.Rule, b.After.Rule), cmp.Compare(a.Before.Rule, b.Before.Rule),
			cmp.Compare(a.Before.Category, b.Before.Category), cmp.Compare(a.Before.Vendor, b.Before.Vendor), cmp.Compare(a.Before.Blocklist, b.Before.Blocklist),
			cmp.Compare(a.After.Vendor, b.After.Vendor), cmp.Compare(a.After.Blocklist, b.After.Blocklist))
	})
	return all
}
