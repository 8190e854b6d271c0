package config

import (
	"fmt"
	"slices"

	"reputed/internal/monitor"
)

// Report says when the report about the past time is sent: listings, their cost, what was done.
type Report struct {
	Schedule string   `toml:"schedule"` // when, as a cron expression in Schedule.TimeZone: "0 8 * * 1"; empty: none is sent
	Channels []string `toml:"channels"` // which get it; default: those of Alerts, except those that can take none

	Times monitor.Schedule `toml:"-"` // Schedule, read
}

// report comes after alerts, whose channels are its default.
func (v *validator) report() {
	c := &v.cfg.Report
	if c.Schedule == "" {
		if len(c.Channels) > 0 {
			v.at("report.channels", "say when: schedule = \"0 8 * * 1\" is Mondays at 8")
		}
		return
	}
	c.Times, _ = v.times("report.schedule", c.Schedule, `"@weekly"`)
	var none []string // channels that can tell no report
	for _, x := range v.cfg.AllChannels() {
		if !x.singleOnly() {
			continue
		}
		none = append(none, x.Name)
		if i := slices.Index(c.Channels, x.Name); i >= 0 {
			v.at(fmt.Sprintf("report.channels[%d]", i), "a channel of [[%s]] tells of single incidents only: take it out", x.Kind)
		}
	}
	v.channelNames("report.channels", c.Channels)
	if len(c.Channels) == 0 {
		c.Channels = slices.DeleteFunc(slices.Clone(v.cfg.Alerts.Channels), func(name string) bool { return slices.Contains(none, name) })
	}
	if len(c.Channels) == 0 {
		v.at("report.schedule", "nobody is told of the report: add a channel that can tell it, such as [[email]] or [[slack]]")
	}
}
