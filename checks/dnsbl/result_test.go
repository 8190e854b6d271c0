package dnsbl

import (
	"reputed/checks"
)

// What the tests ask of a result. What a run means for an exit code is decided in
// one place, where it is reported.

// Unanswered are the pairs about which nothing is known.
func (c Counts) Unanswered() int { return c.Refused + c.Unusable + c.Unknown }

// Pairs are all that the list serves.
func (c Counts) Pairs() int {
	return c.Listed + c.Policy + c.Informational + c.Good + c.Clean + c.Unproved + c.Unanswered()
}

// Worst is the highest severity of what is listed; empty if nothing is. Policy and informational entries are not counted in: see [Result.Policy].
func (r Result) Worst() checks.Severity {
	var s checks.Severity
	for _, l := range r.Lists {
		s = checks.Worse(s, l.Worst)
	}
	return s
}

// Policy says whether a list says that a target should not send mail by itself.
func (r Result) Policy() bool {
	for _, l := range r.Lists {
		if l.Counts.Policy > 0 {
			return true
		}
	}
	return false
}

// CannotTell are the lists that answered nothing usable about some target and
// whose listings are critical. One of them is enough for "could not tell".
func (r Result) CannotTell() []ListResult {
	var lists []ListResult
	for _, l := range r.Lists {
		if l.Severity == checks.Critical && l.Unanswered() > 0 {
			lists = append(lists, l)
		}
	}
	return lists
}

// UnknownShare is which part of all pairs has no usable answer, 0 to 1. More than
// half is "could not tell" too.
func (r Result) UnknownShare() float64 {
	pairs, unknown := 0, 0
	for _, l := range r.Lists {
		pairs += l.Pairs()
		unknown += l.Unanswered()
	}
	if pairs == 0 {
		return 0
	}
	return float64(unknown) / float64(pairs)
}
