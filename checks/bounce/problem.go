package bounce

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
)

// problem is the finding about one target and refuser.
func problem(key checks.Key, g []Tally, opt JudgeOptions) checks.Finding {
	last, target := latest(g), targetOf(key.Target)
	refused, deferred := 0, 0
	var severity checks.Severity
	for _, t := range g {
		refused += t.Refused
		deferred += t.Deferred
		severity = checks.Worse(severity, severityOf(t))
	}
	f := checks.Finding{Key: key, Target: target, Code: checks.CodeRefused, Status: checks.Problem, Severity: severity, At: last.Last}
	f.Summary = opt.summary(last, target, refused, deferred)
	opt.setFacts(&f, last)
	f.SetFact(checks.FactCount, strconv.Itoa(refused+deferred), 0)
	question := "mail to " + last.Receiver
	if last.Sample.RemoteHost != "" {
		question += " at " + last.Sample.RemoteHost
	}
	f.Evidence = []checks.Evidence{{Question: checks.Line(question, 300), Answer: MaskText(last.Sample.Diagnostic.Text), Via: last.Via, Proof: last.Proof.Detail, At: last.Last}}
	if list := f.Facts[checks.FactList]; list != "" {
		f.Evidence = append(f.Evidence, opt.asked(key.Target, list)...)
	}
	f.Evidence = append(f.Evidence, fronts(g, opt.fronts)...)
	return f
}

// summary is "Cisco Talos: 41 mails from 192.0.2.10 refused for its reputation".
func (o JudgeOptions) summary(last Tally, target checks.Target, refused, deferred int) string {
	who := cmp.Or(last.Vendor, last.Receiver)
	if last.Blocklist != "" {
		who = o.ListName(o.Lists.Canonical(last.Blocklist))
	}
	way := "from"
	if target.Kind == checks.KindReceiver {
		way = "to"
	}
	verb, queued := "refused", ""
	switch {
	case refused == 0 && last.forGood():
		queued = ", still in our queue"
	case refused == 0:
		verb = "deferred"
	}
	return fmt.Sprintf("%s: %s %s %s %s for %s%s", checks.Line(who, 80), checks.Plural(refused+deferred, "mail"), way, target, verb, reasonOf(last.Category), queued)
}

// setFacts sets what runbooks and letters fill in, as the latest refusal has it.
func (o JudgeOptions) setFacts(f *checks.Finding, last Tally) {
	set := func(name, value string) { f.SetFact(name, value, maxDiagnosis) }
	sample, d := last.Sample, last.Sample.Diagnostic
	if sample.Source.IsValid() {
		set(checks.FactAddress, sample.Source.String())
	}
	set(checks.FactDomain, cmp.Or(sample.Judgement.Domain, sample.Sender))
	f.SetTargetFact() // what the problem is laid at comes before what one mail says
	if last.Blocklist != "" {
		id := o.Lists.Canonical(last.Blocklist)
		set(checks.FactList, id)
		set(checks.FactListName, o.ListName(id))
		if strings.Contains(last.Blocklist, ".") {
			set(checks.FactZone, last.Blocklist)
		}
	}
	set(checks.FactVendor, last.Vendor)
	set(checks.FactRule, last.Rule)
	set(checks.FactRemedy, last.Remedy)
	set(checks.FactCategory, string(last.Category))
	set(checks.FactReceiver, last.Receiver)
	set(checks.FactRemote, sample.RemoteHost)
	set(checks.FactReply, d.Reply)
	set(checks.FactStatus, d.Status)
	set(checks.FactDiagnostic, MaskText(d.Text))
	set(checks.FactLookupURL, sample.Judgement.URL)
}

// severityOf: a lasting refusal for reputation is major; what only waits, or
// concerns how single mails look, is minor until it is widespread.
func severityOf(t Tally) checks.Severity {
	switch t.Category {
	case Blocklist, IPReputation, DomainReputation:
		if t.Refused > 0 || t.forGood() {
			return checks.Major
		}
	case RateLimited, SpamContent, AuthFailure, RDNS, Policy:
		if t.Refused >= checks.MinMails {
			return checks.Major
		}
	}
	return checks.Minor
}

// forGood says whether what our server only defers is refused by the receiver: by default
// Postfix goes on for five days after a greeting of 554, and OpenSMTPD does too.
func (t Tally) forGood() bool {
	return t.Refused == 0 && t.Deferred > 0 && strings.HasPrefix(t.Sample.Diagnostic.Reply, "5") && !t.Sample.Judgement.Temporary
}

// reasonOf is the category as the end of a sentence.
func reasonOf(c Category) string {
	switch c {
	case Blocklist:
		return "being on a blocklist"
	case IPReputation, DomainReputation:
		return "its reputation"
	case RateLimited:
		return "sending too much"
	case SpamContent:
		return "looking like spam"
	case AuthFailure:
		return "failing authentication"
	case RDNS:
		return "its reverse DNS"
	}
	return "policy"
}

// quiet is the finding about a known problem of which nothing new was heard since its last refusal; zero: nobody
// knows when that was.
func quiet(key checks.Key, last time.Time, readable bool, now time.Time, opt JudgeOptions) checks.Finding {
	f := checks.Finding{Key: key, Target: targetOf(key.Target), Code: checks.CodeAccepted, Status: checks.OK, At: now}
	who := checks.Line(opt.ListName(key.Source), 80)
	since := "in " + opt.Quiet.String()
	if !last.IsZero() {
		since = "since " + clock(last)
	}
	f.Summary = fmt.Sprintf("no refusal of mail from %s by %s %s", f.Target, who, since)
	switch {
	case !readable:
		f.Status = checks.Unknown
		f.Summary = fmt.Sprintf("cannot tell whether %s still refuses mail from %s: bounces were not read all the time", who, f.Target)
	case !last.IsZero() && now.Sub(last) < opt.Quiet:
		f.Status = checks.Unknown
		f.Summary += "; not quiet for long enough to be over"
	}
	return f
}
