package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/internal/monitor"
	"reputed/internal/report"
)

func (a *app) reportCommand() *cobra.Command {
	var since, pool string
	c := &cobra.Command{
		Use:   "report",
		Short: "Say what happened in the last week: listings, cost, what was done",
		Long: `Prints what happened: listings that began and ended and how long they lasted, what they cost
compared with as much time before, what people did, what could not be known, and what is quiet on
purpose. With schedule in [report], the daemon sends the same.`,
		Example: `  reputed report
  reputed report --since 30d --pool newsletter
  reputed report --format json`,
		Args: args(0, 0, ""),
	}
	form := formatFlag(c, report.Text, report.JSON)
	a.databaseFlag(c)
	c.Flags().StringVar(&since, "since", "7d", "look `BACK` so far, as 7d or 12h")
	c.Flags().StringVar(&pool, "pool", "", "of this `POOL` only")
	_ = c.RegisterFlagCompletionFunc("pool", a.completePools)
	c.RunE = func(c *cobra.Command, _ []string) error {
		now := time.Now()
		d, err := monitor.ParseDuration(since)
		if err != nil || d < time.Hour || d > report.LongestPeriod {
			return usageError(c, fmt.Errorf("--since %s: write 7d or 12h, an hour at least and %s at most", checks.Line(since, 40), monitor.FormatDuration(report.LongestPeriod)))
		}
		v, done, err := a.readView(c.Context())
		if err != nil {
			return err
		}
		defer done()
		if pools := v.Pools(); pool != "" && !slices.Contains(pools, pool) {
			return usageError(c, fmt.Errorf("there is no pool %q in the configuration, which has %s", checks.Line(pool, 60), strings.Join(pools, ", ")))
		}
		p, err := v.Period(c.Context(), pool, now.Add(-d), now, now, a.term())
		if err != nil {
			return err
		}
		return p.Write(a.stdout, a.term(), *form)
	}
	return c
}
