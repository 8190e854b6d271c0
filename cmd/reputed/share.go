package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/view"
)

func (a *app) shareCommand() *cobra.Command {
	var length, note, by string
	c := &cobra.Command{
		Use:   "share POOL",
		Short: "Make a link that shows one pool to people outside",
		Long: `Makes a link that shows how one pool stands, for reading only and without signing in: to
its customers, or to those who manage it. It shows nothing of other pools, no name of
anybody and no literal answer. Whoever has the link can open it until it ends or is revoked;
it is printed this once, and only a hash of it is stored.`,
		Example: `  reputed share newsletter --for 30d --note "Example GmbH, ticket 4711"
  reputed share list
  reputed share revoke 3`,
		Args:              args(1, 1, "one pool of the configuration"),
		Annotations:       map[string]string{takesArguments: "yes"},
		ValidArgsFunction: a.completePools,
	}
	c.Flags().StringVar(&length, "for", "30d", "`TIME` that it lasts, at most 365d")
	c.Flags().StringVar(&note, "note", "", "`TEXT` for you: whom it is for; the link does not show it")
	byFlag(c, &by)
	c.RunE = func(c *cobra.Command, words []string) error {
		d, err := monitor.ParseDuration(length)
		if err != nil || d <= 0 || d > view.ShareLongest {
			return usageError(c, fmt.Errorf("--for %s: write how long it lasts, as in 30d, and at most 365d: a link always ends", checks.Line(length, 40)))
		}
		db, cfg, err := a.writeStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		s, link, err := view.NewLink(c.Context(), db, cfg, words[0], note, cmp.Or(by, loginName()), d, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, link)
		fmt.Fprint(a.stderr, a.term().Paragraph(fmt.Sprintf("link %d shows pool %s until %s; \"reputed share revoke %d\" ends it sooner", s.ID, checks.Line(s.Pool, 60), s.Expires.Local().Format("2 Jan 2006 15:04"), s.ID)))
		if warning := linkWarning(cfg.Web, link); warning != "" {
			fmt.Fprint(a.stderr, a.term().Paragraph("warning: "+warning))
		}
		return nil
	}
	c.AddCommand(a.shareListCommand(), a.shareRevokeCommand())
	return c
}

// linkWarning is why the link does not do what it is for; empty: it does.
func linkWarning(c config.Web, link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case c.Listen == "":
		return "nobody can open it yet: set listen in [web], or serve the page with \"reputed web\""
	case u.Hostname() == "localhost" || ip != nil && ip.IsLoopback():
		return "it can be opened on this machine alone: set url in [web] to where others reach the page"
	case u.Scheme == "http":
		return "it crosses the network in the clear, and so does what it shows: give the page TLS, and url in [web] https://"
	}
	return ""
}

func (a *app) shareListCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the links that can be opened, who made them and whether they are used",
		Example: `  reputed share list
  reputed share list --all --format json      those that have ended too`,
		Args: args(0, 0, ""),
	}
	form := formatFlag(c, report.Text, report.JSON)
	a.databaseFlag(c)
	c.Flags().BoolVar(&all, "all", false, "those too that have ended")
	c.RunE = func(c *cobra.Command, _ []string) error {
		db, _, err := a.readStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		now := time.Now()
		links, err := db.Shares(c.Context(), now, all)
		if err != nil {
			return err
		}
		return report.WriteLinks(a.stdout, a.term(), *form, view.LinksOf(links), now)
	}
	return c
}

func (a *app) shareRevokeCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use:               "revoke ID...",
		Short:             "End links at once",
		Example:           `  reputed share revoke 3`,
		Args:              args(1, -1, "links by their numbers; \"reputed share list\" shows them"),
		ValidArgsFunction: a.completeLinks,
	}
	byFlag(c, &by)
	c.RunE = func(c *cobra.Command, words []string) error {
		var ids []int64
		for _, w := range words {
			id, err := strconv.ParseInt(strings.TrimPrefix(w, "#"), 10, 64)
			if err != nil || id < 1 { // it may be the link itself, which is a secret
				return usageError(c, errors.New("name links by their numbers; \"reputed share list\" shows them"))
			}
			ids = append(ids, id)
		}
		db, _, err := a.writeStore(c.Context())
		if err != nil {
			return err
		}
		defer db.Close()
		var failed error
		for _, id := range ids {
			s, err := db.RevokeShare(c.Context(), id, cmp.Or(by, loginName()), time.Now())
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			fmt.Fprint(a.stdout, a.term().Paragraph(fmt.Sprintf("link %d to pool %s is revoked", s.ID, checks.Line(s.Pool, 60))))
		}
		return failed
	}
	return c
}

// completePools offers the pools of the configuration.
func (a *app) completePools(_ *cobra.Command, have []string, _ string) ([]string, cobra.ShellCompDirective) {
	cfg, _, err := a.configAsItIs()
	if err != nil || len(have) > 0 {
		return nil, noFiles
	}
	var out []string
	for _, o := range cfg.Outbound {
		out = append(out, checks.Line(o.Pool, 60))
	}
	return out, noFiles
}

// completeLinks offers the numbers of links with their pools.
func (a *app) completeLinks(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	db, _, _, err := a.openStored(c.Context())
	if err != nil {
		return nil, noFiles
	}
	defer db.Close()
	links, err := db.Shares(c.Context(), time.Now(), false)
	if err != nil {
		return nil, noFiles
	}
	var out []string
	for _, l := range links {
		out = append(out, fmt.Sprintf("%d\t%s %s", l.ID, checks.Line(l.Pool, 60), checks.Line(l.Note, 60)))
	}
	return out, noFiles
}
