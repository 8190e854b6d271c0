package checks

import (
	"cmp"
	"time"
)

// Status is what one check of one target came to.
type Status string

const (
	OK      Status = "ok"      // asked, answered, nothing wrong
	Problem Status = "problem" // asked, answered, needs a person
	Unknown Status = "unknown" // no usable answer; proves nothing either way
)

// Severity is how much a problem is likely to cost, before anything is counted.
type Severity string

const (
	Critical      Severity = "critical"      // mail is being refused widely; told at once
	Major         Severity = "major"         // mail is refused by some receivers; told at once
	Minor         Severity = "minor"         // few receivers use this; told with the next notice
	Informational Severity = "informational" // nobody refuses mail for it; digest only
)

// Rank orders severities: informational 1, minor 2, major 3, critical 4; any
// other text, the empty one included, is 0.
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 4
	case Major:
		return 3
	case Minor:
		return 2
	case Informational:
		return 1
	}
	return 0
}

// Worse returns the higher of two severities.
func Worse(a, b Severity) Severity {
	if b.Rank() > a.Rank() {
		return b
	}
	return a
}

// Key identifies one question that is asked again and again: which check, about
// which target, of which source. Findings with equal keys are the same question
// at different times.
type Key struct {
	Check  string // "dnsbl", "bounce", "resolver", "mailbox", "channel"
	Target string // Target.ID
	Source string // whom we asked or who refused: a list's id, a vendor's id; "" for the monitor itself
}

// Compare orders keys by check, target and source: -1, 0 or 1, as cmp.Compare does.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Check, other.Check), cmp.Compare(k.Target, other.Target), cmp.Compare(k.Source, other.Source))
}

// Finding is the outcome of one question that is not plainly clean, or whose key
// is already known. The plainly clean rest are counts, not findings.
type Finding struct {
	Key      Key
	Target   Target
	Code     Code     // what kind of thing this is; see codes.go
	Status   Status   // an Unknown finding never opens, worsens or closes anything about a target
	Severity Severity // for Problem; empty otherwise
	Summary  string   // one sentence for a person: "192.0.2.10 is listed by SpamCop"
	// Facts are what runbooks and letters fill in, by the names in codes.go ([FactAddress] and its kin).
	Facts    map[string]string
	Evidence []Evidence
	At       time.Time // when the answer was had, UTC
	// Settle is how long an answer of this source may be a cached one (the SOA
	// minimum of a list). Two OK findings at least so far apart close a problem;
	// with 0 one OK does, because it came from the source's own name servers.
	Settle time.Duration
}

// SetFact sets a fact as one clean line of at most most runes (0: no limit); one that is empty is left out.
func (f *Finding) SetFact(name, value string, most int) {
	if value = Line(value, most); value == "" {
		return
	}
	if f.Facts == nil {
		f.Facts = map[string]string{}
	}
	f.Facts[name] = value
}

// SetTargetFact sets the fact that names the target, if it is an address or a domain.
func (f *Finding) SetTargetFact() {
	switch f.Target.Kind {
	case KindAddress:
		f.SetFact(FactAddress, f.Target.String(), 0)
	case KindDomain:
		f.SetFact(FactDomain, f.Target.String(), 0)
	}
}

// Evidence is how we know: the question, the literal answer, and by way of
// whom. It is enough for a removal request or a dispute. Every text may come
// from outside; whoever prints it cleans it first ([Line]).
type Evidence struct {
	Question string    // "10.2.0.192.bl.spamcop.net. A", or "mail to kim@… at mx.example.net"
	Answer   string    // literal: "127.0.0.2", "554 5.7.1 ..."
	Reason   string    // what the source says about it: a TXT record; may be empty
	Via      string    // server asked, or mailbox and UID read
	Controls string    // which controls of the source passed in the same run; may be empty
	Proof    string    // why a mail counts as ours; empty for everything but mail
	Wire     string    // what came with a DNS answer: rcode, flags, TTL, round trip; kept with what changes only
	At       time.Time // UTC
}
