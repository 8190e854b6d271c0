package bounce

import "time"

// Counts is everything that [Judge] judges: what the store counted.
type Counts struct {
	Tallies     []Tally
	Hours       []Hour // of the targets judged, and of receivers that refuse or defer
	Acceptances []Acceptance
	Complaints  []ComplaintTally
}

// Hour is what became of the mail of one target in one hour, as logs tell it. A message
// counts once as deferred and once as refused, in the hours in which it first was.
type Hour struct {
	Target    string    // checks.Target ID
	Receiver  string    // recipient domain; empty: all receivers together
	At        time.Time // beginning of the hour, UTC
	Delivered int
	Deferred  int // for reputation
	Refused   int // for reputation
}

// Acceptance is whether a receiver that refused mail of a target takes it again, as
// logs tell it. Deliveries before the last refusal are not in it.
type Acceptance struct {
	Target   string    // checks.Target ID
	Receiver string    // recipient domain
	Refused  time.Time // the last refusal for reputation
	First    time.Time // the first mail taken since; zero: none
	Last     time.Time
	Accepted int // mails taken since
}

// ComplaintTally is how many proved complaints one reporter sent about one target in
// the window that is judged.
type ComplaintTally struct {
	Target   string // checks.Target ID
	Reporter string // who reports: a host, "SpamCop", "Microsoft JMRP"; may be empty
	Count    int
	First    time.Time
	Last     time.Time
	Sample   Feedback // the latest one
	Via      string   // mailbox and UID of the sample
	Proof    Proof    // of the sample
}
