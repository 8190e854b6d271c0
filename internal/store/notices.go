package store

import (
	"slices"

	"reputed/alerts"
	"reputed/checks"
)

// NoticesOf makes one notice a channel of a change that is to be told. A channel that has told of
// the incident and is configured no longer is passed over, and one to which the incident is new is told that it opened.
func NoticesOf(c alerts.Change, remediation []checks.Remediation, configured []string) []Notice {
	n := c.Notification(remediation)
	opened := n
	if len(c.First) > 0 {
		c.Kind = alerts.Opened
		opened = c.Notification(remediation)
	}
	var all []Notice
	for _, channel := range c.Channels {
		if slices.Contains(configured, channel) {
			told := n
			if slices.Contains(c.First, channel) {
				told = opened
			}
			all = append(all, Notice{Channel: channel, Notification: told, NotBefore: c.NotBefore})
		}
	}
	return all
}
