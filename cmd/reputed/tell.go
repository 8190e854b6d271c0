package main

import (
	"fmt"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/store"
)

// toldMembers is how many members of an incident a notice holds: more than any channel
// shows. A network that is listed as a whole has 65,536.
const toldMembers = 50

// newPolicy is how calm or loud to be, as the configuration says it.
func newPolicy(cfg *config.Config) alerts.Policy {
	c := cfg.Alerts
	p := alerts.Policy{
		RemindCritical: c.RemindCritical.Duration,
		RemindMajor:    c.RemindMajor.Duration,
		MinSeverity:    c.MinSeverity,
		Quiet:          alerts.QuietHours{From: c.QuietFrom.Minute, To: c.QuietTo.Minute, Zone: c.Zone()},
		Escalate:       alerts.Escalation{After: c.EscalateAfter.Duration, Channels: c.EscalateTo},
		Channels:       c.Channels,
	}
	for _, r := range c.Routes {
		route := alerts.Route{Pools: r.Pools, Tags: r.Tags, Lists: r.Lists, Channels: r.Channels}
		for _, s := range r.Severities {
			route.Severities = append(route.Severities, checks.Severity(s))
		}
		for _, class := range r.Classes {
			route.Classes = append(route.Classes, alerts.Class(class))
		}
		p.Routes = append(p.Routes, route)
	}
	return p
}

// notification is a change as channels tell it.
func notification(c alerts.Change, remediation []checks.Remediation) alerts.Notification {
	brief, targets := c.Incident.Brief(toldMembers)
	return alerts.Notification{
		ID:          fmt.Sprintf("%d/%s/%d", c.Incident.ID, c.Kind, c.At.UnixMicro()),
		Kind:        c.Kind,
		At:          c.At,
		Incident:    brief,
		Targets:     targets,
		Remediation: remediation,
		Command:     incidentCommand(c.Incident.ID),
	}
}

// notices makes one notice a channel of a change that is to be told. One that has told of
// the incident and is configured no longer is passed over.
func notices(c alerts.Change, remediation []checks.Remediation, configured []string) []store.Notice {
	n := notification(c, remediation)
	var all []store.Notice
	for _, channel := range c.Channels {
		if slices.Contains(configured, channel) {
			all = append(all, store.Notice{Channel: channel, Notification: n, NotBefore: c.NotBefore})
		}
	}
	return all
}

// late is how long after its time a digest is still told: later, the next one is nearer.
const late = 6 * time.Hour

// digest makes the notices of the daily digest, if it is due and has anything to say. It
// has the day in its id, so that the outbox takes it once, whatever the number of ticks.
func (d *daemon) digest(s store.Situation) []store.Notice {
	c := d.cfg.Alerts
	if !c.Digest.Given {
		return nil
	}
	due := alerts.DigestAt(s.Now, c.Digest.Minute, c.Zone())
	if s.Now.Sub(due) > late {
		return nil
	}
	before := alerts.DigestAt(due.Add(-time.Minute), c.Digest.Minute, c.Zone())
	digest, news := alerts.NewDigest(s.Open, s.Recent, before, due)
	if !news {
		return nil
	}
	to := c.DigestTo
	if len(to) == 0 {
		to = slices.DeleteFunc(slices.Clone(c.Channels), d.noDigest)
	}
	var all []store.Notice
	for _, channel := range to {
		all = append(all, store.Notice{Channel: channel, Notification: alerts.Notification{
			ID: "digest/" + due.Format(time.RFC3339), Kind: alerts.Daily, At: s.Now, Digest: &digest, Command: "reputed status",
		}})
	}
	return all
}

// incidentsOnly is a channel that can tell of nothing but single incidents, and keeps
// each until it is told of its end: one that pages.
type incidentsOnly interface{ IncidentsOnly() }

func (d *daemon) noDigest(name string) bool {
	return pages(d.deliverer.Channels[name])
}
