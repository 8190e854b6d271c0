// Package dnsbl answers one question: is this target on that list, and does
// the list work?
//
// Controls come first: does the resolver tell the truth, and does each list hold
// its test entry and not hold its counter-entry (RFC 5782 section 5)? Only then are
// targets asked. A list that fails its controls has no verdict in this run.
//
// One run goes through these steps, a file each: controls.go asks the controls
// and standing.go decides what they prove; targets.go counts off the questions and
// outcome.go reads each answer; confirm.go asks new listings again and fetches what
// the list says about them; findings.go and notices.go put it into words. What is plainly
// clean is a count: a run holds what is in flight and what is listed, never all
// questions.
package dnsbl
