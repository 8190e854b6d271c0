package bounce

import (
	"cmp"
	"fmt"
	"slices"
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

// Suspects ranks who handed mail in by what was unusual about it in the hours before onset and
// the one after. It is pure. Hours reach back SuspectUsual before those if so much is known.
func Suspects(hours []SenderHour, onset time.Time) Suspicion {
	s := Suspicion{From: onset.Add(-SuspectBefore).Truncate(time.Hour), To: onset.Add(suspectAfter).Truncate(time.Hour).Add(time.Hour)}
	by, first := map[Origin]*sums{}, s.From
	all := map[OriginKind]*sums{} // what all of a kind did together
	names := map[OriginKind]int{}
	for _, h := range hours {
		if !h.At.Before(s.To) {
			continue
		}
		if h.At.Before(first) {
			first = h.At
		}
		x := by[h.Origin]
		if x == nil {
			x = &sums{SenderHour: SenderHour{Origin: h.Origin}}
			by[h.Origin] = x
		}
		if h.At.Before(s.From) {
			x.before += max(h.Mails, h.Refused)
			continue
		}
		if all[h.Kind] == nil {
			all[h.Kind] = &sums{}
		}
		for _, y := range []*sums{x, all[h.Kind]} {
			y.Mails += h.Mails
			y.Unknown += h.Unknown
			y.Refused += h.Refused
			y.Complaints += h.Complaints
		}
	}
	for _, x := range by {
		if x.Mails+x.Refused+x.Unknown+x.Complaints > 0 {
			names[x.Kind]++
		}
	}
	history := s.From.Sub(first)
	type ranked struct {
		Suspect
		excess int
	}
	var found []ranked
	for _, kind := range originKinds {
		if a := all[kind]; a != nil {
			s.Known = true
			s.Mails = max(s.Mails, a.Mails, a.Refused)
		}
		if kind != OriginStream {
			s.Names = max(s.Names, names[kind])
		}
	}
	for _, x := range by {
		reasons, excess := x.reasons(*all[x.Kind].orNone(), names[x.Kind], history, s.To.Sub(s.From))
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

func (x *sums) orNone() *sums {
	if x == nil {
		return &sums{}
	}
	return x
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
	text := string(s.Kind) + " " + checks.Line(s.Name, 120) + ": "
	for i, r := range s.Reasons {
		if i > 0 {
			text += "; "
		}
		text += r
	}
	return text
}
