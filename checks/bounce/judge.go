package bounce

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// Check is the [checks.Key].Check of what this package finds.
const Check = "bounce"

// JudgeOptions are the limits of [Judge]. Zero values mean the defaults.
type JudgeOptions struct {
	Window   time.Duration                       // a refusal that is older opens nothing; default 24 h
	Quiet    time.Duration                       // a problem without a refusal for so long is over, and opens nothing; default 24 h
	Lists    blocklists.Names                    // the lists that refusals may name
	ListName func(id string) string              // a list's name for people, by catalogue id; nil: the id
	Since    func(target string) time.Time       // when the trouble of a target began; zero: it has none yet. Nil: none has any
	Answers  func(checks.Key) (Answer, bool)     // what a list that a refusal names said when it was asked; nil: nothing is known
	Front    func(receiver string) (Front, bool) // who stands before a receiving domain; nil: it is not known of any
	Began    time.Time                           // when mailboxes and logs began to be watched: what lies before it is no news ([Already]); zero: it is not known
	Known    []checks.Key                        // known problems to speak of even if nothing was counted; those of other checks are passed over

	fronts map[string]Front // by receiver: those that refusals are laid at for it
}

// Judge makes findings and impact of what was counted; it is pure.
//
// There is one problem per target and refuser (the list named, else the
// vendor, who may be known by the MX records of the receiver alone ([JudgeOptions].Front), else
// the receiver). open says which keys are known problems: one of
// those whose last refusal is older than Quiet is OK if readable says that the
// mailboxes and logs were read well all that time, and Unknown otherwise, as silence of
// what nobody read proves nothing. It is OK sooner where the refuser has been seen to
// take mail again, see [recovered]. Known problems of which not even an old
// tally is left are given in JudgeOptions.Known.
//
// What is not a known problem, and was over before anybody watched (JudgeOptions.Began), is OK with
// [checks.CodeOverBefore], and costs nothing. As long as older mails and lines are still being read,
// nothing is said of it.
//
// Beside it there is one problem per target and receiver that defers more and more
// ([CheckRamp]), and one per target and reporter of complaints ([CheckComplaint]).
func Judge(c Counts, open func(checks.Key) bool, readable bool, now time.Time, opt JudgeOptions) ([]checks.Finding, []checks.Impact) {
	opt = opt.withDefaults()
	if open == nil {
		open = func(checks.Key) bool { return false }
	}
	c.Tallies, opt.fronts = opt.behind(c.Tallies, open)
	groups := opt.groups(c.Tallies)
	accepted := map[receiverOf]Acceptance{}
	for _, a := range c.Acceptances {
		accepted[receiverOf{a.Target, a.Receiver}] = a
	}
	var findings []checks.Finding
	past := map[checks.Key]bool{}
	for _, key := range slices.SortedFunc(maps.Keys(groups), checks.Key.Compare) {
		g := groups[key]
		last := latest(g)
		age, known := now.Sub(last.Last), open(key)
		again, over := recovered(g, accepted, now, opt.Quiet)
		since, taken := takenSince(g, accepted)
		switch {
		case !known && last.Last.Before(opt.Began) && !readable && now.Sub(opt.Began) < CatchUp:
			continue // what comes next may say that it is over
		case !known && last.Last.Before(opt.Began) && taken:
			findings = append(findings, overBefore(key, g, since, now, opt))
			past[key] = true
		case over && readable:
			if known {
				findings = append(findings, takenAgain(key, g, again, now, opt))
			}
		case age < opt.Quiet && (known || age < opt.Window):
			findings = append(findings, problem(key, g, opt))
		case known:
			findings = append(findings, quiet(key, last.Last, readable, now, opt))
		}
	}
	for _, key := range slices.SortedFunc(slices.Values(opt.Known), checks.Key.Compare) {
		if _, counted := groups[key]; !counted && key.Check == Check {
			findings = append(findings, quiet(key, time.Time{}, readable, now, opt))
		}
	}
	findings = append(findings, ramps(c, open, readable, now, opt)...)
	findings = append(findings, complaints(c, readable, now, opt)...)
	c.Tallies = slices.DeleteFunc(slices.Clone(c.Tallies), func(t Tally) bool { return past[opt.keyOf(t)] })
	return findings, impacts(c, opt.Since, now, opt.Window)
}

// keyOf is the question that a tally belongs to.
func (o JudgeOptions) keyOf(t Tally) checks.Key {
	return checks.Key{Check: Check, Target: t.Target, Source: o.refuser(t)}
}

// groups are the tallies that count something, by question.
func (o JudgeOptions) groups(tallies []Tally) map[checks.Key][]Tally {
	groups := map[checks.Key][]Tally{}
	for _, t := range tallies {
		if t.Refused+t.Deferred > 0 {
			groups[o.keyOf(t)] = append(groups[o.keyOf(t)], t)
		}
	}
	return groups
}

func (o JudgeOptions) withDefaults() JudgeOptions {
	if o.Window <= 0 {
		o.Window = 24 * time.Hour
	}
	if o.Quiet <= 0 {
		o.Quiet = 24 * time.Hour
	}
	if o.Since == nil {
		o.Since = func(string) time.Time { return time.Time{} }
	}
	if o.Answers == nil {
		o.Answers = func(checks.Key) (Answer, bool) { return Answer{}, false }
	}
	if o.ListName == nil {
		o.ListName = func(id string) string { return id }
	}
	return o
}

// listID is the catalogue's id for a list named by its zone or a part of it
// ("sbl.spamhaus.org" is Spamhaus ZEN), so that one problem has one key; an
// unknown list keeps the name it has.
func (o JudgeOptions) listID(name string) string {
	if id, ok := o.Lists.ID(name); ok {
		return id
	}
	return name
}

// refuser is who refused, as the source of a key: the list, else the vendor,
// else the receiving domain.
func (o JudgeOptions) refuser(t Tally) string {
	switch {
	case t.Blocklist != "":
		return o.listID(t.Blocklist)
	case t.Vendor != "":
		return strings.ToLower(strings.ReplaceAll(t.Vendor, " ", "-"))
	}
	return t.Receiver
}

// latest returns the tally with the last refusal.
func latest(g []Tally) Tally {
	return slices.MaxFunc(g, func(a, b Tally) int { return a.Last.Compare(b.Last) })
}

// problem is the finding about one target and refuser.
func problem(key checks.Key, g []Tally, opt JudgeOptions) checks.Finding {
	last := latest(g)
	refused, deferred := 0, 0
	var severity checks.Severity
	receivers := map[string]bool{}
	for _, t := range g {
		refused += t.Refused
		deferred += t.Deferred
		severity = checks.Worse(severity, severityOf(t))
		receivers[t.Receiver] = true
	}
	who := last.Vendor
	if last.Blocklist != "" {
		who = opt.ListName(opt.listID(last.Blocklist))
	}
	if who == "" {
		who = last.Receiver
	}
	who = checks.Line(who, 80)
	target, err := checks.ParseID(key.Target)
	if err != nil {
		target = checks.Receiver(key.Target)
	}
	from := " from " + target.String()
	if target.Kind == checks.KindReceiver {
		from = " to " + target.String()
	}
	verb := "refused"
	queued := ""
	switch {
	case refused == 0 && last.forGood():
		queued = ", still in our queue"
	case refused == 0:
		verb = "deferred"
	}
	n := refused + deferred
	summary := fmt.Sprintf("%s: %s%s %s for %s%s", who, checks.Plural(n, "mail"), from, verb, reasonOf(last.Category), queued)
	d := last.Sample.Diagnostic
	facts := map[string]string{}
	set := func(name, value string) {
		if value = checks.Line(value, maxDiagnosis); value != "" {
			facts[name] = value
		}
	}
	switch target.Kind {
	case checks.KindAddress:
		set(checks.FactAddress, target.Addr.String())
	case checks.KindDomain:
		set(checks.FactDomain, target.Name)
	}
	if facts[checks.FactAddress] == "" && last.Sample.Source.IsValid() {
		set(checks.FactAddress, last.Sample.Source.String())
	}
	if facts[checks.FactDomain] == "" {
		set(checks.FactDomain, cmp.Or(last.Sample.Judgement.Domain, last.Sample.Sender))
	}
	if last.Blocklist != "" {
		set(checks.FactList, opt.listID(last.Blocklist))
		set(checks.FactListName, opt.ListName(opt.listID(last.Blocklist)))
		if strings.Contains(last.Blocklist, ".") {
			set(checks.FactZone, last.Blocklist)
		}
	}
	set(checks.FactVendor, last.Vendor)
	set(checks.FactRule, last.Rule)
	set(checks.FactRemedy, last.Remedy)
	set(checks.FactCategory, string(last.Category))
	set(checks.FactReceiver, last.Receiver)
	set(checks.FactRemote, last.Sample.RemoteHost)
	set(checks.FactReply, d.Reply)
	set(checks.FactStatus, d.Status)
	set(checks.FactDiagnostic, MaskText(d.Text))
	set(checks.FactLookupURL, last.Sample.Judgement.URL)
	set(checks.FactCount, strconv.Itoa(n))
	question := "mail to " + last.Receiver
	if last.Sample.RemoteHost != "" {
		question += " at " + last.Sample.RemoteHost
	}
	evidence := []checks.Evidence{{Question: checks.Line(question, 300), Answer: MaskText(d.Text), Via: last.Via, Proof: last.Proof.Detail, At: last.Last}}
	if list := facts[checks.FactList]; list != "" {
		evidence = append(evidence, opt.asked(key.Target, list)...)
	}
	evidence = append(evidence, fronts(g, opt.fronts)...)
	return checks.Finding{
		Key: key, Target: target, Code: checks.CodeRefused, Status: checks.Problem, Severity: severity, Summary: summary, Facts: facts,
		Evidence: evidence, At: last.Last,
	}
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

// quiet is the finding about a known problem of which nothing new was heard.
func quiet(key checks.Key, last time.Time, readable bool, now time.Time, opt JudgeOptions) checks.Finding {
	target, err := checks.ParseID(key.Target)
	if err != nil {
		target = checks.Receiver(key.Target)
	}
	f := checks.Finding{Key: key, Target: target, Code: checks.CodeAccepted, Status: checks.OK, At: now}
	who := opt.ListName(key.Source)
	since := "in " + opt.Quiet.String()
	if !last.IsZero() {
		since = "since " + last.UTC().Format("2 Jan 15:04 MST")
	}
	f.Summary = fmt.Sprintf("no refusal of mail from %s by %s %s", target, checks.Line(who, 80), since)
	switch {
	case !readable:
		f.Status = checks.Unknown
		f.Summary = fmt.Sprintf("cannot tell whether %s still refuses mail from %s: bounces were not read all the time", checks.Line(who, 80), target)
	case !last.IsZero() && now.Sub(last) < opt.Quiet:
		f.Status = checks.Unknown
		f.Summary = fmt.Sprintf("no refusal of mail from %s by %s %s; not quiet for long enough to be over", target, checks.Line(who, 80), since)
	}
	return f
}
