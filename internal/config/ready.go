package config

import (
	"fmt"
	"slices"

	"reputed/blocklists"
	"reputed/checks"
)

// ReadyToRun says whether the daemon has something to do with a valid configuration. The error, an
// [*Error], says what it cannot run without; the warnings say what it should not run without.
func (c *Config) ReadyToRun() (warnings []string, err error) {
	p := &problems{file: c.Path}
	targets, err := c.Targets()
	switch {
	case err != nil:
		p.onLine(0, "%v", err)
	case targets.Empty() && !c.expands():
		p.onLine(0, `nothing to watch: add a table [[outbound]] with addresses = ["192.0.2.10"] of your own`)
	}
	if len(c.Blocklists.Zones) == 0 {
		p.onLine(0, "no list to ask: set builtin = true in [blocklists], or add a [[blocklists.list]]")
	}
	if len(c.Channels()) == 0 {
		warnings = append(warnings, Mistake{File: c.Path, Text: "nobody is told of anything: add a channel, such as [[slack]]"}.String())
	}
	if len(c.Mailboxes)+len(c.AllSpools())+len(c.MailLogs) == 0 {
		warnings = append(warnings, Mistake{File: c.Path, Text: "no bounces are read, so that the cost of a listing stays unknown: add a [[maillog]], a [[mailbox]] or a [[spool]]"}.String())
	}
	local, _ := c.LocalTargets() // what is wrong with it is told elsewhere
	for _, what := range c.unserved(local) {
		warnings = append(warnings, Mistake{File: c.Path, Text: fmt.Sprintf("no list that is asked serves %s, so that nothing will be known of them: enable one (reputed lists --all)", what)}.String())
	}
	for _, text := range c.Pace(local) {
		warnings = append(warnings, Mistake{File: c.Path, Text: text}.String())
	}
	return warnings, p.err()
}

// LocalTargets returns the targets without those that only the DNS knows. A file of addresses that
// cannot be read now counts as empty: a warning says so when it matters.
func (c *Config) LocalTargets() (checks.Targets, error) {
	return c.TargetsWith(func(s Source) []string {
		if s.Kind != SourceFile {
			return nil
		}
		words, _ := ReadAddresses(s.Name)
		return words
	})
}

// unserved returns the kinds of targets that no list serves. Host names do not count: lists are
// asked about them in addition, without anybody having asked for that.
func (c *Config) unserved(local checks.Targets) (kinds []string) {
	if len(c.Blocklists.Zones) == 0 {
		return nil
	}
	ip4, ip6, _ := local.Sizes()
	named := slices.ContainsFunc(c.Outbound, func(p Outbound) bool { return len(p.Domains) > 0 })
	for _, k := range []struct {
		watched bool
		family  blocklists.Family
		words   string
	}{{ip4 > 0, blocklists.IPv4, "IPv4 addresses"}, {ip6 > 0, blocklists.IPv6, "IPv6 addresses"}, {named, blocklists.Name, "domain names"}} {
		if k.watched && !slices.ContainsFunc(c.Blocklists.Zones, func(z blocklists.Zone) bool { return slices.Contains(z.Families, k.family) }) {
			kinds = append(kinds, k.words)
		}
	}
	return kinds
}
