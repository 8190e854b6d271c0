package alerts

import (
	"testing"
	"time"

	"reputed/checks"
)

// What is foretold is what Fold then does.
func TestTheOutlookAgreesWithFold(t *testing.T) {
	for name, change := range map[string]func(*Incident){
		"left alone":   func(*Incident) {},
		"acknowledged": func(i *Incident) { i.AckedBy, i.AckedAt = "kim", start },
		"silenced":     func(i *Incident) { i.Silence = Silence{Since: start, Until: start.Add(10 * time.Hour)} },
		"flapping":     func(i *Incident) { i.Flapping = start },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.policy.Escalate = Escalation{After: 30 * time.Minute, Channels: []string{"pager"}}
			w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical))
			change(&w.open[0])
			look := w.policy.Look(w.open[0], w.now)
			if name == "left alone" == look.Reminder.IsZero() || look.Escalate.IsZero() != look.Reminder.IsZero() || (look.Held == "") != (name == "left alone") {
				t.Errorf("outlook %+v", look)
			}
			var reminded, escalated time.Time
			for w.now.Before(start.Add(6 * time.Hour)) {
				at := w.now
				for _, c := range w.run(listing("192.0.2.10", "zen", checks.Problem, checks.Critical)) {
					if c.Kind == Reminder && c.Tell && reminded.IsZero() {
						reminded = at
					}
					if c.Kind == Escalated && c.Tell {
						escalated = at
						look.Reminder = w.policy.Look(c.Incident, at).Reminder // told again, so the time begins anew
					}
				}
			}
			if escalated.Truncate(time.Hour) != look.Escalate.Truncate(time.Hour) || reminded.IsZero() != look.Reminder.IsZero() || reminded.Before(look.Reminder) || reminded.Sub(look.Reminder) > 10*time.Minute {
				t.Errorf("escalated %v, reminded %v; foretold %+v", escalated, reminded, look)
			}
		})
	}
}

func TestOutlookSaysWhyNobodyIsTold(t *testing.T) {
	p := Policy{MinSeverity: checks.Major, Channels: []string{"chat"}, Quiet: QuietHours{From: 0, To: 12 * 60}, RemindMajor: time.Hour}
	if o := p.Look(Incident{State: Open, Severity: checks.Minor}, start); o.Class != Digested || o.Nobody == "" || len(o.Channels) != 0 {
		t.Errorf("%+v", o)
	}
	if o := p.Look(Incident{State: Open, Severity: checks.Major, LastTold: start, Members: []Member{{}}}, start); o.Held == "" || !o.Reminder.Equal(start.Add(3*time.Hour)) {
		t.Errorf("a reminder by night comes in the morning: %+v", o)
	}
	p.Channels = nil
	if o := p.Look(Incident{State: Open, Severity: checks.Critical}, start); o.Nobody != "no channel is configured to tell" {
		t.Errorf("%+v", o)
	}
}
