package report

import (
	"cmp"
	"io"
	"net/netip"
	"slices"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// Format is a form of output.
type Format string

const (
	Text   Format = "text"
	JSON   Format = "json"
	TSV    Format = "tsv"
	Plugin Format = "plugin"
)

// Result is one question of `reputed check`: one target on one list, and how the answer reads.
type Result struct {
	Target   checks.Target
	List     string // id of one of CheckOptions.Lists
	Verdict  blocklists.Class
	Severity checks.Severity // of what was found; empty if nothing was
	Codes    []netip.Addr
	Meanings []string
	Reason   string // what the list says (TXT), why there is no usable answer, or why a clean one proves nothing; untrusted
	Advice   string // the first thing to do; may be empty
	Command  string // that can be pasted to do it; may be empty
	URL      string // where to look it up or ask for removal, filled in; may be empty
	Evidence []checks.Evidence
}

// found says whether the answer is an entry of some kind.
func (r Result) found() bool {
	switch r.Verdict {
	case blocklists.Listed, blocklists.Policy, blocklists.Informational, blocklists.Good:
		return true
	}
	return false
}

// unproved says whether there is no entry and that proves nothing, since the
// list publishes no entry by which it could show that it answers us.
func (r Result) unproved() bool { return r.Verdict == blocklists.Clean && r.Reason != "" }

// unanswered says whether there is no usable answer.
func (r Result) unanswered() bool {
	switch r.Verdict {
	case blocklists.Refused, blocklists.Unusable, blocklists.Unknown:
		return true
	}
	return false
}

// CheckOptions is what a [Check] is made of.
type CheckOptions struct {
	Out       io.Writer
	Term      Term // of Out
	Format    Format
	All       bool // show clean answers too
	Addresses int  // how many are asked about
	Domains   int
	Unasked   Unasked
	Inner     string            // an address among them that no receiver sees, and no list knows; empty: there is none
	Lists     []blocklists.Zone // all that may be asked
	Started   time.Time
}

// Unasked are those of the targets that none of the lists serves: nobody is asked about them, so
// that nothing is known. The zero value says that there are none.
type Unasked struct {
	Addresses, Domains int
	First              []string // some of them, as [checks.Target.ID] has them
}

// N is how many there are.
func (u Unasked) N() int { return u.Addresses + u.Domains }

// Check is the report of one `reputed check`. Results go in one by one as they
// come; TSV and JSON write each at once and keep nothing of it, text keeps what it
// must sort. It is not safe for concurrent use.
type Check struct {
	CheckOptions
	// Planned is how many questions there are to ask; a run that is cut short says how many
	// of them it came to. 0: not known. It may be set at any time before Finish.
	Planned int
	tallies []*ListTally // in the order of Lists
	byID    map[string]*ListTally
	found   map[blocklists.Class]map[string]struct{} // targets with an entry of the class
	worst   checks.Severity                          // of everything listed
	notes   []checks.Finding
	missed  int // of the notes, those about targets that could not be asked about
	around  []Neighbours
	cut     bool // ended before everything was asked
	ended   time.Time
	render  checkRenderer
}

// ListTally is what one list answered in this run, as counts of questions.
type ListTally struct {
	Zone     blocklists.Zone
	Asked    int
	Verdicts map[blocklists.Class]int
	Unproved int              // of the clean ones, those that prove nothing
	Trouble  blocklists.Class // refused, unusable or unknown, the gravest; empty: it answered everything
	Why      string           // the first reason met for Trouble; untrusted
	Advice   string           // what to do about it
	Path     string           // "resolver", "authoritative" or "forwarder": by which it was asked; may be empty
	Servers  []string         // its forwarders
}

// checkRenderer is one form of a check.
type checkRenderer interface {
	result(Result) // a question that is shown
	finish(*Check) error
}

// NewCheck starts a report. It writes nothing before the first result but a header.
func NewCheck(o CheckOptions) *Check {
	c := &Check{CheckOptions: o, byID: map[string]*ListTally{}, found: map[blocklists.Class]map[string]struct{}{}}
	for _, z := range o.Lists {
		l := &ListTally{Zone: z, Verdicts: map[blocklists.Class]int{}}
		c.tallies = append(c.tallies, l)
		c.byID[z.ID] = l
	}
	switch o.Format {
	case JSON:
		c.render = newCheckJSON(o)
	case TSV:
		c.render = checkTSV{newTSV(o.Out, o.Term.TTY, "target list verdict severity codes reason")}
	case Plugin:
		c.render = checkPlugin{}
	default:
		c.render = &checkText{}
	}
	return c
}

// Add takes the outcome of one question.
func (c *Check) Add(r Result) {
	l := c.byID[r.List]
	if l == nil { // not among CheckOptions.Lists: count it all the same
		l = &ListTally{Zone: blocklists.Zone{ID: r.List, Title: r.List}, Verdicts: map[blocklists.Class]int{}}
		c.tallies, c.byID[r.List] = append(c.tallies, l), l
	}
	l.Asked++
	l.Verdicts[r.Verdict]++
	if r.unproved() {
		l.Unproved++
	}
	if r.found() {
		if c.found[r.Verdict] == nil {
			c.found[r.Verdict] = map[string]struct{}{}
		}
		c.found[r.Verdict][r.Target.ID()] = struct{}{}
	}
	if r.unanswered() && r.Verdict.Rank() >= l.Trouble.Rank() && l.Trouble != r.Verdict {
		l.Trouble, l.Why, l.Advice = r.Verdict, r.Reason, r.Advice
	}
	if r.Verdict == blocklists.Listed {
		c.worst = checks.Worse(c.worst, cmp.Or(r.Severity, checks.Minor))
	}
	if c.All || r.Verdict != blocklists.Clean {
		c.render.result(r)
	}
}

// Path takes by which way a list was asked, and the servers of a forwarder.
func (c *Check) Path(list, path string, servers ...string) {
	if l := c.byID[list]; l != nil {
		l.Path, l.Servers = path, servers
	}
}

// Note takes a finding about the run itself: the resolver, the network.
func (c *Check) Note(f checks.Finding) { c.notes = append(c.notes, f) }

// Missed takes a finding about targets that are not known, and so were not asked
// about: then nothing is not "nothing wrong".
func (c *Check) Missed(f checks.Finding) {
	c.missed++
	c.Note(f)
}

// Finish writes what is left and gives the exit code. Cut says that the run was
// ended before everything was asked: then what was not found proves nothing.
func (c *Check) Finish(now time.Time, cut bool) (Level, error) {
	c.ended, c.cut = now, cut
	err := c.render.finish(c)
	return c.Level(), err
}

// Level is the exit code.
func (c *Check) Level() Level {
	t := Tally{Worst: c.worst}
	for _, l := range c.tallies {
		t.Asked += l.Asked
		t.Unknown += l.unanswered()
		t.Policy = t.Policy || l.Verdicts[blocklists.Policy] > 0
		t.CriticalUnknown = t.CriticalUnknown || l.unanswered() > 0 && checks.Severity(l.Zone.Severity) == checks.Critical
	}
	level := t.Level()
	if level == LevelOK && (c.cut || c.missed > 0 || c.Unasked.N() > 0 || c.Inner != "") {
		return LevelUnknown
	}
	return level
}

// unanswered is how many questions to the list prove nothing.
func (l *ListTally) unanswered() int {
	return l.Verdicts[blocklists.Refused] + l.Verdicts[blocklists.Unusable] + l.Verdicts[blocklists.Unknown]
}

// name is the list's name for people.
func (l *ListTally) name() string { return clean(cmp.Or(l.Zone.Title, l.Zone.ID)) }

// standing is the one class that a list counts as in a summary: what was found
// comes before what could not be asked, and clean is only who answered everything.
func (l *ListTally) standing() blocklists.Class {
	for _, class := range []blocklists.Class{blocklists.Listed, blocklists.Policy, blocklists.Informational} {
		if l.Verdicts[class] > 0 {
			return class
		}
	}
	switch {
	case l.Trouble != "":
		return l.Trouble
	case l.Verdicts[blocklists.Good] > 0:
		return blocklists.Good
	}
	return blocklists.Clean
}

// asked are the lists that served any of the targets.
func (c *Check) asked() []*ListTally {
	return slices.DeleteFunc(slices.Clone(c.tallies), func(l *ListTally) bool { return l.Asked == 0 })
}

// questions is how many questions there were, and how many of them prove nothing.
func (c *Check) questions() (asked, unanswered int) {
	for _, l := range c.tallies {
		asked += l.Asked
		unanswered += l.unanswered()
	}
	return asked, unanswered
}
