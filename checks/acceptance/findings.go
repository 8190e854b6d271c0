package acceptance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/bounce"
)

// Standing is a receiver that refuses an address of ours, as the last round with an answer left it.
type Standing struct {
	Target   string // [checks.Target.ID]
	Receiver string // domain
	Source   string // whose problem it is: [checks.Key].Source
	Vendor   string
	Host     string // that refused
	Reply    string // literal, one line; untrusted
	Since    time.Time
	At       time.Time // when it was last seen
}

// JudgeOptions are what else [Judge] decides with.
type JudgeOptions struct {
	Standing []Standing                        // what is known from before
	Known    []checks.Key                      // problems that are known; those of other checks are passed over
	Target   func(id string) checks.Target     // with its pool and tags; nil: of the id alone
	Lists    blocklists.Names                  // that refusals may name
	ListName func(id string) string            // a list's name for people, by catalogue id; nil: the id
	Share    func(vendor string) (Share, bool) // how much of our mail goes to a vendor's receivers; nil: it is not counted
	Now      time.Time
}

// Share is a part of our mail.
type Share struct{ Mails, Of int }

// Limits of severity, where mail is counted. Of less mail than [checks.MinMails] nothing is said.
const (
	largeShare = 0.25  // of our mail: critical
	smallShare = 0.005 // minor
)

// Judge makes findings of a round, and says what is known of receivers that refuse us after it. It is pure.
//
// There is one problem for each address and refuser, as there is for mail that comes back: the list named, else the
// vendor, else the receiver. It is over once every receiver that refused for it has let us in; a receiver
// that gives no answer leaves it as it is, and opens nothing. Nothing is said of what was not asked.
func Judge(knocks []Knock, opt JudgeOptions) ([]checks.Finding, []Standing) {
	l := newLedger(opt)
	for _, k := range knocks {
		l.enter(k)
	}
	l.carryOver()
	var findings []checks.Finding
	for _, k := range l.keys() {
		switch {
		case len(l.refusals[k]) > 0:
			findings = append(findings, opt.problem(k, l.refusals[k]))
		case len(l.waiting[k]) > 0:
			findings = append(findings, opt.unanswered(k, l.waiting[k]))
		case l.held[k]: // there is nothing new, and no end while one is not asked
		case len(l.over[k]) > 0:
			findings = append(findings, opt.letIn(k, l.over[k]))
		default: // nobody remembers who refused: nothing can be asked, and nothing closes
			findings = append(findings, opt.unanswered(k, nil))
		}
	}
	return findings, slices.SortedFunc(maps.Values(l.after), func(a, b Standing) int {
		return cmp.Or(strings.Compare(a.Target, b.Target), strings.Compare(a.Receiver, b.Receiver))
	})
}

// pair is one address at one receiver, by [checks.Target.ID] and domain.
type pair struct{ target, receiver string }

// ledger is what a round comes to, for each pair and each problem.
type ledger struct {
	opt             JudgeOptions
	before, after   map[pair]Standing
	asked, answered map[pair]bool
	refusals        map[checks.Key][]Knock  // of this round
	over            map[checks.Key][]Knock  // that let us in again, or have another reason now
	waiting         map[checks.Key][]string // receivers that refused, and gave no answer now
	held            map[checks.Key]bool     // some that refused were not asked now
}

func newLedger(opt JudgeOptions) *ledger {
	l := &ledger{opt: opt, before: map[pair]Standing{}, after: map[pair]Standing{}, asked: map[pair]bool{}, answered: map[pair]bool{},
		refusals: map[checks.Key][]Knock{}, over: map[checks.Key][]Knock{}, waiting: map[checks.Key][]string{}, held: map[checks.Key]bool{}}
	for _, s := range opt.Standing {
		l.before[pair{s.Target, s.Receiver}] = s
	}
	return l
}

// enter takes one knock.
func (l *ledger) enter(k Knock) {
	p := pair{k.Origin.ID(), k.Receiver.Domain}
	old, had := l.before[p]
	l.asked[p] = k.Outcome != NotAsked
	switch k.Outcome {
	case Refused:
		s := Standing{Target: p.target, Receiver: p.receiver, Source: l.opt.source(k), Vendor: k.Vendor, Host: k.Host, Reply: checks.Line(k.Diagnostic.Text, 500), Since: k.At, At: k.At}
		if had && old.Source == s.Source {
			s.Since = old.Since
		}
		l.after[p] = s
		l.refusals[key(s)] = append(l.refusals[key(s)], k)
		if had && old.Source != s.Source {
			l.over[key(old)] = append(l.over[key(old)], k)
		}
	case Accepted:
		if had {
			l.over[key(old)] = append(l.over[key(old)], k)
		}
	default:
		return
	}
	l.answered[p] = true
}

// carryOver keeps what was known of pairs without an answer in this round.
func (l *ledger) carryOver() {
	for p, s := range l.before {
		switch {
		case l.answered[p]:
			continue
		case l.asked[p]:
			l.waiting[key(s)] = append(l.waiting[key(s)], s.Receiver)
		default:
			l.held[key(s)] = true
		}
		l.after[p] = s
	}
}

// keys are the problems to speak of, in order: those of the round, and those that are known.
func (l *ledger) keys() []checks.Key {
	all := map[checks.Key]bool{}
	for _, k := range l.opt.Known {
		if k.Check == CheckName {
			all[k] = true
		}
	}
	for _, m := range []map[checks.Key][]Knock{l.refusals, l.over} {
		for k := range m {
			all[k] = true
		}
	}
	for k := range l.waiting {
		all[k] = true
	}
	return slices.SortedFunc(maps.Keys(all), checks.Key.Compare)
}

func key(s Standing) checks.Key {
	return checks.Key{Check: CheckName, Target: s.Target, Source: s.Source}
}

// source is whose problem a refusal is.
func (o JudgeOptions) source(k Knock) string {
	switch {
	case k.Judgement.Blocklist != "":
		return o.Lists.Canonical(k.Judgement.Blocklist)
	case k.Vendor != "":
		return bounce.SourceOf(k.Vendor)
	}
	return k.Receiver.Domain
}

func (o JudgeOptions) listName(id string) string {
	if o.ListName == nil {
		return id
	}
	return o.ListName(id)
}

func (o JudgeOptions) target(id string) checks.Target {
	if o.Target != nil {
		return o.Target(id)
	}
	t, _ := checks.ParseID(id)
	return t
}

// who names a refuser in a sentence.
func (o JudgeOptions) who(k Knock) string {
	if list := k.Judgement.Blocklist; list != "" {
		return checks.Line(o.listName(o.Lists.Canonical(list)), 80)
	}
	return checks.Line(cmp.Or(k.Vendor, k.Receiver.Domain), 80)
}

// problem is the finding about an address and who refuses it.
func (o JudgeOptions) problem(key checks.Key, all []Knock) checks.Finding {
	t := o.target(key.Target)
	first := all[0]
	forGood := false
	var domains []string
	at := first.At
	for _, k := range all {
		domains = append(domains, k.Receiver.Domain)
		if !k.Judgement.Temporary && !forGood {
			first, forGood = k, true
		}
		if k.At.After(at) {
			at = k.At
		}
	}
	verb := "refuses"
	if !forGood {
		verb = "puts off"
	}
	f := checks.Finding{
		Key: key, Target: t, Code: checks.CodeShut, Status: checks.Problem, Severity: o.severity(first.Vendor, forGood), At: at.UTC(),
		Summary: checks.Line(fmt.Sprintf("%s %s %s at the door of %s", o.who(first), verb, t, names(domains, "receivers")), 300),
	}
	o.setFacts(&f, first, domains)
	for _, k := range all[:min(len(all), maxEvidence)] {
		f.Evidence = append(f.Evidence, evidence(k)...)
	}
	return f
}

// names are receivers, or forms, in a sentence.
func names(all []string, noun string) string {
	const most = 3
	if len(all) <= most+1 { // one more is as short as to say so
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more %s", strings.Join(all[:most], ", "), len(all)-most, noun)
}

// severity is major unless our own mail says otherwise: only counted mail lowers it. What is put off
// is taken later as a rule.
func (o JudgeOptions) severity(vendor string, forGood bool) checks.Severity {
	s := checks.Major
	if o.Share != nil && vendor != "" {
		if share, ok := o.Share(vendor); ok && share.Of >= checks.MinMails {
			switch part := float64(share.Mails) / float64(share.Of); {
			case part >= largeShare:
				s = checks.Critical
			case part < smallShare:
				s = checks.Minor
			}
		}
	}
	switch {
	case forGood:
		return s
	case s == checks.Critical:
		return checks.Major
	}
	return checks.Minor
}

// setFacts sets what runbooks and letters fill in, by the refusal that stands for all.
func (o JudgeOptions) setFacts(f *checks.Finding, k Knock, domains []string) {
	set := func(name, value string) { f.SetFact(name, value, 500) }
	f.SetTargetFact()
	if list := k.Judgement.Blocklist; list != "" {
		set(checks.FactList, o.Lists.Canonical(list))
		set(checks.FactListName, o.listName(o.Lists.Canonical(list)))
		if strings.Contains(list, ".") {
			set(checks.FactZone, list)
		}
	}
	set(checks.FactDomain, k.Judgement.Domain)
	set(checks.FactVendor, cmp.Or(k.Judgement.Vendor, k.Vendor)) // of a list its operator, as in bounces
	set(checks.FactRule, k.Judgement.Rule)
	set(checks.FactRemedy, k.Judgement.Remedy)
	set(checks.FactCategory, string(category(k)))
	set(checks.FactReceiver, domains[0])
	set(checks.FactRemote, k.Host)
	set(checks.FactReply, k.Diagnostic.Reply)
	set(checks.FactStatus, k.Diagnostic.Status)
	set(checks.FactDiagnostic, bounce.MaskText(k.Diagnostic.Text))
	set(checks.FactLookupURL, k.Judgement.URL)
	if o.Share != nil && k.Vendor != "" {
		if s, ok := o.Share(k.Vendor); ok && s.Of >= checks.MinMails {
			set(checks.FactShare, fmt.Sprintf("%.0f %%", 100*float64(s.Mails)/float64(s.Of)))
		}
	}
}

// category is that of the judgement, or policy where a door is shut without a word.
func category(k Knock) bounce.Category {
	if !k.Judgement.Reputation {
		return bounce.Policy
	}
	return k.Judgement.Category
}

// unanswered is the finding about a known problem of which nothing new is known.
func (o JudgeOptions) unanswered(key checks.Key, receivers []string) checks.Finding {
	t := o.target(key.Target)
	f := checks.Finding{Key: key, Target: t, Code: checks.CodeDoorUnknown, Status: checks.Unknown, At: o.Now.UTC()}
	slices.Sort(receivers)
	if len(receivers) == 0 {
		f.Summary = fmt.Sprintf("it is not known any more which receivers refused %s for %s: resolve the incident by hand once they take its mail", t, checks.Line(key.Source, 80))
		return f
	}
	f.Summary = checks.Line(fmt.Sprintf("no answer at the door of %s, which refused %s", names(receivers, "receivers"), t), 300)
	return f
}

// letIn is the finding about a problem that is over. One round is enough, because the receiver itself was
// asked twice in it.
func (o JudgeOptions) letIn(key checks.Key, all []Knock) checks.Finding {
	t := o.target(key.Target)
	var domains []string
	f := checks.Finding{Key: key, Target: t, Code: checks.CodeLetIn, Status: checks.OK}
	for _, k := range all {
		domains = append(domains, k.Receiver.Domain)
		f.Evidence = append(f.Evidence, evidence(k)...)
		if k.At.After(f.At) {
			f.At = k.At.UTC()
		}
	}
	verb := "lets in"
	if len(domains) > 1 {
		verb = "let in"
	}
	f.Summary = checks.Line(fmt.Sprintf("%s %s %s again", names(domains, "receivers"), verb, t), 300)
	if all[0].Outcome == Refused { // for another reason, which is a problem of its own
		f.Summary = checks.Line(fmt.Sprintf("%s refuses %s no longer for this reason", names(domains, "receivers"), t), 300)
	}
	return f
}
