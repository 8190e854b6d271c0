package dnsbl

import (
	"context"
	"iter"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// Asker is what this check needs of the DNS: many questions in, an answer or a
// named error for each, in any order. A name that does not exist is an Answer.
// It pulls questions and calls got on the goroutine that called Ask, so that
// the two never run at the same time; at a zero question it waits for the next
// answer before it pulls again. [probes.Resolver] is one.
type Asker interface {
	Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error
}

// Check asks lists about targets. It keeps nothing between runs.
type Check struct {
	Asker   Asker
	Zones   []blocklists.Zone // validated, each id once
	Servers []string          // resolvers behind Asker, for the finding about them
	Options Options
}

// Options of a [Check]; the zero value confirms nothing and reports findings only.
type Options struct {
	// Confirm is how long to wait before a new listing is asked again; 0 means
	// that it is reported as it was seen. The mirrors of a list disagree for a moment
	// after every change, and a list may break in the middle of a run.
	Confirm time.Duration
	// Probe is a public domain under which a random name must not exist; with it
	// a resolver that invents addresses for real suffixes is found out. May be empty.
	Probe string
	// Path is how lists are asked; empty means [PathResolver]. The other two need an asker that
	// is [NameServers] too, and without one are the same.
	Path Path
	// Forwarders are the servers that a list is asked at, by its id, whatever Path says: its
	// controls, targets, reasons and confirmations, and nothing of it anywhere else.
	Forwarders map[string]*probes.Servers
	// Mirrors are the files that a list is looked up in, by its id, in place of any server. A
	// list that has one is asked nowhere else.
	Mirrors map[string]*Mirror
	// Failing is how lists did in the runs before, by id; those it does not name
	// worked. It decides how loud their notices are, not whether they are asked.
	Failing map[string]Failing
	// Turns are the parts of the targets that slow lists are asked about, by id; a
	// list that it does not name is asked about all.
	Turns map[string]Turn
	// Named says whether somebody else has just named the pair: a bounce that says
	// "blocked by this list" is a second witness, and its listing is not asked again.
	// Nil: nobody has.
	Named func(checks.Key) bool
	// Each, if set, is told of every pair of a target and a list that serves it,
	// clean ones too, in no order. Verdict.Why says why there is no usable answer; with
	// class clean it says why the answer closes nothing. What is plainly clean comes
	// without evidence: there are millions of them.
	// For a pair that a finding tells of, Each is called right before emit.
	Each func(target checks.Target, zone *blocklists.Zone, verdict blocklists.Verdict, ev checks.Evidence)
	// Progress, if set, is told how many of all pairs are done.
	Progress func(done, total int)
}

// Run asks every list that serves it about every target, and emits findings:
// problems; an OK or Unknown for keys that known says are known; and what is to be
// told about lists and the resolver. Everything else is counted in the result.
// Emit, known and the options' functions are called one at a time, on the caller's
// goroutine.
//
// Targets are walked once to see which lists are needed, and then once for each list,
// since each is asked at its own pace: a list that is slow, or whose controls are not
// answered yet, does not hold up the others. Only addresses and domains are asked
// about. Now is the time of the findings. Known may be nil: then no key is known.
//
// The error is the context's: the run was cut short, and the result tells only of
// what was asked until then. That nothing answers is no error, but a finding.
func (c Check) Run(ctx context.Context, now time.Time, targets iter.Seq[checks.Target], known func(checks.Key) bool, emit func(checks.Finding)) (Result, error) {
	r := newRun(c, now, known, emit)
	r.count(targets)
	err := r.askResolver(ctx)
	if err == nil {
		err = r.askLists(ctx, func(ctx context.Context, lists []*list, exams []*exam) error {
			return r.askTargets(ctx, targets, lists, exams)
		})
	}
	if err == nil {
		err = r.confirm(ctx)
	}
	if err == nil {
		err = r.reasons(ctx)
	}
	r.tellRest()
	if err == nil {
		r.notices()
	}
	return r.finish(), err
}

// Test asks the controls of every list, for every family that it serves, and
// nothing about any target. Where [Options.Path] allows both paths, both are tried, and
// [ListResult.Paths] tells of each. What is to be told about lists and the resolver is in
// [Result.Notices]. The error is the context's.
func (c Check) Test(ctx context.Context, now time.Time) (Result, error) {
	r := newRun(c, now, nil, nil)
	for _, l := range r.lists {
		for _, f := range l.zone.Families {
			l.need(f)
		}
	}
	err := r.askResolver(ctx)
	if err == nil {
		err = r.examineBoth(ctx)
	}
	if err == nil {
		r.notices()
	}
	return r.finish(), err
}

// run is one run: the lists as they stand, and what is listed so far.
type run struct {
	Check
	now     time.Time
	started time.Time
	isKnown func(checks.Key) bool // nil: no key is
	emit    func(checks.Finding)
	redact  func(text string) string // takes the keys of lists out of what is told

	lists []*list
	fresh []*hit // new listings: to be asked again before they count
	// rewriting is the answer by which the resolver gave itself away.
	rewriting *checks.Evidence
	blind     bool              // most lists have no answer
	told      []checks.Finding  // about lists and the resolver
	errs      []checks.Evidence // the first few questions without an answer
	targets   int
	questions int // put to the DNS
	done      int // pairs
	total     int
	domains   map[string]bool // names that are targets
	mirrors   map[*probes.Servers]*Mirror
	names     []checks.Target // that are names; of Loads alone
}

// list is one zone in one run.
type list struct {
	zone     *blocklists.Zone
	families standings // those that targets need
	// aside is why the list as a whole gives no verdicts any more: its controls
	// failed, or it began to refuse us or to misbehave in the middle of the run.
	aside   *standing
	put     int           // questions about targets that were answered or not
	failed  int           // of them, without an answer
	silent  int           // in a row, without an answer
	longest time.Duration // how long a "no" of this list may be cached, the most seen
	held    []*hit        // entries, and known ones that are gone: told once the list is done with
	result  ListResult

	at          *probes.Servers // whom it is asked at; nil: the resolver
	forwarder   *probes.Servers // the same, if it is never asked elsewhere; else nil
	file        bool            // that forwarder is a file
	servers     *probes.Servers // its own, once they were found
	notFound    error           // why they were not
	spare       bool            // if its controls fail on this path, there is another
	onlyRefused bool            // the other path is for a list that refuses or is unusable, not for one that does not answer
	undecided   bool            // its controls failed on this path: it is the other's turn
	decided     bool
	before      *attempt // how it stood on the first of two paths
}

func newRun(c Check, now time.Time, known func(checks.Key) bool, emit func(checks.Finding)) *run {
	if emit == nil {
		emit = func(checks.Finding) {}
	}
	r := &run{Check: c, now: now.UTC(), started: time.Now(), isKnown: known, emit: emit, redact: blocklists.Redactor(c.Zones), domains: map[string]bool{}, mirrors: map[*probes.Servers]*Mirror{}}
	for i := range c.Zones {
		z := &c.Zones[i]
		l := &list{zone: z}
		l.result = ListResult{ID: z.ID, Title: title(z), Operator: z.Operator, Severity: checks.Severity(z.Severity)}
		if at := c.Options.Forwarders[z.ID]; at != nil {
			l.forwarder, l.at, l.result.Servers = at, at, at.Names()
		}
		if m := c.Options.Mirrors[z.ID]; m != nil {
			at := probes.Local(m.name())
			r.mirrors[at] = m.look(now)
			l.forwarder, l.at, l.result.Servers, l.file = at, at, at.Names(), true
		}
		r.lists = append(r.lists, l)
	}
	return r
}

// count walks the targets to see how many there are and which lists they need.
func (r *run) count(targets iter.Seq[checks.Target]) {
	perFamily := map[blocklists.Family]int{}
	for t := range targets {
		if f := familyOf(t); f != "" {
			perFamily[f]++
			r.targets++
			if f == blocklists.Name {
				r.domains[t.Name] = true
			}
		}
	}
	for _, l := range r.lists {
		for f, n := range perFamily {
			if !l.zone.Serves(f) {
				l.result.NotCovered += n
				continue
			}
			l.need(f)
			r.total += n
		}
		if turn := r.Options.Turns[l.zone.ID]; l.needed() && turn.Most > 0 && turn.Most < r.targets {
			l.result.Left, l.result.Next = r.targets-turn.Most, turn.next(r.targets)
			r.total -= min(l.result.Left, r.total)
		}
	}
}

// exams are those of the lists that are needed; if the resolver invents answers, of
// those only that are not asked through it.
func (r *run) exams(lists []*list) []*exam {
	var exams []*exam
	for _, l := range lists {
		switch {
		case !l.needed():
		case r.rewriting != nil && l.forwarder == nil:
			l.setAside(standing{state: Unknown, why: "The resolver invents answers, so that nothing was asked: " + r.rewriting.Answer + " for a name that does not exist."})
		default:
			exams = append(exams, newExam(l, ""))
		}
	}
	return exams
}

// known says whether a key is known.
func (r *run) known(k checks.Key) bool { return r.isKnown != nil && r.isKnown(k) }

// ask puts questions and counts them.
func (r *run) ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	answered := false // by a file, since the last one that only waits
	counted := func(yield func(probes.Question) bool) {
		for q := range questions {
			if m := r.mirrors[q.At]; m != nil {
				a, err := m.Answer(q)
				answered = true
				got(q, a, err)
				continue
			}
			if q == (probes.Question{}) && answered {
				answered = false // there was an answer to wait for, and perhaps no other is to come
				continue
			}
			if q != (probes.Question{}) { // which only waits
				r.questions++
			}
			if !yield(q) {
				return
			}
		}
	}
	return r.Asker.Ask(ctx, counted, got)
}

// at is when something was seen: the run's time and what has passed since.
func (r *run) at() time.Time { return r.now.Add(time.Since(r.started)).Truncate(time.Millisecond) }

// need makes the list one that is to be asked for a family. Until its controls
// have been, nothing is known.
func (l *list) need(f blocklists.Family) {
	*l.families.of(f) = &standing{state: Unknown, why: title(l.zone) + " was not asked."}
}

// familyOf is the family that a target is asked as; empty for what no list is about.
func familyOf(t checks.Target) blocklists.Family {
	switch t.Kind {
	case checks.KindAddress:
		return blocklists.FamilyOf(t.Addr)
	case checks.KindDomain:
		return blocklists.Name
	}
	return ""
}
