package alerts

import (
	"fmt"
	"time"

	"reputed/checks"
)

// State is where an incident stands (design section 5).
type State string

const (
	Open         State = "open"
	Acknowledged State = "acknowledged" // somebody has taken it: no reminders
	Silenced     State = "silenced"     // told to nobody until Silence.Until
	Clearing     State = "clearing"     // every member was clean once; not yet often enough
	Resolved     State = "resolved"
)

// Incident is one cause of trouble through time.
type Incident struct {
	ID       int64  // given by the store; 0 before it is stored
	Cause    string // what joins findings to it: "target:192.0.2.10", "source:spamcop", "monitor:resolver"
	Title    string // one line for people, made by us from a finding's summary
	State    State
	Severity checks.Severity
	Members  []Member // worst first
	Impact   checks.Impact

	Opened   time.Time
	Changed  time.Time // last opened, worsened, improved or resolved
	LastSeen time.Time // last time a member was seen as a problem
	Resolved time.Time
	Ended    time.Time // when it was last resolved before it came back; zero: it never was

	AckedBy string
	AckedAt time.Time
	Silence Silence
	Note    string // last note by a person

	Told      []string  // channels that have told of it since it opened, by name
	LastTold  time.Time // of opened, worsened or reminder, to whomever
	Said      time.Time // until when what changed was said to all who were told ([News]); zero: LastTold
	Reminded  int       // reminders since the last acknowledgement or rise
	Paged     time.Time // first told as a page since it opened or got worse; zero: it was not
	Escalated time.Time // told to the second channel; zero: not
	Existing  bool      // was there when the target was first looked at, or refused when watching began ([Incident.Already])
	Relapses  int       // how often it came back within RelapseWindow

	Turns    []time.Time // when it opened and came clean, the last of FlapWindow
	Flapping time.Time   // since when it has been flapping; zero: it is not
}

// Silence is a time in which nobody is told of an incident. The zero value is none.
type Silence struct {
	By     string // who wanted it
	Reason string
	Since  time.Time
	Until  time.Time
	Noted  bool // it was said that it is about to end
}

// clockStep is how far a clock may be put back without anything being thought of it.
const clockStep = time.Minute

// Holds says whether the silence lasts at that time. One that begins later was made by a clock that ran ahead and was
// put right: it is over, rather than lasting until that clock's time comes.
func (s Silence) Holds(now time.Time) bool {
	return now.Before(s.Until) && !now.Before(s.Since.Add(-clockStep))
}

// ends is when to say that a silence is about to end: an hour before, or when the last
// quarter of a short one begins.
func (s Silence) ends() time.Time {
	return s.Until.Add(-min(time.Hour, s.Until.Sub(s.Since)/4))
}

// Member is one question of an incident: a finding's key and its latest outcome.
type Member struct {
	Finding    checks.Finding // the latest with Status Problem: evidence and facts
	First      time.Time      // first seen as a problem in this incident
	Last       time.Time      // last seen as a problem
	ClearSince time.Time      // first of an unbroken run of OK findings; zero: not clear
	Clear      bool           // closed: two OK findings a Settle apart, or one authoritative
	Unknown    time.Time      // since when the question has had no answer; zero: it has
	Turned     time.Time      // when it was last decided that it is a problem, or clear
}

// ChangeKind is what happened to an incident.
type ChangeKind string

const (
	Opened   ChangeKind = "opened"
	Worsened ChangeKind = "worsened"
	Updated  ChangeKind = "updated" // a member joined or left, or impact moved, without a rise in severity
	Reminder ChangeKind = "reminder"
	Ended    ChangeKind = "resolved"
	// Escalated: a page that nobody acknowledged is told to a second channel.
	Escalated ChangeKind = "escalated"
	// Flapped: it has opened and ended too often, and is held open from now on.
	Flapped ChangeKind = "flapping"
	// SilenceEnding: nobody was told of it for a while, and will be again soon.
	SilenceEnding ChangeKind = "silence ending"
	// Daily: the digest, which is about many incidents.
	Daily ChangeKind = "digest"
	// Periodic: the report about a time that is over.
	Periodic ChangeKind = "report"
	Quiet    ChangeKind = "quiet" // stored only, and said why nobody is told
)

// Change is one step of one incident. Tell says whether people hear of it, Channels who
// tells them. When it is false, or NotBefore puts it off, Why says the reason, which is
// kept for `reputed explain`.
type Change struct {
	Kind      ChangeKind
	Incident  Incident // as it is after the change
	At        time.Time
	Tell      bool
	Channels  []string  // by name, in order; of a change that is told
	First     []string  // those of Channels to which the incident is new, where others knew of it: told as [Opened]
	NotBefore time.Time // when it may be told; zero: at once
	Why       string
	New       []checks.Key // members that this change is about
	News      *News        // of kind Updated, told in threads alone: nobody is called for it
}

// Notification is one change, ready to be told: everything that a channel
// renders, and nothing that it has to look up.
type Notification struct {
	ID          string // dedup key, the same for every try: "12/opened/1764090000"
	Kind        ChangeKind
	At          time.Time
	Incident    Incident             // with its worst members, of very many
	Targets     int                  // how many targets the incident is about ([Incident.Brief]); 0: those of its members
	Remediation []checks.Remediation // for the open members (those of News, if that is set), worst first, each runbook once
	Command     string               // "reputed incident show 12"
	News        *News                // of kind Updated: what to answer to the message of the incident, which nobody is called for
	Digest      *Digest              // of kind Daily, in place of the incident
	Review      *Review              // of kind Periodic, in place of the incident
	Rehearsal   bool                 // from drill or demo: the channel marks it clearly
}

// Thread is what all notifications of one incident have in common, from its opening to
// its end: the key by which other systems keep them together. A relapse is a thread of
// its own, and a rehearsal is never that of an incident. Two monitors that tell one
// channel do not meet in it, since it holds the second in which the incident opened. A
// digest is a thread of its own, and so is a review.
func (n Notification) Thread() string {
	thread := fmt.Sprintf("%d-%d", n.Incident.ID, n.Incident.Opened.Unix())
	switch {
	case n.Digest != nil:
		thread = fmt.Sprintf("0-%d", n.Digest.Until.Unix()) // no incident has this number
	case n.Review != nil:
		thread = fmt.Sprintf("00-%d", n.Review.Until.Unix()) // nor this
	case n.Incident.ID == 0:
		thread = fmt.Sprintf("000-%d", n.Incident.Opened.Unix()) // told without having been stored
	}
	if n.Rehearsal {
		return "rehearsal-" + thread
	}
	return thread
}
