package report

import (
	"fmt"
	"time"
)

// Budget is how much a list is asked, and how much its operator lets us ask.
type Budget struct {
	Since    time.Time // when the first of the rounds that are counted began; zero: none ended within the span
	Rounds   int
	Asked    int     // questions about targets in these rounds
	Together int     // the same of all lists of the operator that are asked, which share its limits
	Lists    int     // how many these are
	PerDay   int     // that the operator allows; 0: not known
	Rate     float64 // questions a second; 0: not known
	Operator string
	Parts    bool // each round asks about a part of the targets, for the limits
}

// BudgetSpan is the time over which questions are counted.
const BudgetSpan = 24 * time.Hour

// Used is the part of what is allowed in a day that was asked in the last one; -1: not known.
func (b Budget) Used() float64 {
	if b.PerDay <= 0 || b.Since.IsZero() {
		return -1
	}
	return float64(b.Together) / float64(b.PerDay)
}

// Facts are the budget in words.
func (b Budget) Facts(t Term, now time.Time) []Fact {
	var out []Fact
	add := func(label, text string) { out = append(out, Fact{Label: label, Text: text}) }
	if b.Since.IsZero() {
		add("asked", "not known: no round has ended in the last 24 h")
	} else {
		within := "in the last 24 h"
		if short := now.Sub(b.Since); short < BudgetSpan*3/4 {
			within = "since " + t.clock(b.Since, now) + ", " + span(short)
		}
		add("asked", plural(b.Asked, "question", "questions")+" about targets "+within+", in "+plural(b.Rounds, "round", "rounds"))
		if b.Lists > 1 {
			add("together", fmt.Sprintf("%s with %s of %s, which count together", plural(b.Together, "question", "questions"), plural(b.Lists-1, "other list", "other lists"), clean(b.Operator)))
		}
		add("besides", "controls and what is asked again to be sure come on top: about a dozen a round")
	}
	switch used := b.Used(); {
	case b.PerDay <= 0:
		add("a day", "not known: no limit is published as a number")
	case used < 0:
		add("a day", number(b.PerDay)+" allowed")
	default:
		add("a day", fmt.Sprintf("%s allowed, %.0f %% used", number(b.PerDay), used*100))
	}
	if b.Rate > 0 {
		add("rate", fmt.Sprintf("%g a second allowed, and never exceeded", b.Rate))
	} else {
		add("rate", "not known: no limit is published as a number")
	}
	if b.Parts {
		add("so", "each round asks about as many targets as that allows, and the next one goes on from there")
	}
	return out
}
