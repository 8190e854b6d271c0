package report

import (
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/bounce"
)

// Input is everything that a [Report] is built from: plain values, however they were stored.
type Input struct {
	// Trouble is why nothing below could be read, one line; empty: it could.
	Trouble string
	// Config is what is wrong with the configuration, one line; empty: nothing. What could be
	// read of it is used.
	Config string
	// LookedAt is when a moment in the past is looked at; zero: the report is about now. Of how the daemon,
	// mailboxes and logs were then nothing is known but incidents about them. Kept is since when anything is.
	LookedAt, Kept time.Time

	Daemon    Daemon
	Watched   Watched   // what is watched now; from the last complete round if the configuration is not at hand
	Round     Round     // the last complete one; zero: none yet
	Running   time.Time // since when a round is under way; zero: none is
	NextRound time.Time
	// StaleAfter is how old the last complete round may be before "all clear"
	// is no longer said; 0 stands for two hours.
	StaleAfter time.Duration
	Silent     []SilentList // lists that gave no usable answer in the last round
	Mailboxes  []Mailbox
	Logs       []Log
	Channels   []Channel
	Own        []OwnTrouble   // what the daemon says is wrong with itself
	Incidents  []IncidentView // every one that is not resolved
	Resolved   []alerts.Incident
	ByHand     []EndedByHand // of these, what was ended by hand and still so when it was last looked at
	Quiet      []QuietNote   // what was decided not to be told, newest first
	Unanswered []Unanswered  // what we publish and nobody could look up for days, the oldest first
	Ratings    []Rating      // that are told as a problem or were recorded; none of a moment in the past
}

// Unanswered is something that a target should publish, and of which nothing is known.
type Unanswered struct {
	Target string // Target.ID
	What   string // "PTR", "SPF"
	Since  time.Time
}

// Daemon is how the daemon on this database is.
type Daemon struct {
	Alive   bool
	Host    string
	PID     int
	Started time.Time
	Beat    time.Time // last sign of life; zero: there never was one
}

// Watched is how much there is to watch.
type Watched struct {
	Addresses, Domains, Lists int
}

// Round is one run of all questions.
type Round struct {
	Started, Ended time.Time
	Questions      int
	Unanswered     int // of these, unknown, refused or unusable
	Problems       int
}

// SilentList is a list that gave no usable answer.
type SilentList struct {
	ID, Name, Operator string
	Severity           checks.Severity
	Verdict            blocklists.Class // refused, unusable or unknown
	Since              time.Time
	Why                string // untrusted
	Advice             string
}

// OwnTrouble is what the daemon says is wrong with a part of itself.
type OwnTrouble struct {
	Part  string // "config", "backup"
	Since time.Time
	What  string // untrusted
}

// Mailbox is how far a bounce mailbox has been read.
type Mailbox struct {
	Name        string
	UIDValidity uint32
	UID         uint32    // the last one read; 0: never read
	ReadAt      time.Time // when it was last looked at, with success or not; zero: never
	Failing     time.Time // since when it cannot be read; zero: it can
	Error       string    // why not; untrusted
	After       string    // what was to be done with its mails after reading and was not; empty: nothing; untrusted
	Proved      int       // reports in the window that is judged, with proof that they are ours
	Unproved    int       // and without
}

// Log is how far a log of a mail server has been read.
type Log struct {
	Name    string
	ReadAt  time.Time // when it was last looked at, with success or not; zero: never
	Failing time.Time // since when it cannot be read; zero: it can
	Error   string    // why not; untrusted
	Began   time.Time // since when its lines are counted
	Upto    time.Time // time of the latest event in it
	Lines   int       // lines since Began
	Mail    int       // of these, by programs of a mail server
	Told    int       // events that they told
	Unread  int       // lines that should have told one and were not understood
	Gap     string    // what was lost last; untrusted
	GapAt   time.Time // zero: nothing was
}

// untried says whether nobody has tried to read the log yet.
func (l Log) untried() bool { return l.Failing.IsZero() && l.ReadAt.IsZero() && l.Began.IsZero() }

// fewLogLines is below how many lines a log that tells nothing may just be new.
const fewLogLines = 1000

// odd says what is wrong with a log that can be read; empty: nothing.
func (l Log) odd() string {
	switch {
	case l.Told == 0 && l.Lines >= fewLogLines:
		return "0 of " + plural(l.Lines, "line", "lines") + " understood: is it the right file, and is format right?"
	case l.Unread > l.Told && l.Lines >= fewLogLines:
		return number(l.Told) + " of " + plural(l.Told+l.Unread, "outcome", "outcomes") + " understood: is format right?"
	}
	return ""
}

// Channel is how telling people goes.
type Channel struct {
	Name    string
	Queued  int       // notices that wait
	Oldest  time.Time // of these
	Failing time.Time // since when it takes nothing; zero: it does
	Error   string    // untrusted
	SentAt  time.Time // last yes
}

// IncidentView is an incident with what to do about it.
type IncidentView struct {
	Incident    alerts.Incident
	Remediation []checks.Remediation
	Suspicion   bounce.Suspicion // who may be behind it; of incidents about mail
	// Open is how many members are not clear, where only the worst of very many are there; 0: all are there.
	Open int
}

// QuietNote is one decision not to tell, and why.
type QuietNote struct {
	At       time.Time
	Incident int64
	Title    string
	Why      string
}
