package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/config"
	"reputed/internal/store"
	"reputed/internal/wiring"
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
	c.Flags().StringVar(&to, "to", "", "`WHOM` to write to: "+strings.Join(letterTo, ", ")+" (default: whom the incident suggests)")
	c.Flags().StringVar(&receiver, "receiver", "", "`DOMAIN` whose postmaster is meant (default: the one that refused most)")
	c.Flags().StringVar(&list, "list", "", "`LIST` that is meant, by its id (default: the worst)")
	c.RunE = func(c *cobra.Command, words []string) error {
		ids, err := incidentIDs(c, words)
		if err != nil {
			return err
		}
		if to != "" && !slices.Contains(letterTo, to) {
			return usageError(c, fmt.Errorf("no letter is written to %q: say --to %s", checks.Line(to, 40), strings.Join(letterTo, ", ")))
		}
		return a.letter(c, ids[0], to, receiver, strings.ToLower(list))
	}
	return c
}

var letterTo = []string{remedy.ToPostmaster, remedy.ToList, remedy.ToISP, remedy.ToCustomer}

func (a *app) letter(c *cobra.Command, id int64, to, receiver, list string) error {
	db, cfg, err := a.readStore(c.Context())
	if err != nil {
		return err
	}
	defer db.Close()
	h, err := db.Incident(c.Context(), id)
	if err != nil {
		return noIncident(id, err)
	}
	refused, err := db.Bounces(c.Context(), store.BounceFilter{Incident: id})
	if err != nil {
		return err
	}
	asked, err := db.Requests(c.Context(), id)
	if err != nil {
		return err
	}
	book, err := remedy.Load()
	if err != nil {
		return err
	}
	desk := letterDesk{h.Incident, refused, asked, book, wiring.Lookup(wiring.Named(cfg)), signature(cfg)}
	l, f, err := desk.write(to, receiver, list)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "To: %s\nSubject: %s\n\n%s", l.To, l.Subject, l.Body)
	a.adviseLetter(l, f)
	return nil
}

// letterDesk is all that letters about one incident are written of.
type letterDesk struct {
	incident  alerts.Incident
	refused   []store.Bounce
	asked     []alerts.Asked
	book      *remedy.Book
	zone      func(string) (blocklists.Zone, bool)
	signature remedy.Signature
}

// write is a letter and the finding that it is about. Each of the three words may be empty.
func (d letterDesk) write(to, receiver, list string) (remedy.Letter, checks.Finding, error) {
	findings := letterFindings(d.incident)
	if to == "" {
		to = suggested(d.incident, findings, d.zone)
	}
	f, ok := subjectOf(findings, to, receiver, list)
	if !ok {
		return remedy.Letter{}, f, fmt.Errorf("incident %d has nothing to write to a %s about; \"reputed incident show %d\" says what it is", d.incident.ID, to, d.incident.ID)
	}
	o := remedy.Occasion{Finding: f, Zone: d.zone, Receiver: receiver, Since: d.incident.Opened, Takes: upTo(d.book.For(f, d.zone).Promised), Location: time.Local,
		Signature: d.signature, Requests: requestsOf(d.asked, d.zone)}
	if since := d.incident.Impact.Since; !since.IsZero() && since.Before(o.Since) {
		o.Since = since
	}
	o.Receivers, o.Receiver = receiversOf(d.incident.Impact, receiver, f)
	o.Refusals = quoted(d.refused, to, o.Receiver, f)
	l, err := remedy.Write(to, o)
	return l, f, err
}

// adviseLetter says on standard error what is no part of the letter.
func (a *app) adviseLetter(l remedy.Letter, f checks.Finding) {
	say := func(s string) { fmt.Fprint(a.stderr, a.term().Paragraph(s)) }
	fmt.Fprintln(a.stderr)
	if len(l.Blanks) > 0 {
		say("Fill in: " + strings.Join(l.Blanks, ", ") + ".")
	}
	if l.Unblocked {
		say(unblockedWay(f))
	}
	say("Send it when the cause is gone, once; then write it down: reputed incident requested.")
}

// unblockedWay is how a letter goes to somebody who may not get our mail.
func unblockedWay(f checks.Finding) string {
	return fmt.Sprintf("Send it by a way that is not blocked: a mailbox elsewhere, the provider's relay, or read it out on the phone. Mail from %s may not arrive, the complaint about it included.", f.Target)
}

// letterFindings are those that can be written about: open ones first, then what they were.
func letterFindings(inc alerts.Incident) []checks.Finding {
	all := inc.OpenFindings()
	for _, m := range inc.Members {
		if m.Clear {
			all = append(all, m.Finding)
		}
	}
	return slices.DeleteFunc(all, func(f checks.Finding) bool {
		return f.Target.Kind == checks.KindMonitor || f.Target.Kind == checks.KindList || f.Key.Check == alerts.CheckRequest
	})
}

// refusedFinding says whether it is about mail that receivers refused or put off.
func refusedFinding(f checks.Finding) bool {
	return f.Code.Refusal() || f.Code == checks.CodeRamp
}

// suggested is whom to write to: the postmaster who refuses; where nobody does the list, or the
// provider where only the network's owner can ask it.
func suggested(inc alerts.Incident, findings []checks.Finding, zone func(string) (blocklists.Zone, bool)) string {
	if inc.Impact.Refusals() > 0 || slices.ContainsFunc(findings, refusedFinding) {
		return remedy.ToPostmaster
	}
	if len(findings) > 0 {
		if z, ok := zone(findings[0].Facts[checks.FactList]); ok && z.Removal.Method == "network-owner" {
			return remedy.ToISP
		}
	}
	return remedy.ToList
}

// subjectOf is the finding that a letter is about.
func subjectOf(findings []checks.Finding, to, receiver, list string) (checks.Finding, bool) {
	fits := func(f checks.Finding) bool {
		switch {
		case list != "":
			return about(f, list)
		case to == remedy.ToPostmaster && receiver != "":
			return refusedFinding(f) && strings.EqualFold(f.Facts[checks.FactReceiver], receiver)
		case to == remedy.ToPostmaster:
			return refusedFinding(f)
		case to == remedy.ToList:
			return f.Facts[checks.FactList] != ""
		}
		return true
	}
	if i := slices.IndexFunc(findings, fits); i >= 0 {
		return findings[i], true
	}
	if len(findings) == 0 || list != "" || to == remedy.ToList {
		return checks.Finding{}, false
	}
	return findings[0], true
}

// receiversOf are those who refuse, most refusals first, and the one whose postmaster is meant.
func receiversOf(i checks.Impact, receiver string, f checks.Finding) (all []string, one string) {
	rs := slices.Clone(i.Receivers)
	slices.SortStableFunc(rs, func(a, b checks.ReceiverImpact) int {
		return cmp.Compare(b.Refused.N+b.Deferred.N, a.Refused.N+a.Deferred.N)
	})
	for _, r := range rs {
		if r.Refused.N+r.Deferred.N > 0 && !slices.Contains(all, r.Receiver) {
			all = append(all, r.Receiver)
		}
	}
	one = cmp.Or(receiver, f.Facts[checks.FactReceiver])
	if one == "" && len(all) > 0 {
		one = all[0]
	}
	return all, one
}

// quoted are the refusals that a letter may quote, the latest first: those of the receiver it is
// for, or those that name the list or vendor it is about.
func quoted(all []store.Bounce, to, receiver string, f checks.Finding) []remedy.Refusal {
	var out []remedy.Refusal
	for _, b := range all {
		if to == remedy.ToPostmaster && receiver != "" && !strings.EqualFold(b.Domain, receiver) {
			continue
		}
		from := ""
		switch {
		case b.Source.IsValid():
			from = b.Source.String()
		case f.Target.Kind == checks.KindAddress:
			from = f.Target.String()
		}
		out = append(out, remedy.Refusal{At: b.At, QueueID: b.QueueID, From: from, Host: cmp.Or(b.RemoteHost, b.Domain), Text: b.Diagnostic.Text})
	}
	slices.SortStableFunc(out, func(x, y remedy.Refusal) int { return y.At.Compare(x.At) })
	return out
}

// requestsOf says which removals were asked for, each list once.
func requestsOf(all []alerts.Asked, zone func(string) (blocklists.Zone, bool)) (lines []string) {
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a.List] {
			continue
		}
		seen[a.List] = true
		name := a.List
		if z, ok := zone(a.List); ok {
			name = z.Title
		}
		line := name + " on " + a.At.Local().Format("2 January 2006")
		if a.Ref != "" {
			line += " (" + a.Ref + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// upTo is how long it takes, for customers: the runbook's own words name lists.
func upTo(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 48*time.Hour:
		return "up to about " + checks.Plural(int(d.Round(time.Hour)/time.Hour), "hour")
	}
	return "up to about " + checks.Plural(int(d.Round(24*time.Hour)/(24*time.Hour)), "day")
}

func signature(cfg *config.Config) remedy.Signature {
	o := cfg.Organisation
	return remedy.Signature{Organisation: o.Name, Name: o.Person, Contact: o.Contact, Phone: o.Phone}
}
