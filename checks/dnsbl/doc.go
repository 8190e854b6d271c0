// Package dnsbl answers one question: is this target on that list, and does
// the list work?
//
// Controls come first: does the resolver tell the truth, and does each list hold
// its test entry and not hold its counter-entry (RFC 5782 section 5)? Only then are
// targets asked. A list that fails its controls has no verdict in this run.
package dnsbl
