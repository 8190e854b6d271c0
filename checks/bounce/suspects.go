package bounce

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// OriginKind is what sort of hand a mail went through on its way out.
type OriginKind string

const (
	OriginLogin  OriginKind = "login"  // who had signed in
	OriginClient OriginKind = "client" // the host or local user that handed it in
	OriginSender OriginKind = "sender" // envelope sender, or "@" and its domain
	OriginStream OriginKind = "stream" // the service that sent it: "remote_smtp on mx1"
)

// originKinds in the order in which they tell most.
var originKinds = []OriginKind{OriginLogin, OriginClient, OriginSender, OriginStream}

// Origin is one such hand.
type Origin struct {
	Kind OriginKind
	Name string
}

// SenderHour is what one of them did in one hour.
type SenderHour struct {
	Origin
	At         time.Time // beginning of the hour, UTC
	Mails      int       // delivered or refused for good; 0 where only reports tell
	Unknown    int       // of these, to recipients that there are not
	Refused    int       // refused or deferred for reputation, each mail once
	Complaints int
}

// Suspect is one of them who did something unusual before the trouble.
type Suspect struct {
	Origin
	Reasons []string // clean, the strongest first, never empty
	Mails   int
}

// Suspicion is who may be behind the trouble.
type Suspicion struct {
	From, To time.Time // the hours looked at
	Known    bool      // something is known of them; false: "no data"
	Mails    int       // in these hours
	Names    int       // how many handed them in
	Suspects []Suspect // the most suspicious first, at most maxSuspects
}

// What is suspicious. A trap is hit, and a limit reached, within hours.
const (
	SuspectBefore = 12 * time.Hour     // before the trouble
	suspectAfter  = time.Hour          // and as it begins
	SuspectUsual  = 7 * 24 * time.Hour // before that: what is usual

	maxSuspects    = 5
	suspectMails   = 50  // fewer mails are no volume...
	suspectNew     = 100 // ...and where nothing is known of what is usual, fewer than this
	suspectTimes   = 4   // times what is usual
	suspectUnknown = 10  // mails to unknown users, and
	unknownPercent = 2   // of all: above it a list is bought or old
	suspectRefused = 5   // refusals, and half of all
)

// sums is what one did in the hours looked at, and before.
type sums struct {
	SenderHour
	before int
}

// add adds an hour of those looked at.
func (x *sums) add(h SenderHour) {
	x.Mails += h.Mails
	x.Unknown += h.Unknown
	x.Refused += h.Refused
	x.Complaints += h.Complaints
}

// hands is what everybody did, each alone and those of a kind together.
type hands struct {
	by    map[Origin]*sums
	all   map[OriginKind]sums
	names map[OriginKind]int // how many of a kind did anything in the hours looked at
	first time.Time          // since when anything is known
}

// handsOf sums up the hours from from to to, and those before.
func handsOf(hours []SenderHour, from, to time.Time) hands {
	d := hands{by: map[Origin]*sums{}, all: map[OriginKind]sums{}, names: map[OriginKind]int{}, first: from}
	for _, h := range hours {
		if !h.At.Before(to) {
			continue
		}
		if h.At.Before(d.first) {
			d.first = h.At
		}
		x := d.by[h.Origin]
		if x == nil {
			x = &sums{SenderHour: SenderHour{Origin: h.Origin}}
			d.by[h.Origin] = x
		}
		if h.At.Before(from) {
			x.before += max(h.Mails, h.Refused)
			continue
		}
		x.add(h)
		all := d.all[h.Kind]
		all.add(h)
		d.all[h.Kind] = all
	}
	for _, x := range d.by {
		if x.Mails+x.Refused+x.Unknown+x.Complaints > 0 {
			d.names[x.Kind]++
		}
	}
	return d
}

// Suspects ranks who handed mail in by what was unusual about it in the hours before onset and
// the one after. It is pure. Hours reach back SuspectUsual before those if so much is known.
func Suspects(hours []SenderHour, onset time.Time) Suspicion {
	s := Suspicion{From: onset.Add(-SuspectBefore).Truncate(time.Hour), To: onset.Add(suspectAfter).Truncate(time.Hour).Add(time.Hour)}
	d := handsOf(hours, s.From, s.To)
	for _, kind := range originKinds {
		if all, ok := d.all[kind]; ok {
			s.Known = true
			s.Mails = max(s.Mails, all.Mails, all.Refused)
		}
		if kind != OriginStream {
			s.Names = max(s.Names, d.names[kind])
		}
	}
	type ranked struct {
		Suspect
		excess int
	}
	var found []ranked
	for _, x := range d.by {
		reasons, excess := x.reasons(d.all[x.Kind], d.names[x.Kind], s.From.Sub(d.first), s.To.Sub(s.From))
		if len(reasons) > 0 {
			found = append(found, ranked{Suspect{x.Origin, reasons, max(x.Mails, x.Refused)}, excess})
		}
	}
	slices.SortFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(len(b.Reasons), len(a.Reasons)), cmp.Compare(b.excess, a.excess),
			cmp.Compare(slices.Index(originKinds, a.Kind), slices.Index(originKinds, b.Kind)), cmp.Compare(a.Name, b.Name))
	})
	for _, f := range found[:min(maxSuspects, len(found))] {
		s.Suspects = append(s.Suspects, f.Suspect)
	}
	return s
}

// reasons says what is unusual, and by how many mails. All is what everybody of the kind did,
// of whom there are so many names; history is how much is known of what is usual.
func (x *sums) reasons(all sums, names int, history, window time.Duration) (why []string, excess int) {
	n := max(x.Mails, x.Refused)
	hours := int(window / time.Hour)
	usual := 0
	if history >= 24*time.Hour {
		usual = int(float64(x.before)*float64(window)/float64(history) + 0.5)
	}
	switch {
	case history >= 24*time.Hour && n >= suspectMails && n >= suspectTimes*usual:
		word := fmt.Sprintf("usual are %d", usual)
		if x.before == 0 {
			word = "never seen before"
		}
		why = append(why, fmt.Sprintf("%s in %d hours, %s", checks.Plural(n, "mail"), hours, word))
		excess = n - usual
	case history < 24*time.Hour && names > 2 && n >= suspectNew && 2*n >= max(all.Mails, all.Refused):
		why = append(why, fmt.Sprintf("%d of %s in %d hours, and nothing is known of what is usual", n, checks.Plural(max(all.Mails, all.Refused), "mail"), hours))
		excess = n
	}
	if x.Unknown >= suspectUnknown && 100*x.Unknown >= unknownPercent*max(n, x.Unknown) {
		what := checks.Plural(x.Unknown, "mail")
		if x.Mails >= x.Unknown {
			what = fmt.Sprintf("%d of %s", x.Unknown, checks.Plural(x.Mails, "mail"))
		}
		why = append(why, what+" to unknown users")
		excess += x.Unknown
	}
	if names > 1 && x.Refused >= suspectRefused && 2*x.Refused >= all.Refused {
		why = append(why, fmt.Sprintf("%d of all %s", x.Refused, checks.Plural(all.Refused, "refusal")))
		excess += x.Refused
	}
	if x.Complaints > 0 {
		why = append(why, checks.Plural(x.Complaints, "complaint"))
		excess += x.Complaints
	}
	return why, excess
}

// String is "login kim@example.org: 1,240 mails in 14 hours, usual are 30; 212 of 1,240 mails to unknown users".
func (s Suspect) String() string {
	return string(s.Kind) + " " + checks.Line(s.Name, 120) + ": " + strings.Join(s.Reasons, "; ")
}
