// Package probes asks the outside world and reports literally what it said:
// [Resolver] asks the DNS, [Mailbox] reads a mailbox over IMAP, [Log] follows a
// log. It judges nothing: an answer is not yet a listing, and a mail is not yet a bounce.
//
// It is the only package that speaks a network protocol to something we do not
// run, and the only one that imports the DNS and IMAP libraries. A dependency
// that is slow or silent delays only who asked it, and for no longer than the
// stated deadline.
package probes
