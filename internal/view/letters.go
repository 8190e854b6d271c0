package view

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/report"
	"reputed/internal/store"
)

const (
	// mostListLetters and mostPostmasters bound what the page of one incident holds; `reputed letter` writes any.
	mostListLetters = 8
	mostPostmasters = 4
)

// Letters implements [web.Source]: what `reputed letter` writes, to each list and to those who refuse most.
func (v *View) Letters(ctx context.Context, e report.Explanation, _ time.Time) ([]report.Letter, error) {
	inc := e.IncidentView.Incident
	if inc.State == alerts.Resolved {
		return nil, nil
	}
	desk, err := v.desk(ctx, inc)
	if err != nil {
		return nil, err
	}
	return desk.all()
}

// desk gathers what letters about an incident are written of.
func (v *View) desk(ctx context.Context, inc alerts.Incident) (desk, error) {
	refused, err := v.db.Bounces(ctx, store.BounceFilter{Incident: inc.ID})
	if err != nil {
		return desk{}, err
	}
	asked, err := v.db.Requests(ctx, inc.ID)
	return desk{inc, refused, asked, v.book, v.zone, signature(v.Config)}, err
}

// Letter is a letter about an incident, and the finding that it is about. Who it is to, which receiver's postmaster
// and which list are meant may each be empty: the incident suggests it. The error is [store.ErrNoIncident] if there is none.
func (v *View) Letter(ctx context.Context, id int64, to, receiver, list string) (remedy.Letter, checks.Finding, error) {
	h, err := v.db.Incident(ctx, id)
	if err != nil {
		return remedy.Letter{}, checks.Finding{}, err
	}
	desk, err := v.desk(ctx, h.Incident)
	if err != nil {
		return remedy.Letter{}, checks.Finding{}, err
	}
	return desk.write(to, receiver, list)
}

// all are the letters that an incident calls for: to the postmasters who refuse, to each list or to
// whom the network belongs, and to customers if mail is refused.
func (d desk) all() (out []report.Letter, err error) {
	add := func(to, receiver, list string, about string, how []report.Fact) {
		l, f, failed := d.write(to, receiver, list)
		if failed != nil {
			err = cmp.Or(err, failed)
			return
		}
		r := report.Letter{About: about, To: l.To, Subject: l.Subject, Body: l.Body, Blanks: l.Blanks, How: how, Command: letterCommandLine(d.incident.ID, to, receiver, list)}
		if l.Unblocked {
			r.Unblocked = UnblockedWay(f)
		}
		out = append(out, r)
	}
	findings := slices.DeleteFunc(d.incident.OpenFindings(), ownTrouble)
	refusing := d.incident.Impact.Refusals() > 0 || slices.ContainsFunc(findings, refusedFinding)
	if refusing {
		for _, receiver := range d.postmasters() {
			add(remedy.ToPostmaster, receiver, "", "the postmaster of "+receiver, []report.Fact{{Label: "how", Text: "by mail, or by telephone: their own settings decide"}})
		}
	}
	lists, owner := d.lists(findings), false
	for n, l := range lists {
		if n == mostListLetters {
			break
		}
		switch l.zone.Removal.Method {
		case "network-owner":
			owner = true // they are asked, not the list
			out = append(out, report.Letter{About: l.zone.Title, None: "The list hears the owner of the network only: write to the provider, below.", How: l.how()})
		case "automatic", "none":
			out = append(out, report.Letter{About: l.zone.Title, None: "It takes no requests, so none is to be written.", How: l.how()})
		default:
			add(remedy.ToList, "", l.zone.ID, l.zone.Title, l.how())
		}
	}
	if owner {
		add(remedy.ToISP, "", "", "the provider who owns the network", []report.Fact{{Label: "how", Text: "by mail to the abuse desk or the support of the provider, or in their customer portal"}})
	}
	if refusing {
		add(remedy.ToCustomer, "", "", "customers who miss mail", []report.Fact{{Label: "how", Text: "as you write to customers: a status page, a mail from elsewhere, the telephone"}})
	}
	return out, err
}

// postmasters are the receivers to write to, most refusals first, and of those behind one vendor the first.
func (d desk) postmasters() (out []string) {
	all, _ := receiversOf(d.incident.Impact, "", checks.Finding{})
	vendors := map[string]bool{}
	for _, receiver := range all {
		i := slices.IndexFunc(d.incident.Impact.Receivers, func(r checks.ReceiverImpact) bool { return r.Receiver == receiver })
		vendor := cmp.Or(d.incident.Impact.Receivers[i].Vendor, receiver)
		if _, err := checks.Domain(receiver); err != nil || vendors[vendor] || len(out) == mostPostmasters {
			continue // text from outside that is no domain has no postmaster
		}
		vendors[vendor] = true
		out = append(out, receiver)
	}
	return out
}

// listed is one list of an incident, and how many of its targets are on it.
type listed struct {
	zone    blocklists.Zone
	targets int
}

// lists are those that findings are about, in the order of the findings: worst first.
func (d desk) lists(findings []checks.Finding) (out []listed) {
	at := map[string]int{}
	for _, f := range findings {
		id := f.Facts[checks.FactList]
		z, ok := d.zone(id)
		if id == "" || !ok {
			continue
		}
		i, ok := at[id]
		if !ok {
			i = len(out)
			at[id] = i
			out = append(out, listed{zone: z})
		}
		out[i].targets++
	}
	return out
}

// how is how removal is asked of the list, and what to know before.
func (l listed) how() []report.Fact {
	how := report.RemovalFacts(l.zone.Removal)
	if l.targets > 1 {
		how = append(how, report.Fact{Label: "also", Text: fmt.Sprintf("%s of this incident are on it: the letter names the worst, most forms want each by itself", checks.Plural(l.targets, "target"))})
	}
	return how
}

// letterCommandLine is the command that writes the letter.
func letterCommandLine(id int64, to, receiver, list string) string {
	s := fmt.Sprintf("reputed letter %d --to %s", id, to)
	if receiver != "" {
		s += " --receiver " + receiver
	}
	if list != "" {
		s += " --list " + list
	}
	return s
}
