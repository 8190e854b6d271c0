package alerts

import (
	"fmt"
	"time"

	"reputed/checks"
)

// Outlook is what the policy makes of an incident from now on, if nothing changes.
type Outlook struct {
	Class    Class
	Channels []string  // who would tell of a rise now
	Nobody   string    // why that is nobody; empty where it is somebody
	Reminder time.Time // when it is told again; zero: never
	Escalate time.Time // when a second channel is told; zero: never
	Held     string    // why neither happens, or not yet; may be empty
}

// Look says how a policy treats an incident from now on. It is pure, and agrees with [Fold].
func (p Policy) Look(inc Incident, now time.Time) Outlook {
	o := Outlook{Class: p.Class(&inc)}
	o.Channels, o.Nobody = p.route(&inc, Worsened)
	switch {
	case len(o.Channels) > 0:
		o.Nobody = ""
	case inc.State == Resolved:
		o.Nobody = "it is resolved"
	}
	if o.Class == Digested {
		o.Channels, o.Nobody = nil, "its severity is below what is told at once: it is in the daily digest"
	}
	every := map[checks.Severity]time.Duration{checks.Critical: p.RemindCritical, checks.Major: p.RemindMajor}[inc.Severity]
	if every > 0 && !inc.LastTold.IsZero() {
		o.Reminder = inc.LastTold.Add(every)
	}
	if e := p.Escalate; e.After > 0 && len(e.Channels) > 0 && !inc.Paged.IsZero() && inc.Escalated.IsZero() && o.Class == Page {
		o.Escalate = inc.Paged.Add(e.After)
	}
	switch {
	case inc.State == Resolved:
		o.Held = "resolved"
	case inc.Silence.Holds(now):
		o.Held = "silenced until " + inc.Silence.Until.UTC().Format(whenFormat)
	case !inc.AckedAt.IsZero():
		o.Held = "acknowledged by " + inc.AckedBy
	case !inc.Flapping.IsZero():
		o.Held = inc.flapping()
	case inc.State == Clearing:
		o.Held = "clearing: every question was answered clean once"
	case inc.blind():
		o.Held = "none of its questions has an answer at present"
	default:
		if end, quiet := p.Quiet.Until(now); quiet && o.Class != Page {
			o.Held = fmt.Sprintf("quiet hours until %s", end.UTC().Format(whenFormat))
			if o.Reminder.Before(end) && !o.Reminder.IsZero() {
				o.Reminder = end
			}
		}
		return o
	}
	o.Reminder, o.Escalate = time.Time{}, time.Time{}
	return o
}
