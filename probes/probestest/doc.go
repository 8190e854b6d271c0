// Package probestest holds small, real doubles of what probes talks to, on the loopback: a DNS
// server that serves blocklists ([DNS]), an IMAP server ([IMAP]), an SMTP server ([SMTP]), a
// token endpoint ([OAuth]) and the pages of programmes for senders ([Programmes]). They can
// misbehave in every way that has fooled a monitor before. Tests use them, and so does the
// rehearsal of `reputed demo`.
//
// Production code that probes anything never imports it.
package probestest

// tb is the part of testing.TB that is used here. The binary holds these doubles for its
// rehearsal, and is not to hold the package testing with them.
type tb interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
}
