package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/view"
)

func (a *app) letterCommand() *cobra.Command {
	var to, receiver, list string
	c := &cobra.Command{
		Use:   "letter INCIDENT",
		Short: "Write the message that asks for help: to a postmaster, a list, the provider, customers",
		Long: `Writes a letter about an incident to standard output: to the postmaster of an organisation
that refuses your mail (asking for a temporary exception), to a list, to the provider who
owns the network, or to customers. Times, queue ids and the literal refusals are filled
in; what only you know is in <angle brackets>, and listed after the letter.

Nothing is sent. Send it by a way that is not blocked.`,
		Example: `  reputed letter 12                                   to whoever refuses most
  reputed letter 12 --to postmaster --receiver example.net
  reputed letter 12 --to isp > letter.txt
  reputed letter 12 --to customer`,
		Args: args(1, 1, "an incident by its number"),
	}
	c.Flags().StringVar(&to, "to", "", "`WHOM` to write to: "+strings.Join(view.LetterTo(), ", ")+" (default: whom the incident suggests)")
	c.Flags().StringVar(&receiver, "receiver", "", "`DOMAIN` whose postmaster is meant (default: the one that refused most)")
	c.Flags().StringVar(&list, "list", "", "`LIST` that is meant, by its id (default: the worst)")
	c.RunE = func(c *cobra.Command, words []string) error {
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		if to != "" && !slices.Contains(view.LetterTo(), to) {
			return usageError(c, fmt.Errorf("no letter is written to %q: say --to %s", checks.Line(to, 40), strings.Join(view.LetterTo(), ", ")))
		}
		return a.letter(c, ids[0], to, receiver, strings.ToLower(list))
	}
	return c
}

func (a *app) letter(c *cobra.Command, id int64, to, receiver, list string) error {
	v, done, err := a.readView(c.Context())
	if err != nil {
		return err
	}
	defer done()
	l, f, err := v.Letter(c.Context(), id, to, receiver, list)
	if err != nil {
		return view.NoIncident(id, err)
	}
	fmt.Fprintf(a.stdout, "To: %s\nSubject: %s\n\n%s", l.To, l.Subject, l.Body)
	a.adviseLetter(l, f)
	return nil
}

// adviseLetter says on standard error what is no part of the letter.
func (a *app) adviseLetter(l remedy.Letter, f checks.Finding) {
	say := func(s string) { fmt.Fprint(a.stderr, a.term().Paragraph(s)) }
	fmt.Fprintln(a.stderr)
	if len(l.Blanks) > 0 {
		say("Fill in: " + strings.Join(l.Blanks, ", ") + ".")
	}
	if l.Unblocked {
		say(view.UnblockedWay(f))
	}
	say("Send it when the cause is gone, once; then write it down: reputed incident requested.")
}
