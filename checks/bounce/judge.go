package bounce

import (
	"maps"
	"slices"
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

// Judge turns what was counted into findings and impact; it is pure.
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
// A problem that is not known and was over before anybody watched (JudgeOptions.Began) is OK with
// [checks.CodeOverBefore], and costs nothing. Nothing is said of it while older mails and log lines are
// still being read.
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

// refuser is who refused, as the source of a key: the list, else the vendor,
// else the receiving domain.
func (o JudgeOptions) refuser(t Tally) string {
	switch {
	case t.Blocklist != "":
		return o.Lists.Canonical(t.Blocklist)
	case t.Vendor != "":
		return SourceOf(t.Vendor)
	}
	return t.Receiver
}

// SourceOf is the name of a vendor or reporter as the source of a key ([checks.Key].Source): "cisco-talos".
func SourceOf(name string) string {
	return strings.ToLower(strings.ReplaceAll(checks.Line(name, 80), " ", "-"))
}

// targetOf reads a Target.ID; what is none is the name of a receiver.
func targetOf(id string) checks.Target {
	t, err := checks.ParseID(id)
	if err != nil {
		return checks.Receiver(id)
	}
	return t
}

// latest returns the tally with the last refusal.
func latest(g []Tally) Tally {
	return slices.MaxFunc(g, func(a, b Tally) int { return a.Last.Compare(b.Last) })
}
