// Package report says how things stand, in every form that somebody reads it:
// text for a terminal, JSON and TSV for scripts, and the one line of a
// monitoring plugin.
//
// Each subject is one value that is worked out once ([Check], [Report],
// [Incident], [Bounces], [ListTests]) and then rendered, so that no two forms can
// disagree. The exit code is part of the report: see [Level].
//
// Times are local with an age in text, and UTC in RFC 3339 form in JSON. Text from
// outside (TXT records, bounces, error texts of servers) passes through checks.Line in
// every form, and TSV cells through one function of their own besides; nothing
// else stands between a hostile mail and a terminal.
//
// JSON field names are a promise, written down in docs/json.md.
package report
