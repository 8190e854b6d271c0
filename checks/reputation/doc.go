// Package reputation answers one question: what do those who rate senders say of this
// one, and is it getting worse?
//
// Most blocks are on no public list. What comes before them can be seen: scores and
// allow lists in the DNS (scores.go), the programmes of large providers (snds.go,
// postmaster.go), and pages without an interface, which a person reads and records
// (pages.go). Each gives a [Reading]: one value of one source about one target. Equal
// readings in a row are one [Span], so that a history is short; [Source.Judge] makes a
// finding of a history, as a pure function. What receivers refuse tells what a page
// without an interface would show ([Believe]).
//
// No data is no blame and no praise: a score that has no entry is neither zero nor good.
package reputation
