package alerts

import (
	"fmt"

	"reputed/checks"
)

// ToldMembers is how many members of an incident a notification holds: more than any channel
// shows. A network that is listed as a whole has 65,536.
const ToldMembers = 50

// ShowCommand is what a person types to see more of an incident.
func ShowCommand(id int64) string { return fmt.Sprintf("reputed incident show %d", id) }

// OpenFindings are those of the members that are not clear, worst first.
func (i Incident) OpenFindings() []checks.Finding {
	var open []checks.Finding
	for _, m := range i.Members {
		if !m.Clear {
			open = append(open, m.Finding)
		}
	}
	return open
}

// Findings are what is told of: what has joined, of [News], else all that is open, worst first.
func (c Change) Findings() []checks.Finding {
	if c.News == nil {
		return c.Incident.OpenFindings()
	}
	return Incident{Members: c.News.Joined}.OpenFindings()
}

// Notification is the change as channels tell it, with what to do about it.
func (c Change) Notification(remediation []checks.Remediation) Notification {
	brief, targets := c.Incident.Brief(ToldMembers)
	return Notification{
		ID:          fmt.Sprintf("%d/%s/%d", c.Incident.ID, c.Kind, c.At.UnixMicro()),
		Kind:        c.Kind,
		At:          c.At,
		Incident:    brief,
		Targets:     targets,
		News:        c.News,
		Remediation: remediation,
		Command:     ShowCommand(c.Incident.ID),
	}
}
