// Package identity reads what senders publish of themselves in the DNS, and judges it as
// receivers do before they look at a mail.
//
// An address has a name (PTR), the name leads back to it, and the server greets with it (HELO). A
// domain says by SPF (RFC 7208) which addresses may send in its name, publishes the keys that
// its mail is signed with (DKIM, RFC 6376), and says what is to become of mail for which neither
// passes (DMARC, RFC 7489). [Check.Run] looks at all of that and gives an [Item] for
// each rule: good, bad, could be better, or not known. What there was no answer about is not
// known, never missing; a name that does not exist is an answer. What a run saw is given as
// [Published] too, so that a change can be told.
//
// [Require] lays what was found beside what large receivers ask of senders (requirements.toml).
//
// SPF is read twice. The result for one address is that of a library ([Check.Run]), which is
// answered out of the same answers. The record itself is taken apart here: how many look-ups it
// needs and which term costs them ([Audit]), and which addresses it authorises ([Flatten]).
package identity
