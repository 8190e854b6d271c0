package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/internal/report"
	"reputed/internal/view"
)

func (a *app) explainCommand() *cobra.Command {
	var ask bool
	c := &cobra.Command{
		Use:   "explain ID | TARGET LIST",
		Short: "Prove a verdict, or say why people were told of an incident",
		Long: `With a target and a list it proves what is known of this pair: the question, the literal
answer with flags and TTL, the server, the controls of the same minute, the second path, the
history, and what would change it. Of a pair with nothing stored it asks now, and says so;
--ask always asks. Nothing of that is stored.

With the number of an incident it says why people were told of it, or were not.

Exit code for a pair: 2 critical or major, 1 minor or policy, 3 could not tell, else 0.`,
		Example: `  reputed explain 192.0.2.10 spamcop         is it listed, and how do we know?
  reputed explain 192.0.2.10 spamcop --ask   and what does the list say now?
  reputed explain 12                         why people were told, or were not
  reputed explain 12 --format json`,
		Args:              args(1, 2, "one incident by its number, or a target and a list"),
		ValidArgsFunction: a.completeExplain,
	}
	form := formatFlag(c, report.Text, report.JSON)
	a.databaseFlag(c)
	c.Flags().BoolVar(&ask, "ask", false, "ask the list now, also where something is stored")
	c.RunE = func(c *cobra.Command, words []string) error {
		if len(words) == 2 {
			return a.explainPair(c, words[0], words[1], ask, *form)
		}
		if ask || strings.ContainsAny(words[0], ".:") {
			return usageError(c, errors.New("name a target and a list, as in \"reputed explain 192.0.2.10 spamcop\", or one incident by its number"))
		}
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		v, done, err := a.readView(c.Context())
		if err != nil {
			return err
		}
		defer done()
		e, err := v.Explanation(c.Context(), ids[0], time.Now())
		if err != nil {
			return view.NoIncident(ids[0], err)
		}
		return e.Write(a.stdout, a.term(), *form)
	}
	return c
}
