package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"reputed/blocklists"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/view"
)

func (a *app) listsCommand() *cobra.Command {
	var all bool
	var tag string
	c := &cobra.Command{
		Use:   "lists",
		Short: "Show the blocklists, what is known about them, and whether they answer you",
		Long:  `Shows the lists that are asked: the built-in ones that are on, and your own.`,
		Example: `  reputed lists                  the lists that are asked
  reputed lists --all            those that are not, too
  reputed lists --tag regional   those with a tag, asked or not
  reputed lists show spamcop     everything known about one, with sources and dates
  reputed lists test             does each list answer this resolver, and truthfully?`,
	}
	group(c)
	form := formatFlag(c, report.Text, report.JSON, report.TSV)
	c.Flags().BoolVar(&all, "all", false, "show lists that are not asked, too")
	c.Flags().StringVar(&tag, "tag", "", "show the lists with this `TAG`, asked or not")
	_ = c.RegisterFlagCompletionFunc("tag", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return a.listTags(), cobra.ShellCompDirectiveNoFileComp
	})
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, lists, err := a.lists()
		if err != nil {
			return err
		}
		switch {
		case tag != "":
			lists = slices.DeleteFunc(lists, func(l report.List) bool { return !slices.Contains(l.Zone.Tags, tag) })
			if len(lists) == 0 {
				return usageError(c, fmt.Errorf("no list has the tag %q; known are %s", tag, strings.Join(a.listTags(), ", ")))
			}
		case !all:
			lists = slices.DeleteFunc(lists, func(l report.List) bool { return !l.Asked })
		}
		return report.WriteLists(a.stdout, a.term(), *form, lists)
	}
	c.AddCommand(a.listsShowCommand(), a.listsTestCommand())
	return c
}

// lists are all lists that are known, those that are asked first, each by its id.
func (a *app) lists() (*config.Config, []report.List, error) {
	cfg, err := a.optionalConfig()
	if err != nil {
		return nil, nil, err
	}
	return cfg, view.Lists(cfg), nil
}

// listTags are the tags of all lists, each once.
func (a *app) listTags() []string {
	_, lists, err := a.lists()
	if err != nil {
		return nil
	}
	var tags []string
	for _, l := range lists {
		tags = append(tags, l.Zone.Tags...)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

func (a *app) listsShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Tell everything known about one list, with sources and dates",
		Example: `  reputed lists show spamcop
  reputed lists show zen.spamhaus.org --format json`,
		Args: args(1, 1, "one list by its id, such as spamcop"),
		ValidArgsFunction: func(_ *cobra.Command, words []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(words) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.listIDs(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	form := formatFlag(c, report.Text, report.JSON)
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, lists, err := a.lists()
		if err != nil {
			return err
		}
		var zones []blocklists.Zone
		for _, l := range lists {
			zones = append(zones, l.Zone)
		}
		if u, ok := unasked(cfg, words[0]); ok {
			return report.WriteUnasked(a.stdout, a.term(), *form, u)
		}
		z, ok := blocklists.Find(zones, words[0])
		if !ok {
			return noList(c, cfg, words[0], zones)
		}
		i := slices.IndexFunc(lists, func(l report.List) bool { return l.Zone.ID == z.ID })
		return report.WriteList(a.stdout, a.term(), *form, lists[i])
	}
	return c
}

// listIDs are the ids of all lists, for completion; none if they cannot be read.
func (a *app) listIDs() []string {
	_, lists, err := a.lists()
	if err != nil {
		return nil
	}
	var ids []string
	for _, l := range lists {
		ids = append(ids, l.Zone.ID)
	}
	return ids
}

// unasked is the list of that id or zone that no question reaches.
func unasked(cfg *config.Config, name string) (blocklists.Unasked, bool) {
	for _, u := range cfg.Blocklists.Catalog.Unasked {
		if name == u.ID || u.Zone != "" && strings.EqualFold(strings.TrimSuffix(name, "."), u.Zone) {
			return u, true
		}
	}
	return blocklists.Unasked{}, false
}

// noList says that no list has that name: that it is dead, is none, or what it might have been.
func noList(c *cobra.Command, cfg *config.Config, name string, zones []blocklists.Zone) error {
	if d, dead := cfg.Blocklists.Catalog.FindDead(name); dead {
		return &exitError{exitMinor, errors.New(d.Warning())}
	}
	if u, ok := unasked(cfg, name); ok {
		return &exitError{exitMinor, fmt.Errorf("list %s cannot be asked: %s", u.ID, u.Why)}
	}
	for _, s := range cfg.Blocklists.Catalog.Scores {
		if name == s.ID || strings.EqualFold(strings.TrimSuffix(name, "."), s.Zone) {
			return &exitError{exitMinor, fmt.Errorf("%s (%s) is no blocklist, and is not asked as one: an answer of it is no listing", s.ID, s.Title)}
		}
	}
	for _, z := range zones {
		if strings.Contains(z.ID, strings.ToLower(name)) || strings.HasPrefix(name, z.ID) {
			return usageError(c, fmt.Errorf("there is no list %q; did you mean %q?", name, z.ID))
		}
	}
	return usageError(c, fmt.Errorf("there is no list %q; \"reputed lists --all\" shows them", name))
}
