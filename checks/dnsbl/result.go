package dnsbl

import (
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// State is how a list stands in one run.
type State string

const (
	Working   State = "working"    // its controls passed, or it publishes none and exists
	Refused   State = "refused"    // the operator does not answer our resolver
	Unusable  State = "unusable"   // it lists the world, is parked, or is gone
	Unknown   State = "unknown"    // no answer, or most questions had none
	NotNeeded State = "not needed" // it serves nothing that was to be asked about
)

// Result is what a run came to, in counts. Pairs are of one target and one list.
type Result struct {
	Lists     []ListResult // in the order of Check.Zones
	Targets   int          // addresses and domains
	Domains   int          // of these
	Asked     int          // pairs put to the DNS
	Answered  int          // of them, with a usable answer
	Questions int          // put to the DNS, controls and reasons included
	Rewriting bool         // the resolver invents answers: nothing was asked through it
	Blind     bool         // more than half of the lists needed had no answer, of those without a forwarder
	// Notices are the findings about lists and the resolver, which were emitted too.
	Notices  []checks.Finding
	Duration time.Duration
}

// Counts are pairs of one list by what became of them.
type Counts struct {
	Listed        int
	Policy        int
	Informational int
	Good          int
	Clean         int
	Unproved      int // no entry, but the list proves nothing by that: it publishes no test entry
	Refused       int // these three: by the answer itself, or set aside for the run
	Unusable      int
	Unknown       int
	NotCovered    int // targets of a family that the list does not serve; not asked
}

// ListResult is one list in one run.
type ListResult struct {
	ID       string
	Title    string
	Operator string
	Severity checks.Severity // of a listing whose code has none of its own
	State    State           // of several families the worst
	Why      string          // what is wrong and what to do; empty for a list that works
	Controls []ControlResult
	Path     Path         // by which its verdicts were had; empty if nothing was asked
	Paths    []PathResult // all that were tried, in that order
	Servers  []string     // its forwarders, as "192.0.2.53:53"; none for a list without
	Asked    int          // pairs put to the DNS
	Answered int
	Left     int // targets whose turn it was not; Next says where the next run goes on
	Next     int
	Worst    checks.Severity // of its listings; empty without one
	Counts
}

// ControlResult is one control question: an entry that must exist or must not,
// or the question for the zone's own SOA.
type ControlResult struct {
	Family   blocklists.Family // empty for the SOA
	Want     bool              // the entry must exist
	Passed   bool
	Evidence checks.Evidence
	RTT      time.Duration // 0 without an answer
}
