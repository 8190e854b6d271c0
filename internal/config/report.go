package config

import (
	"fmt"
	"slices"
	"strings"

	"reputed/internal/monitor"
)

// Report is the report about the time that is over: listings, cost, what was done.
type Report struct {
	Schedule string   `toml:"schedule"` // when, as a cron expression in Schedule.TimeZone: "0 8 * * 1"; empty: none is sent
	Channels []string `toml:"channels"` // who tells it; default: those of Alerts, those left out that can take none

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
	loc, err := monitor.LoadLocation(v.cfg.Schedule.TimeZone)
	if err == nil { // else that is a mistake by itself
		if c.Times, err = monitor.ParseSchedule(c.Schedule, loc); err != nil {
			if secretive(c.Schedule) {
				err = fmt.Errorf("not a schedule: write a cron expression such as \"0 8 * * 1\"")
			}
			v.at("report.schedule", "%v", err)
		}
	}
	single := map[string]string{} // channels that tell of single incidents only
	for _, x := range v.cfg.AllChannels() {
		if x.Kind == "pagerduty" || x.Kind == "alertmanager" {
			single[x.Name] = x.Kind
		}
	}
	channels := v.cfg.Channels()
	for i, name := range c.Channels {
		at := fmt.Sprintf("report.channels[%d]", i)
		switch {
		case !slices.Contains(channels, name):
			v.at(at, "there is no channel of that name; there is %s", strings.Join(orNone(channels), ", "))
		case single[name] != "":
			v.at(at, "a channel of [[%s]] tells of single incidents only: take it out", single[name])
		}
	}
	if len(c.Channels) == 0 {
		c.Channels = slices.DeleteFunc(slices.Clone(v.cfg.Alerts.Channels), func(name string) bool { return single[name] != "" })
	}
	if len(c.Channels) == 0 {
		v.at("report.schedule", "nobody is told of the report: add a channel that can tell it, such as [[email]] or [[slack]]")
	}
}
