// Package blocklists holds what is known about each DNS blocklist and how its
// answers are read.
//
// A DNS blocklist (DNSBL) is a DNS zone. To ask whether 192.0.2.10 is on it, the
// octets are reversed, the zone is appended, and the A record of
// 10.2.0.192.bl.example. is looked up (RFC 5782 section 2.1); a domain is put in
// front of the zone as it is (section 3). No record means "not listed". A record in
// 127.0.0.0/8 is a return code, whose meaning only the list's operator knows:
// listed for spam, a policy statement, a score, praise, or "I refuse to answer
// you". A list proves that it works by two control points: one entry that must
// be there and one that must not (section 5).
//
// The package does no lookups. [Zone] describes one list, [Zone.QueryName]
// makes the name to ask, [Zone.Judge] reads the codes that came back;
// [Zone.ControlQuestions] and [Zone.JudgeControl] do the same for the control
// points. Built-in lists ([Builtin]) and user-defined ones ([Spec.UserZone])
// are the same type, are written with the same keys, and pass the same
// [Zone.Validate]. [ReadCatalog] reads more files of the catalogue's form, and
// [Catalog.With] lets them add to it and replace in it.
//
// Some lists are asked with a subscriber's key in the query name. [Zone.WithKey] puts
// it there, [Zone.Redact] takes it out of what is shown. [Unasked] lists and
// [Score] zones are known and not asked as lists. [Catalog.FindDead] knows the zones that nobody
// should ask any more, and [Named] finds the list that a refusal names.
package blocklists
