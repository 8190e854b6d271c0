package wiring

import (
	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
)

// Policy is how calm or loud to be, as the configuration says it.
func Policy(cfg *config.Config) alerts.Policy {
	c := cfg.Alerts
	p := alerts.Policy{
		RemindCritical: c.RemindCritical.Duration,
		RemindMajor:    c.RemindMajor.Duration,
		MinSeverity:    c.MinSeverity,
		Quiet:          alerts.QuietHours{From: c.QuietFrom.Minute, To: c.QuietTo.Minute, Zone: c.Zone()},
		Escalate:       alerts.Escalation{After: c.EscalateAfter.Duration, Channels: c.EscalateTo},
		Channels:       c.Channels,
	}
	for _, s := range cfg.Slack {
		if s.Token.Given() { // a bot can come back to what it wrote
			p.Threads = append(p.Threads, s.Name)
		}
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
