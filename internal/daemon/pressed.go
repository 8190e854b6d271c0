package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/view"
)

// pressedSilence is how long the button silences.
const pressedSilence = 24 * time.Hour

// pressed does what somebody pressed in a channel, as the commands of `reputed incident` do.
func (d *Daemon) pressed(ctx context.Context, p alerts.Press) (said string, err error) {
	id, ok := alerts.ThreadIncident(p.Thread)
	if !ok {
		return "", errors.New("the button belongs to no incident")
	}
	h, err := d.db.Incident(ctx, id)
	if err != nil {
		return "", view.NoIncident(id, err)
	}
	// Another monitor, or another database, may have an incident of this number.
	if (alerts.Notification{Incident: h.Incident}).Thread() != p.Thread {
		return "", fmt.Errorf("the button belongs to another incident than the present %d: see reputed incident list", id)
	}
	a := alerts.Action{Kind: p.Kind, Incident: id, By: p.By, At: p.At}
	switch p.Kind {
	case alerts.Ack:
		said = "Taken by " + p.By
		if had := h.Incident.AckedBy; had != "" && had != p.By { // two pressed within the minute that the message takes to show it
			said += ", in place of " + had
		}
		said += ": no reminders until it gets worse."
	case alerts.Mute:
		a.Until, a.Note = p.At.Add(pressedSilence), "by a button in Slack"
		said = fmt.Sprintf("Silenced by %s until %s.", p.By, a.Until.UTC().Format("2006-01-02 15:04 UTC"))
	case alerts.Requested:
		list := worstOpen(h.Incident)
		if list == "" {
			return "", errors.New("nothing of it is open any more, so there is nobody to ask")
		}
		a.Request.List, a.Note = list, "by a button in Slack"
		view.Complete(&a.Request, h.Incident, d.book, d.zone)
		before, err := d.db.Requests(ctx, id)
		if err != nil {
			return "", err
		}
		if last, soon := alerts.TooSoon(before, list, a.Request.CoolDown, p.At); soon {
			return "", errors.New(view.AskedAlready(last) + "; it has been done? Say so with reputed incident requested --again")
		}
		said = fmt.Sprintf("Removal was requested of %s, says %s.", list, p.By)
	default:
		return "", fmt.Errorf("no button does %q", checks.Line(string(p.Kind), 40))
	}
	if _, err := d.db.Act(ctx, a, nil); err != nil {
		return "", view.NoIncident(id, err)
	}
	d.monitor.Poke(monitor.JobFollow) // the channels that show who has it
	return said, nil
}

// worstOpen is whom to ask for removal first: the list, or who refuses.
func worstOpen(inc alerts.Incident) string {
	for _, m := range inc.Members { // worst first
		if !m.Clear {
			return m.Finding.Key.Source
		}
	}
	return ""
}
