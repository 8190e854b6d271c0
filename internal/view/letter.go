package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/remedy"
	"reputed/internal/config"
	"reputed/internal/store"
)

// LetterTo are those whom a letter can be to.
func LetterTo() []string {
	return []string{remedy.ToPostmaster, remedy.ToList, remedy.ToISP, remedy.ToCustomer}
}

// desk is all that letters about one incident are written of.
type desk struct {
	incident  alerts.Incident
	refused   []store.Bounce
	asked     []alerts.Asked
	book      *remedy.Book
	zone      func(string) (blocklists.Zone, bool)
	signature remedy.Signature
}

// write is a letter and the finding that it is about. Each of the three words may be empty.
func (d desk) write(to, receiver, list string) (remedy.Letter, checks.Finding, error) {
	findings := letterFindings(d.incident)
	if to == "" {
		to = suggested(d.incident, findings, d.zone)
	}
	f, ok := subjectOf(findings, to, receiver, list)
	if ok && to == remedy.ToList && !d.takesRequests(f) {
		deaf := f
		if list == "" { // one that does, if there is one
			f, ok = subjectOf(slices.DeleteFunc(findings, func(f checks.Finding) bool { return !d.takesRequests(f) }), to, receiver, list)
		}
		if !ok || list != "" {
			z, _ := d.zone(deaf.Facts[checks.FactList])
			return remedy.Letter{}, deaf, fmt.Errorf("%s takes no requests, so there is no letter to write: its entries end by themselves; \"reputed incident show %d\" says when", z.Title, d.incident.ID)
		}
	}
	if !ok && list != "" {
		return remedy.Letter{}, f, fmt.Errorf("incident %d has nothing about %s; \"reputed incident show %d\" names the lists", d.incident.ID, checks.Line(list, 80), d.incident.ID)
	}
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

// takesRequests says whether anybody can ask the list that a finding is of; one that is not known may be asked.
func (d desk) takesRequests(f checks.Finding) bool {
	z, ok := d.zone(f.Facts[checks.FactList])
	return !ok || z.Removal.Method != "automatic" && z.Removal.Method != "none"
}

// UnblockedWay is how a letter goes to somebody who may not get our mail.
func UnblockedWay(f checks.Finding) string {
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
	return slices.DeleteFunc(all, ownTrouble)
}

// ownTrouble says whether a finding is about this monitor and what it asks: there is nobody to write to.
func ownTrouble(f checks.Finding) bool {
	return f.Target.Kind == checks.KindMonitor || f.Target.Kind == checks.KindList || f.Key.Check == alerts.CheckRequest
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
