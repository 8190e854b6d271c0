// Package checks is the vocabulary that every check, alert and report shares:
// what is watched ([Target]), what asking came to ([Finding], [Status],
// [Severity]), how we know ([Evidence]), what it costs ([Impact]) and what to
// do ([Remediation]).
//
// It holds values and no behaviour that waits: no network, disk or clock.
// The packages below it (dnsbl, bounce, ...) produce findings; alerts folds
// them into incidents. A finding is not an error: "this address is listed" is
// the successful outcome of a check.
package checks
