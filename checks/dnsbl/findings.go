package dnsbl

import (
	"net/netip"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// checkName is the check part of the keys of this package's findings.
const checkName = "dnsbl"

// Bounds of a line, in runes.
const (
	maxSummary = 300
	maxFact    = 500
)

// problem is the finding about an entry.
func (r *run) problem(t checks.Target, key checks.Key, l *list, o outcome, evidence []checks.Evidence, reason string) checks.Finding {
	name, meaning := title(l.zone), strings.Join(o.verdict.Meanings, "; ")
	f := r.finding(t, key, l, o.at, evidence)
	f.Status, f.Severity = checks.Problem, severityOf(o.verdict)
	switch o.verdict.Class {
	case blocklists.Listed:
		f.Code, f.Summary = checks.CodeListed, t.String()+" is listed by "+name
	case blocklists.Policy:
		f.Code, f.Summary = checks.CodePolicy, t.String()+" is in a policy list of "+name
	default:
		f.Code, f.Summary = checks.CodeInformational, t.String()+" is mentioned by "+name
	}
	if meaning != "" {
		f.Summary += ": " + meaning
	}
	f.Summary = checks.Line(f.Summary, maxSummary)
	f.SetFact(checks.FactCodes, codes(o.verdict.Codes), maxFact)
	f.SetFact(checks.FactMeaning, meaning, maxFact)
	f.SetFact(checks.FactReason, reason, maxFact)
	return f
}

// answered is the finding for a known key that has no entry now: OK if that is
// proved, else Unknown.
func (r *run) answered(t checks.Target, key checks.Key, l *list, o outcome, ev checks.Evidence) checks.Finding {
	if o.verdict.Class != blocklists.Clean || !o.proved {
		return r.unknown(t, key, l, o, []checks.Evidence{ev})
	}
	f := r.finding(t, key, l, o.at, []checks.Evidence{ev})
	if o.other != nil {
		f.Evidence = append(f.Evidence, r.evidenceOf(*o.other))
	}
	f.Status, f.Code, f.Settle = checks.OK, checks.CodeNotListed, o.settle
	f.Summary = checks.Line(t.String()+" is not listed by "+title(l.zone), maxSummary)
	return f
}

// unknown is the finding for an answer that proves nothing either way. Praise is
// one: a list over its limits may praise everybody.
func (r *run) unknown(t checks.Target, key checks.Key, l *list, o outcome, evidence []checks.Evidence) checks.Finding {
	f := r.finding(t, key, l, o.at, evidence)
	f.Status, f.Code = checks.Unknown, checks.CodeNoAnswer
	why := o.verdict.Why
	if o.verdict.Class == blocklists.Good {
		why = title(l.zone) + " speaks well of it, which takes back no listing: " + strings.Join(o.verdict.Meanings, "; ")
	}
	f.Summary = checks.Line("Nothing is known about "+t.String()+" on "+title(l.zone)+": "+why, maxSummary)
	f.SetFact(checks.FactInstruction, why, maxFact)
	return f
}

// finding is what all findings about a target and a list have in common.
func (r *run) finding(t checks.Target, key checks.Key, l *list, at time.Time, evidence []checks.Evidence) checks.Finding {
	f := checks.Finding{Key: key, Target: t, Facts: map[string]string{}, Evidence: evidence, At: at}
	f.SetTargetFact()
	f.SetFact(checks.FactLookupURL, l.zone.LookupURLFor(t.String()), maxFact)
	f.SetFact(checks.FactRemovalURL, l.zone.RemovalURLFor(t.String()), maxFact)
	r.listFacts(&f, l)
	return f
}

// listFacts sets the facts that name the list.
func (r *run) listFacts(f *checks.Finding, l *list) {
	f.SetFact(checks.FactList, l.zone.ID, maxFact)
	f.SetFact(checks.FactListName, title(l.zone), maxFact)
	f.SetFact(checks.FactZone, l.zone.Zone, maxFact)
	f.SetFact(checks.FactOperator, l.zone.Operator, maxFact)
	f.SetFact(checks.FactServers, strings.Join(r.Servers, ", "), maxFact)
}

// severityOf is what an entry costs before anything is counted. An entry of
// which nobody said how bad it is gets a person's eye, and wakes nobody.
func severityOf(v blocklists.Verdict) checks.Severity {
	s := checks.Severity(v.Severity)
	switch {
	case v.Class == blocklists.Informational || v.Class == blocklists.Good:
		return checks.Informational
	case s.Rank() == 0:
		return checks.Minor
	}
	return s
}

func codes(addrs []netip.Addr) string {
	texts := make([]string, 0, len(addrs))
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}
