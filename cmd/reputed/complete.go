package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/internal/store"
)

// Completion has live values: what is in the database, and what the configuration names.
// What cannot be read is not offered, and nothing is said: a person is typing.

const (
	// mostOffered is how many values a completion offers: more are no help.
	mostOffered = 200
	noFiles     = cobra.ShellCompDirectiveNoFileComp
)

// complete gives every command that names incidents or channels its completion, wherever it stands.
func (a *app) complete(root *cobra.Command) {
	describeBuiltins(root)
	walk(root, func(c *cobra.Command) {
		if words, ok := incidentWords[c.CommandPath()]; ok && c.ValidArgsFunction == nil {
			c.ValidArgsFunction = a.completeIncidents(words)
		}
		for name, complete := range map[string]completer{"list": a.completeLists, "channel": a.completeChannels} {
			if c.LocalNonPersistentFlags().Lookup(name) != nil {
				if _, has := c.GetFlagCompletionFunc(name); !has {
					_ = c.RegisterFlagCompletionFunc(name, complete)
				}
			}
		}
	})
}

// incidentWords is how many words of a command name incidents; -1: all.
var incidentWords = map[string]int{
	"reputed status": 1, "reputed incident show": 1, "reputed incident note": 1, "reputed incident requested": 1, "reputed letter": 1,
	"reputed incident ack": -1, "reputed incident silence": -1, "reputed incident unsilence": -1, "reputed incident resolve": -1,
}

// walk calls f for a command and all below it, of which nothing is hidden.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			walk(sub, f)
		}
	}
}

// completer is cobra's type for a completion.
type completer = func(c *cobra.Command, words []string, prefix string) ([]string, cobra.ShellCompDirective)

// completeLists offers the ids of lists.
func (a *app) completeLists(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return a.listIDs(), noFiles
}

// completeTargets offers the targets of the configuration and those that anything is known of,
// for the first so many words.
func (a *app) completeTargets(words int) completer {
	return func(c *cobra.Command, have []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(have) >= words {
			return nil, noFiles
		}
		return a.targets(c, prefix), noFiles
	}
}

// targets are those that begin with prefix, each once.
func (a *app) targets(c *cobra.Command, prefix string) []string {
	db, cfg, _, err := a.openStored(c.Context())
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if len(out) < mostOffered && strings.HasPrefix(name, prefix) && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	if err == nil {
		defer db.Close()
		if stored, err := db.Targets(c.Context(), prefix, mostOffered); err == nil {
			for _, name := range stored {
				if t, err := checks.ParseID(name); err == nil && (t.Kind == checks.KindAddress || t.Kind == checks.KindDomain) {
					add(name)
				}
			}
		}
	}
	if cfg == nil {
		return out
	}
	for _, pool := range cfg.Outbound { // of a range each address is one too many
		for _, word := range pool.Addresses {
			if addr, err := netip.ParseAddr(word); err == nil {
				add(checks.Address(addr).ID())
			}
		}
		for _, word := range pool.Domains {
			if t, err := checks.Domain(word); err == nil {
				add(t.ID())
			}
		}
	}
	return out
}

// completeIncidents offers the numbers of incidents that are not resolved, with their titles, for the
// first so many words; -1: for all.
func (a *app) completeIncidents(words int) completer {
	return func(c *cobra.Command, have []string, _ string) ([]string, cobra.ShellCompDirective) {
		if words >= 0 && len(have) >= words {
			return nil, noFiles
		}
		return a.incidentNumbers(c.Context()), noFiles
	}
}

// incidentNumbers are "12<tab>192.0.2.10 is listed by SpamCop".
func (a *app) incidentNumbers(ctx context.Context) []string {
	db, _, _, err := a.openStored(ctx)
	if err != nil {
		return nil
	}
	defer db.Close()
	open, err := db.Incidents(ctx, store.IncidentFilter{Limit: mostOffered, Bare: true})
	if err != nil {
		return nil
	}
	var out []string
	for _, i := range open {
		out = append(out, fmt.Sprintf("%d\t%s", i.ID, checks.Line(i.Title, 60)))
	}
	return out
}

// completeExplain offers incidents and targets, and after a target lists.
func (a *app) completeExplain(c *cobra.Command, have []string, prefix string) ([]string, cobra.ShellCompDirective) {
	switch len(have) {
	case 0:
		return append(a.incidentNumbers(c.Context()), a.targets(c, prefix)...), noFiles
	case 1:
		return a.listIDs(), noFiles
	}
	return nil, noFiles
}

// completeChannels offers the channels of the configuration.
func (a *app) completeChannels(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, _, err := a.configAsItIs()
	if err != nil {
		return nil, noFiles
	}
	return cfg.Channels(), noFiles
}
