// Package dnsbl answers one question: is this target on that list, and does
// the list work?
//
// Controls come first: does the resolver tell the truth, and does each list hold
// its test entry and not hold its counter-entry (RFC 5782 section 5)? Only then is a
// list asked about targets. A list that fails its controls has no verdict in this run, and
// what may open or close an incident is told only after the controls have passed once more.
//
// One run goes through these steps, a file each: controls.go asks the controls
// and standing.go decides what they prove; targets.go asks every list at its own
// pace and outcome.go reads each answer; confirm.go asks new listings again and fetches
// what the list says about them; findings.go and notices.go put it into words. What is
// plainly clean is a count: a run holds what is in flight and what is listed, never all
// questions.
package dnsbl
