package alerts

import (
	"errors"
	"fmt"
	"time"

	"reputed/checks"
)

// ActionKind is what a person can do to an incident.
type ActionKind string

const (
	Ack         ActionKind = "ack"       // take it on: no reminders until it gets worse
	Mute        ActionKind = "silence"   // nobody is told of it until Until
	Unmute      ActionKind = "unsilence" // end a silence early
	AddNote     ActionKind = "note"
	Requested   ActionKind = "requested" // removal was asked of a list or receiver
	ResolveHand ActionKind = "resolve"   // end it: it is opened anew if it is seen again
	StepDone    ActionKind = "step"      // a step of the runbook was done; Note is the step
	StepOpen    ActionKind = "step-open" // and was not, after all
)

// Done is the action as its event says it: "acknowledged".
func (k ActionKind) Done() string {
	switch k {
	case Ack:
		return "acknowledged"
	case Mute:
		return "silenced"
	case Unmute:
		return "silence ended"
	case AddNote:
		return "noted"
	case Requested:
		return "removal requested"
	case ResolveHand:
		return "resolved by hand"
	case StepDone:
		return "step done"
	case StepOpen:
		return "step not done"
	}
	return string(k)
}

// Action is one thing that a person does to one incident, by the command line or by a
// button of a channel.
type Action struct {
	Kind     ActionKind
	Incident int64
	By       string // who; one line is kept of it, at most 100 runes
	Note     string // what they say; the reason of a silence, which needs one; at most 500 runes
	At       time.Time
	Until    time.Time // of Mute: later than At, at most MaxSilence
	Request  Request   // of Requested
}

// MaxSilence is how long a silence is at most: one for ever is a monitor that is switched off.
const MaxSilence = 90 * 24 * time.Hour

// Request is one removal that was asked for. Nothing of it may be known but whom.
type Request struct {
	List     string        // id of the list, or who refused as a key's Source has it
	Ref      string        // ticket or case number; one line, at most 100 runes
	Promised time.Duration // how long it takes, as the operator says; 0: nobody says
	CoolDown time.Duration // asking again sooner is held against us; 0: not known
	Key      checks.Key    // the question of the incident that it is about; zero: none of them
	// Again says that it has been done although it was too soon. It is not kept.
	Again bool
}

var (
	// ErrOver: the incident is resolved already, so there is nothing to take on or to end.
	ErrOver = errors.New("incident is resolved")
	// ErrAction: the action says too little or the wrong thing. Trying the same again does not help.
	ErrAction = errors.New("cannot do that")
	// ErrTooSoon is an [ErrAction]: removal was requested of the same list before, and it does not like to be
	// asked again yet. What has been done all the same is written down with [Request.Again].
	ErrTooSoon = fmt.Errorf("%w yet", ErrAction)
)

// Apply gives the incident as it is after an action. It is pure. Errors: [ErrOver],
// [ErrAction], each with what to do instead.
func (inc Incident) Apply(a Action) (Incident, error) {
	a.By, a.Note = checks.Line(a.By, 100), checks.Line(a.Note, 500)
	if inc.State == Resolved && a.Kind != AddNote && a.Kind != Requested {
		return inc, fmt.Errorf("incident %d: %w since %s; nothing is to be done", inc.ID, ErrOver, inc.Resolved.UTC().Format(whenFormat))
	}
	switch a.Kind {
	case Ack:
		if inc.State == Open {
			inc.State = Acknowledged // what is clearing or silenced stays so, and is acknowledged besides
		}
		inc.AckedBy, inc.AckedAt, inc.Reminded = a.By, a.At, 0
	case Mute:
		switch length := a.Until.Sub(a.At); {
		case a.Note == "":
			return inc, fmt.Errorf("%w: a silence needs a reason, for whoever finds it later", ErrAction)
		case length <= 0:
			return inc, fmt.Errorf("%w: the silence would end before it begins; name a time to come", ErrAction)
		case length > MaxSilence:
			return inc, fmt.Errorf("%w: a silence lasts at most %d days; name an earlier end and be reminded of it", ErrAction, int(MaxSilence.Hours()/24))
		}
		inc.Silence = Silence{By: a.By, Reason: a.Note, Since: a.At, Until: a.Until}
		if inc.State != Clearing {
			inc.State = Silenced
		}
	case Unmute:
		if inc.Silence.Until.IsZero() {
			return inc, fmt.Errorf("%w: incident %d is not silenced", ErrAction, inc.ID)
		}
		inc.Silence = Silence{}
		inc.State = inc.state(false)
	case Requested:
		if checks.Line(a.Request.List, 100) == "" {
			return inc, fmt.Errorf("%w: say of whom removal was requested", ErrAction)
		}
	case ResolveHand:
		inc.State, inc.Resolved, inc.Changed = Resolved, a.At, a.At
	case AddNote:
		if a.Note == "" {
			return inc, fmt.Errorf("%w: the note is empty", ErrAction)
		}
	case StepDone, StepOpen:
		if a.Note == "" {
			return inc, fmt.Errorf("%w: say which step", ErrAction)
		}
		return inc, nil // what is done is in the events, and changes nothing by itself
	default:
		return inc, fmt.Errorf("%w: %q is no action", ErrAction, checks.Line(string(a.Kind), 40))
	}
	// What the monitor itself notes leaves a person's words in their place.
	if a.Note != "" && a.Kind != Mute && (a.By != "" || inc.Note == "") {
		inc.Note = a.Note
	}
	return inc, nil
}
