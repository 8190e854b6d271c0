package report

import (
	"cmp"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
)

// LongestPeriod is how much time a report is about at most.
const LongestPeriod = 366 * 24 * time.Hour

// Period is what happened in a time that is over: the weekly report, and `reputed report`.
type Period struct {
	Since, Until time.Time
	Pool         string    // empty: all
	Watching     time.Time // since when anything has been watched, if that is later than Since; else zero

	Lists     []PeriodList // that said anything, most new listings first
	Opened    []alerts.Incident
	Over      []alerts.Incident // ended; some of them were opened in it too
	Open      []alerts.Incident // opened before, and not over
	Mail      PeriodMail
	Before    PeriodMail // of as much time before Since
	Compared  bool       // all of that time was watched
	Deeds     []PeriodDeed
	Sight     Sight
	Quiet     []Note
	Standing  int           // listings that are not over at the end
	Clear     time.Duration // the median time to clear of listings that ended; 0: none did
	Relapses  int           // listings that came back within [alerts.RelapseWindow]
	NewLists  int           // listings that began
	OverLists int           // and that ended
}

// PeriodList is what one list said.
type PeriodList struct {
	ID, Name            string
	New, Ended, Open    int
	Relapses            int
	Clear               time.Duration // median; 0: none ended
	Longest             time.Duration // of those that ended or are open
	Targets             []string      // that it began to list, else those it still lists: the first few
	Of                  int           // of so many
	Minor               bool          // nothing but informational listings
	times               []time.Duration
	severity            checks.Severity
	newNames, restNames []string
}

// PeriodMail is what became of mail in a time.
type PeriodMail struct {
	Looked                       bool // something is read that could show a refusal
	Counted                      bool // deliveries are known
	Apart                        bool // and by receiver, for all of the time
	Refused, Deferred, Delivered int
	Refusers                     []PeriodRefuser // most first
}

// PeriodRefuser is what one vendor, or a receiver for which none is known, did.
type PeriodRefuser struct {
	Name              string
	Domains           int
	Refused, Deferred int
	Delivered         int // what the domains it refused for took
}

// PeriodDeed is what a person did.
type PeriodDeed struct {
	At       time.Time
	Incident int64
	Title    string
	What     string // "acknowledged"
	Who      string
	Note     string
}

// Sight is what the monitor could not know.
type Sight struct {
	Rounds, Whole int // rounds that began, and those that were done to the end
	Gaps          []Gap
	Lists         []Unanswering // that gave no usable answer, the longest first
	Parts         []BlindPart   // parts of the monitor that were in trouble
}

// Gap is a time in which no round was finished.
type Gap struct{ From, Until time.Time }

// Unanswering is a list that gave no usable answer in so many rounds.
type Unanswering struct {
	ID, Name string
	Verdict  blocklists.Class // of the last of them
	Rounds   int
}

// BlindPart is a part of the monitor that was in trouble for so long, in all.
type BlindPart struct {
	Code checks.Code
	Name string // "mailbox:bounces"
	For  time.Duration
	Now  bool // it still is
}

// PeriodInput is what a [Period] is built from.
type PeriodInput struct {
	Since, Until time.Time
	Pool         string
	Kept         time.Time // since when anything is stored; zero: nothing is
	// Begun are questions that became a problem, Ended those that ceased to be one, Standing those that are one
	// now, of all checks.
	Begun, Ended, Standing []Spell
	Incidents              []alerts.Incident // what was open at any time in it
	Mail, Before           PeriodMail
	Deeds                  []PeriodDeed
	Rounds                 []PeriodRound // in order
	Last                   time.Time     // end of the last round that was finished before Since; zero: none
	Span                   time.Duration // within which a round is finished if all is well
	Quiet                  []Note
	Name                   func(list string) string
}

// PeriodRound is one round.
type PeriodRound struct {
	Started, Ended time.Time
	Whole          bool
	Silent         map[string]blocklists.Class // lists that gave no usable answer, by id
}

// mostListed is how many targets of a list are named.
const mostListed = 3

// BuildPeriod is pure.
func BuildPeriod(in PeriodInput) Period {
	p := Period{Since: in.Since, Until: in.Until, Pool: in.Pool, Mail: in.Mail, Before: in.Before, Deeds: in.Deeds, Quiet: in.Quiet}
	if in.Kept.After(in.Since) || in.Kept.IsZero() {
		p.Watching = in.Kept
		if in.Kept.IsZero() {
			p.Watching = in.Until
		}
	}
	p.Compared = !in.Kept.IsZero() && !in.Kept.After(in.Since.Add(in.Since.Sub(in.Until)))
	p.listings(in)
	for _, i := range in.Incidents {
		opened := !i.Opened.Before(in.Since) && i.Opened.Before(in.Until)
		over := i.State == alerts.Resolved && !i.Resolved.Before(in.Since) && i.Resolved.Before(in.Until)
		if opened {
			p.Opened = append(p.Opened, i)
		}
		switch {
		case over:
			p.Over = append(p.Over, i)
		case !opened && i.State != alerts.Resolved && i.Opened.Before(in.Until):
			p.Open = append(p.Open, i)
		}
	}
	for _, all := range [][]alerts.Incident{p.Opened, p.Over, p.Open} {
		slices.SortStableFunc(all, func(a, b alerts.Incident) int {
			return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(b.Impact.Refusals(), a.Impact.Refusals()), a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
		})
	}
	p.Sight = in.sight()
	return p
}

// listing says whether a spell is about a list's word on a target of ours.
func listing(s Spell) bool {
	t, err := checks.ParseID(s.Key.Target)
	return err == nil && s.Key.Check == "dnsbl" && (t.Kind == checks.KindAddress || t.Kind == checks.KindDomain)
}

func (p *Period) listings(in PeriodInput) {
	by := map[string]*PeriodList{}
	of := func(s Spell) *PeriodList {
		l := by[s.Key.Source]
		if l == nil {
			l = &PeriodList{ID: s.Key.Source, Name: s.Key.Source}
			if in.Name != nil {
				l.Name = in.Name(s.Key.Source)
			}
			by[s.Key.Source] = l
		}
		l.severity = checks.Worse(l.severity, s.Severity)
		return l
	}
	var times []time.Duration
	for _, s := range in.Begun {
		if !listing(s) {
			continue
		}
		l := of(s)
		l.New++
		p.NewLists++
		if s.Relapse {
			l.Relapses++
			p.Relapses++
		}
		l.newNames = append(l.newNames, s.Key.Target)
	}
	for _, s := range in.Ended {
		if !listing(s) {
			continue
		}
		l := of(s)
		l.Ended++
		p.OverLists++
		if !s.Began.IsZero() {
			lasted := s.Ended.Sub(s.Began)
			l.times, times = append(l.times, lasted), append(times, lasted)
			l.Longest = max(l.Longest, lasted)
		}
	}
	for _, s := range in.Standing {
		if !listing(s) {
			continue
		}
		l := of(s)
		l.Open++
		p.Standing++
		if !s.Began.IsZero() {
			l.Longest = max(l.Longest, in.Until.Sub(s.Began))
		}
		l.restNames = append(l.restNames, s.Key.Target)
	}
	p.Clear = median(times)
	for _, l := range by {
		l.Clear, l.Minor = median(l.times), l.severity.Rank() <= checks.Informational.Rank()
		names := l.newNames
		if len(names) == 0 {
			names = l.restNames
		}
		slices.Sort(names)
		names = slices.Compact(names) // it may have begun twice
		l.Targets, l.Of = names[:min(mostListed, len(names))], len(names)
		p.Lists = append(p.Lists, *l)
	}
	slices.SortFunc(p.Lists, func(a, b PeriodList) int {
		return cmp.Or(cmp.Compare(b.severity.Rank(), a.severity.Rank()), cmp.Compare(b.New, a.New), cmp.Compare(b.Ended, a.Ended), cmp.Compare(b.Open, a.Open), cmp.Compare(a.ID, b.ID))
	})
}

// sight says what could not be known.
func (in PeriodInput) sight() Sight {
	var s Sight
	silent := map[string]*Unanswering{}
	last := in.Last
	if last.IsZero() && in.Kept.After(in.Since) {
		last = in.Kept // before that nothing was watched, which is said by itself
	}
	gap := func(until time.Time) {
		from := last
		if from.Before(in.Since) {
			from = in.Since
		}
		if in.Span > 0 && !in.Kept.IsZero() && until.Sub(last) > in.Span && until.After(from) {
			s.Gaps = append(s.Gaps, Gap{from, until})
		}
	}
	for _, r := range in.Rounds {
		s.Rounds++
		for id, verdict := range r.Silent {
			u := silent[id]
			if u == nil {
				u = &Unanswering{ID: id, Name: id}
				if in.Name != nil {
					u.Name = in.Name(id)
				}
				silent[id] = u
			}
			u.Rounds++
			u.Verdict = verdict
		}
		if !r.Whole {
			continue
		}
		s.Whole++
		gap(r.Ended)
		last = r.Ended
	}
	gap(in.Until)
	for _, u := range silent {
		s.Lists = append(s.Lists, *u)
	}
	slices.SortFunc(s.Lists, func(a, b Unanswering) int { return cmp.Or(cmp.Compare(b.Rounds, a.Rounds), cmp.Compare(a.ID, b.ID)) })
	s.Parts = in.parts()
	return s
}

// parts are the troubles of the monitor itself, each question's put together.
func (in PeriodInput) parts() []BlindPart {
	at := map[checks.Key]int{}
	var all []BlindPart
	for _, spells := range [][]Spell{in.Ended, in.Standing} {
		for _, x := range spells {
			t, err := checks.ParseID(x.Key.Target)
			if err != nil || t.Kind != checks.KindMonitor {
				continue
			}
			i, ok := at[x.Key]
			if !ok {
				i = len(all)
				at[x.Key] = i
				all = append(all, BlindPart{Name: t.Name})
			}
			from, until := x.Began, x.Ended
			if from.Before(in.Since) {
				from = in.Since
			}
			if until.IsZero() || until.After(in.Until) {
				until = in.Until
			}
			all[i].Now = all[i].Now || x.Ended.IsZero()
			all[i].Code = x.Code
			all[i].For += max(until.Sub(from), 0)
		}
	}
	slices.SortStableFunc(all, func(a, b BlindPart) int { return cmp.Or(cmp.Compare(b.For, a.For), cmp.Compare(a.Name, b.Name)) })
	return all
}
