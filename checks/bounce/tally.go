package bounce

import "time"

// Tally is how many proved bounces of one kind there were in the window that is
// judged. The store counts, [Judge] judges.
type Tally struct {
	Target    string   // checks.Target ID that the refusals are laid at
	Receiver  string   // recipient domain
	Vendor    string   // may be empty
	Blocklist string   // may be empty
	Category  Category // only reputation categories are tallied
	Rule      string
	Remedy    string
	Refused   int // action failed
	Deferred  int // action delayed
	First     time.Time
	Last      time.Time
	Sample    Bounce // the latest one: its diagnostic is the evidence; Recipient holds only the domain part
	Via       string // mailbox and UID of the sample: "mailbox bounces, UID 4711"
	Proof     Proof  // of the sample
}
