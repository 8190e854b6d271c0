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
	PowerMTA  Format = "powermta"  // its accounting files, CSV
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

	// Origin is who handed us the mail, as far as earlier lines told.
	Origin Origin

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

// Origin is where a mail of ours comes from: the first place to look when somebody complains.
type Origin struct {
	Sender string // envelope sender, whole, domain in lower case; "" for a bounce
	Login  string // who had signed in: Postfix's sasl_username, the id in Exim's A=
	Client string // who connected: "192.0.2.80", with its name "pc.example.org [192.0.2.80]"; a local user as "user www-data"
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
	opt     Options
	stats   Stats
	memory  memory
	clock   clock
	columns *accounts         // of PowerMTA's accounting file, once they are known
	vendors map[string]string // by receiving host
	rawHost string            // as the lines name the logging host, and
	host    string            // as events do
}

// New makes a reader.
func New(opt Options) *Reader {
	if opt.Zone == nil {
		opt.Zone = time.Local
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Reader{opt: opt, memory: newMemory(), clock: clock{zone: opt.Zone}, vendors: map[string]string{}}
}

// Read takes the next lines of the log and returns the events that are
// complete with them, in the order of the log. It does not matter how lines are
// divided over calls.
func (r *Reader) Read(lines []probes.LogLine) []Event {
	var out []Event
	r.clock.now = r.opt.Now()
	for i := range lines {
		r.stats.Lines++
		l := &lines[i]
		e, ok := header(l)
		if !ok {
			out = r.line(l.Text, nil, out)
			continue
		}
		out = r.program(&e, out)
	}
	return out
}

// Stats returns what was read so far.
func (r *Reader) Stats() Stats {
	r.stats.Waiting = r.memory.order.Len()
	return r.stats
}

// State returns what the reader remembers of earlier lines, as JSON, at most
// 1 MiB; nil if nothing. It is to be stored with the position of the last lines read.
func (r *Reader) State() []byte { return r.memory.encode() }

// Restore puts back what State returned; nil is the state of a new reader.
// After an error the reader remembers nothing and works: some events lack their sender.
func (r *Reader) Restore(b []byte) error {
	m, err := decode(b)
	r.memory, r.columns = m, nil
	return err
}

// key names a note: what is told of one thing by one host.
func (r *Reader) key(e *entry, of string) string { return r.hostOf(e) + " " + of }
