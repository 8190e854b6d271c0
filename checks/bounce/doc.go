// Package bounce reads the mail that comes back and says what a refusal means.
//
// A receiver that will not take a mail says so in an SMTP reply; the sending
// MTA wraps that reply into a report: a delivery status notification (DSN,
// RFC 3464) with one block per recipient, or some older free form. [Parse]
// takes one mail apart into a [Report]; [Classify] reads one [Diagnostic] with rules that
// are data (rules/), and says which class of refusal it is, who refused, which list
// or address it names; [Judge] turns counts of them into findings and impact.
//
// A bounce mailbox can be written to by anyone, so [Prove] says why a report is
// ours. Without proof it is shown and decides nothing.
package bounce
