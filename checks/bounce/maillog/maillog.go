// Package maillog reads the logs of mail servers: what became of each mail for
// each recipient, and in which words receivers refused it.
//
// A log says more than a bounce, and says it days earlier. Postfix takes a
// refusal in the greeting for temporary, so that the bounce comes when the
// mail has expired; OpenSMTPD never passes such a refusal on; and where a
// second MX takes the mail there is no bounce at all.
package maillog

import (
	"time"

	"reputed/checks/bounce"
	"reputed/probes"
)

// Format is how a mail server writes its log.
type Format string

const (
	Auto      Format = ""          // told by each line
	Postfix   Format = "postfix"   // syslog
	Exim      Format = "exim"      // its own main log, or syslog
	OpenSMTPD Format = "opensmtpd" // syslog
	Sendmail  Format = "sendmail"  // syslog
	Courier   Format = "courier"   // syslog
	JSON      Format = "json"      // one object a line, see docs/logs.md
)

// Event is what a log says of one try to deliver one message to one recipient.
type Event struct {
	// Bounce holds Action ([bounce.Failed], [bounce.Delayed] or [bounce.Delivered]), the
	// recipient, who answered what, At, ReportingHost (the logging host, as the log
	// names it, which may be its short name), QueueID, Source if the log names it, and
	// MessageID and Sender as far as earlier lines told them. Of a delivery the
	// Diagnostic is empty and the Judgement has only the Vendor.
	bounce.Bounce

	// Tag is what the configuration maps to an outbound address: the syslog tag
	// ("postfix/out25/smtp"), or Exim's transport ("remote_smtp").
	Tag string
	// Final says that the MTA will not try again: bounced, expired or delivered.
	Final bool
	// Interim says that one host of the receiver refused and another one was
	// tried at once: the outcome for the recipient is an event of its own. Action
	// is then Delayed, as the reply is evidence of a refusal whatever came after.
	Interim bool
}

// Options is what a [Reader] needs to know.
type Options struct {
	Format Format           // default Auto
	Rules  *bounce.Rules    // judges the refusals; nil: every Judgement stays empty
	Zone   *time.Location   // of times that name none; default time.Local
	Host   string           // ReportingHost where the lines name none, as in Exim's own log
	Now    func() time.Time // tells the year of times that have none; default time.Now
}

// Stats counts lines since [New].
type Stats struct {
	Lines   int // all of them
	Mail    int // lines of a mail server's programs
	Events  int // events that were read
	Unread  int // lines of a mail server that should have told an outcome and could not be read
	Waiting int // messages that earlier lines told something of, now in memory
}

// Reader puts events together from the lines of one log. It is pure but for
// what it remembers of earlier lines; see [Reader.State]. Not for concurrent use.
type Reader struct {
	opt   Options
	stats Stats
}

// New makes a reader.
func New(opt Options) *Reader { return &Reader{opt: opt} }

// Read takes the next lines of the log and returns the events that are
// complete with them, in the order of the log. It does not matter how lines are
// divided over calls. Strings of the events may share memory with the lines.
func (r *Reader) Read(lines []probes.LogLine) []Event {
	r.stats.Lines += len(lines)
	return nil
}

// Stats returns what was read so far.
func (r *Reader) Stats() Stats { return r.stats }

// State returns what the reader remembers of earlier lines, as JSON, at most
// 1 MiB; nil if nothing. It is to be stored with the position of the last lines read.
func (r *Reader) State() []byte { return nil }

// Restore puts back what State returned; nil is the state of a new reader. An
// error says that the state cannot be read and nothing was restored: the reader works, and some
// events lack their sender.
func (r *Reader) Restore([]byte) error { return nil }

// Looks says whether the first bytes of a file (some KiB) look like a mail
// server's log, and not like a mail.
func Looks(first []byte) bool { return false }
