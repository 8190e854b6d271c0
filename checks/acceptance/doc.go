// Package acceptance answers whether the receivers of our mail would let us in, and who
// decides that for them.
//
// Most receivers do not judge a sender themselves: a filter stands before them (Cisco Secure
// Email, Proofpoint, Mimecast, Barracuda), or a provider holds their mailboxes (Google,
// Microsoft). Which one is written in their MX records, and often in the greeting (RFC 5321
// section 4.2). What one of them thinks of a sender hits all receivers behind it at once.
package acceptance
