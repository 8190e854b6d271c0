// Package probes asks the outside world and reports literally what it said. It judges
// nothing: an answer is not yet a listing, and a mail is not yet a bounce.
//
// It is the only package that speaks a network protocol to something we do not run, and
// the only one that imports the DNS and IMAP libraries. Its clients are independent of each
// other, and the names of the files say which is which:
//
//   - [Resolver] (resolver_*) asks the DNS, many questions at once.
//   - [Mailbox] (mailbox_*) follows a folder over IMAP; [OAuth] gets the access tokens for it.
//   - [Spool] (spool_*) reads a Maildir or an mbox; [Deliver] puts mail into a Maildir.
//   - [Log] (log_*) follows a log file through its rotations, or the systemd journal.
//   - [Receiver] (receiver_*) talks SMTP to a mail server, and never hands over a message.
//   - [Web] asks the web pages of programmes for senders.
//
// A server that is slow or silent delays only whoever asked it, and for no longer than the
// stated deadline.
package probes
