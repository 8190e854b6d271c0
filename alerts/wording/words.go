package wording

import (
	"cmp"
	"fmt"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// split parts the members that are still bad from those that are clear, keeping
// their order, worst first.
func split(members []alerts.Member) (open, clear []alerts.Member) {
	for _, m := range members {
		if m.Clear {
			clear = append(clear, m)
		} else {
			open = append(open, m)
		}
	}
	return open, clear
}

// byHand says whether it ended because somebody said so: what ends by itself has no member that is not clear.
// What the monitor tells of itself has no members to go by.
func byHand(n alerts.Notification) bool {
	open, _ := split(n.Incident.Members)
	return n.Kind == alerts.Ended && len(open) > 0 && !aboutMonitor(n.Incident)
}

// targetsOf names each target once, in the order of the members.
func targetsOf(members []alerts.Member) []string {
	var names []string
	seen := map[string]bool{}
	for _, m := range members {
		if id := m.Finding.Key.Target; !seen[id] {
			seen[id] = true
			names = append(names, cmp.Or(m.Finding.Target.String(), id))
		}
	}
	return names
}

// aboutMonitor says whether the incident is about this monitor's own sight or voice.
func aboutMonitor(inc alerts.Incident) bool { return allOf(inc, checks.KindMonitor) }

// aboutList says whether it is about lists that cannot be used.
func aboutList(inc alerts.Incident) bool { return allOf(inc, checks.KindList) }

func allOf(inc alerts.Incident, kind checks.Kind) bool {
	for _, m := range inc.Members {
		if m.Finding.Target.Kind != kind {
			return false
		}
	}
	return len(inc.Members) > 0
}

// blinding says whether the trouble takes the sight away, and not only a mailbox or
// a channel.
func blinding(inc alerts.Incident) bool {
	for _, m := range inc.Members {
		if m.Finding.Code == checks.CodeBlind || m.Finding.Code == checks.CodeRewriting {
			return true
		}
	}
	return false
}

// span is a length of time with its two largest units: "3 h 20 min".
func span(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	}
	return "less than a minute"
}

// ordinal is "2nd" for the first relapse: it is the second time.
func ordinal(relapses int) string {
	n := relapses + 1
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

func nonEmpty(texts ...string) []string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}
