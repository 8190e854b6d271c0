package probes

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Type is a DNS resource record type by its name (RFC 1035 section 3.2.2).
type Type string

const (
	TypeA    Type = "A"
	TypeAAAA Type = "AAAA"
	TypeTXT  Type = "TXT"
	TypeSOA  Type = "SOA"
	TypeNS   Type = "NS"
	TypePTR  Type = "PTR"
	TypeMX   Type = "MX"
)

// Question is one question to the DNS. Ref is the caller's own and comes back with the
// answer, so that the caller needs to keep nothing per question.
type Question struct {
	Name  string // absolute, as in "2.0.0.127.zen.spamhaus.org."; letters in any case
	Type  Type
	Group string // opaque key of the operator whose limits the question counts against; may be empty
	Avoid string // server to try last, as [Answer].Server names it, for a second opinion; may be empty
	// At are the servers to ask in place of the resolver's own; nil: the resolver's. They are
	// either name servers of the zone, which are not asked to recurse and are believed only
	// with the AA bit, or [Forwarders], which are asked in the way the resolver's own are.
	At  *Servers
	Ref uint64
}

// String returns the question as evidence shows it: "2.0.0.127.bl.example. A".
func (q Question) String() string { return q.Name + " " + string(q.Type) }

// Answer is what one server said to one question. A name that does not exist
// (RCode "NXDOMAIN") and an answer without records are answers.
type Answer struct {
	RCode         string   // "NOERROR" or "NXDOMAIN"; every other rcode is an error
	Records       []Record // of the type asked, at the end of the CNAMEs that the answer holds
	SOA           SOA      // of the authority section, if there was one: the zone exists, and how long "no" lasts
	Authoritative bool     // the AA bit: a name server of the zone itself said it
	Flags         Flags    // of the header
	Server        string   // "192.0.2.53:53"
	RTT           time.Duration
}

// Record is one resource record.
type Record struct {
	Name string
	TTL  time.Duration
	Addr netip.Addr // for A and AAAA
	Text string     // for TXT the joined strings, unescaped; else the data as in a zone file
}

// SOA is the start of authority that came with a negative answer (RFC 2308).
type SOA struct {
	Zone    string        // empty: none came
	Minimum time.Duration // how long this negative answer may be cached: the lesser of MINIMUM and the TTL (RFC 2308 section 5)
	Ceiling time.Duration // the MINIMUM field alone: no cache keeps a "no" for longer, and it does not count down in a cache, as Minimum does
}

// Exists says whether the name exists with at least one record of the type asked.
func (a Answer) Exists() bool { return len(a.Records) > 0 }

// Addrs returns the addresses of the records, in the order of the answer.
func (a Answer) Addrs() []netip.Addr {
	var addrs []netip.Addr
	for _, r := range a.Records {
		if r.Addr.IsValid() {
			addrs = append(addrs, r.Addr)
		}
	}
	return addrs
}

// String returns the answer literally, as evidence shows it: "127.0.0.2, 127.0.0.4" or "NXDOMAIN".
func (a Answer) String() string {
	if len(a.Records) == 0 {
		if a.RCode == "NOERROR" {
			return "NOERROR without records"
		}
		return a.RCode
	}
	parts := make([]string, 0, len(a.Records))
	for _, r := range a.Records {
		if r.Addr.IsValid() {
			parts = append(parts, r.Addr.String())
		} else {
			parts = append(parts, r.Text)
		}
	}
	return strings.Join(parts, ", ")
}

// Why a question has no usable answer. None of these proves anything about the name.
var (
	// ErrTimeout: no server answered in time. Trying again may help.
	ErrTimeout = errors.New("no answer")
	// ErrServFail: every server that answered said SERVFAIL (RFC 1035 section 4.1.1), another
	// rcode that is neither an answer nor a refusal, or something that answers nothing, such
	// as a referral. Trying again may help.
	ErrServFail = errors.New("server failure")
	// ErrRefused: the server refuses to answer us (rcode REFUSED). Trying again
	// does not help until something changes.
	ErrRefused = errors.New("refused")
	// ErrUnreachable: the server's port is closed or there is no route. Trying
	// again helps once the resolver runs.
	ErrUnreachable = errors.New("server not reachable")
	// ErrName: it is not a legal DNS name (RFC 1035 section 2.3.4), or not a type that we know.
	// Trying again never helps.
	ErrName = errors.New("not a legal name")
)

// AskError says which question failed at which server. It unwraps to one of the errors
// above, or to that of the context.
type AskError struct {
	Question Question
	Server   string // the last one tried; may be empty
	RCode    string // if a server answered
	Err      error
}

// Error returns one line: "query 2.0.0.127.bl.example. A at 192.0.2.53:53: no answer".
func (e *AskError) Error() string {
	at := ""
	if e.Server != "" {
		at = " at " + e.Server
	}
	rcode := ""
	if e.RCode != "" {
		rcode = " (" + e.RCode + ")"
	}
	return fmt.Sprintf("query %s%s: %v%s", e.Question, at, e.Err, rcode)
}

func (e *AskError) Unwrap() error { return e.Err }
