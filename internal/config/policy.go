package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/internal/monitor"
)

// Alerts says when people are told, and by which channels.
type Alerts struct {
	// MinSeverity is the least severity about which people are told at once; default major. What
	// is below it is in the digest and in status.
	MinSeverity checks.Severity `toml:"min_severity"`
	// Remind is how often people are reminded of an unacknowledged incident, by severity; 0 is never.
	RemindCritical Duration `toml:"remind_critical"` // default 4h; 0s or 1m to 30d
	RemindMajor    Duration `toml:"remind_major"`    // default 24h; 0s or 1m to 30d

	// In the hours between QuietFrom and QuietTo only pages are sent: about what is critical, or
	// costs mail that was counted. The rest waits until they are over.
	QuietFrom Clock  `toml:"quiet_from"` // default: none
	QuietTo   Clock  `toml:"quiet_to"`
	TimeZone  string `toml:"timezone"` // of all times of day here; default that of the schedule

	Digest   Clock    `toml:"digest"`    // when the small things are reported, once a day; default 08:00, "" is never
	DigestTo []string `toml:"digest_to"` // default: Channels, except those that can take no digest

	// Channels get what no route sends elsewhere; default: all except those in EscalateTo.
	Channels []string `toml:"channels"`
	// EscalateTo get a page that nobody has acknowledged for EscalateAfter; default: never.
	EscalateAfter Duration `toml:"escalate_after"` // 1m to 7d
	EscalateTo    []string `toml:"escalate_to"`
	Routes        []Route  `toml:"route"` // in order; of each finding of an incident the first that fits decides
}

// Zone returns the zone that TimeZone names, or UTC if there is none.
func (a Alerts) Zone() *time.Location {
	if zone, err := monitor.LoadLocation(a.TimeZone); err == nil {
		return zone
	}
	return time.UTC
}

// Route says which channels get some findings: those that have one of the values of each key that is not empty.
// Severities and Classes are those of the incident.
type Route struct {
	Pools      []string `toml:"pools"`
	Tags       []string `toml:"tags"`
	Lists      []string `toml:"lists"`      // ids of lists, or who refused
	Severities []string `toml:"severities"` // critical, major, minor, informational
	Classes    []string `toml:"classes"`    // page, notice, digest
	Channels   []string `toml:"channels"`   // [] is nobody
}

// Clock is a time of day that is written as text: "22:00". The zero value is none.
type Clock struct {
	Minute int // after midnight, 0 to 1439
	Given  bool
}

// UnmarshalText reads "22:00"; "" is none.
func (c *Clock) UnmarshalText(text []byte) error {
	*c = Clock{}
	if len(text) == 0 {
		return nil
	}
	t, err := time.Parse("15:04", string(text))
	if err != nil {
		return errors.New(`want a time of day such as "22:00"`)
	}
	*c = Clock{Minute: t.Hour()*60 + t.Minute(), Given: true}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String returns the time of day as it is written in the file; empty for none.
func (c Clock) String() string {
	if !c.Given {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", c.Minute/60, c.Minute%60)
}

// alerts checks when people are told. It comes after the channels, whose names it needs.
func (v *validator) alerts() {
	c := &v.cfg.Alerts
	v.oneOf("alerts.min_severity", string(c.MinSeverity), severities()...)
	if c.RemindCritical.Duration != 0 {
		v.between("alerts.remind_critical", c.RemindCritical, time.Minute, month)
	}
	if c.RemindMajor.Duration != 0 {
		v.between("alerts.remind_major", c.RemindMajor, time.Minute, month)
	}
	if c.TimeZone == "" {
		c.TimeZone = v.cfg.Schedule.TimeZone
	}
	if _, err := monitor.LoadLocation(c.TimeZone); err != nil && v.set("alerts.timezone") {
		v.at("alerts.timezone", "not a time zone: write one such as Europe/Berlin")
	}
	switch {
	case c.QuietFrom.Given != c.QuietTo.Given:
		v.at("alerts.quiet_from", "quiet hours have a beginning and an end: write quiet_from and quiet_to")
	case c.QuietFrom.Given && c.QuietFrom == c.QuietTo:
		v.at("alerts.quiet_to", "quiet hours that end when they begin are none: leave both out")
	}
	v.whoIsTold()
	for i, r := range c.Routes {
		v.route(r, fmt.Sprintf("alerts.route[%d]", i))
	}
}

func severities() []string {
	return []string{string(checks.Critical), string(checks.Major), string(checks.Minor), string(checks.Informational)}
}

// whoIsTold checks the channels of escalation, of incidents and of the digest.
func (v *validator) whoIsTold() {
	c := &v.cfg.Alerts
	v.channelNames("alerts.escalate_to", c.EscalateTo)
	switch {
	case c.EscalateAfter.Duration != 0 && len(c.EscalateTo) == 0:
		v.at("alerts.escalate_after", "say whom to tell then: escalate_to")
	case len(c.EscalateTo) > 0 && c.EscalateAfter.Duration == 0:
		v.at("alerts.escalate_to", "say after how long: escalate_after")
	case len(c.EscalateTo) > 0:
		v.between("alerts.escalate_after", c.EscalateAfter, time.Minute, 7*24*time.Hour)
	}
	if v.set("alerts.channels") {
		v.channelNames("alerts.channels", c.Channels)
	} else {
		c.Channels = slices.DeleteFunc(v.cfg.Channels(), func(name string) bool { return slices.Contains(c.EscalateTo, name) })
	}
	v.channelNames("alerts.digest_to", c.DigestTo)
	for _, x := range v.cfg.AllChannels() {
		if i := slices.Index(c.DigestTo, x.Name); i >= 0 && x.singleOnly() {
			v.at(fmt.Sprintf("alerts.digest_to[%d]", i), "a channel of [[%s]] tells of single incidents only: take it out", x.Kind)
		}
	}
}

// channelNames checks that there is a channel of each name.
func (v *validator) channelNames(at string, names []string) {
	channels := v.cfg.Channels()
	for i, name := range names {
		if !slices.Contains(channels, name) {
			v.at(fmt.Sprintf("%s[%d]", at, i), "there is no channel of that name; there is %s", strings.Join(orNone(channels), ", "))
		}
	}
}

func orNone(names []string) []string {
	if len(names) == 0 {
		return []string{"none"}
	}
	return names
}

func (v *validator) route(r Route, at string) {
	v.channelNames(at+".channels", r.Channels)
	if len(r.Pools)+len(r.Tags)+len(r.Lists)+len(r.Severities)+len(r.Classes) == 0 {
		v.at(at, "a route that fits everything: write its channels as channels of [alerts]")
	}
	pools := v.cfg.poolNames()
	for i, pool := range r.Pools {
		if !slices.Contains(pools, pool) {
			v.at(fmt.Sprintf("%s.pools[%d]", at, i), "there is no [[outbound]] pool of that name")
		}
	}
	for i, s := range r.Severities {
		v.oneOf(fmt.Sprintf("%s.severities[%d]", at, i), s, severities()...)
	}
	for i, s := range r.Classes {
		v.oneOf(fmt.Sprintf("%s.classes[%d]", at, i), s, "page", "notice", "digest")
	}
}
