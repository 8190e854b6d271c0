package store

import (
	"slices"

	"reputed/alerts"
	"reputed/checks"
)

// NoticesOf makes one notice a channel of a change that is to be told. A channel that has told of
// the incident and is configured no longer is passed over.
func NoticesOf(c alerts.Change, remediation []checks.Remediation, configured []string) []Notice {
	n := c.Notification(remediation)
	var all []Notice
	for _, channel := range c.Channels {
		if slices.Contains(configured, channel) {
			all = append(all, Notice{Channel: channel, Notification: n, NotBefore: c.NotBefore})
		}
	}
	return all
}
