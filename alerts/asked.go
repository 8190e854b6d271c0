package alerts

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// CheckRequest is the [checks.Key].Check of removals that are overdue.
const CheckRequest = "request"

// WatchFor is how long after a removal was asked for the list is asked more often than others.
const WatchFor = 14 * 24 * time.Hour

// Asked is one removal that somebody asked for. It is kept for ever, as the next request has to
// know of it.
type Asked struct {
	Request
	Incident int64
	By       string
	Note     string
	At       time.Time
	Cleared  time.Time // when the question was first answered well after it; zero: it has not been
}

// Due is when it should have been granted; zero: nobody says.
func (a Asked) Due() time.Time {
	if a.Promised <= 0 {
		return time.Time{}
	}
	return a.At.Add(a.Promised)
}

// Overdue says whether it should have been granted by now, and has not.
func (a Asked) Overdue(now time.Time) bool {
	due := a.Due()
	return a.Cleared.IsZero() && !due.IsZero() && now.After(due)
}

// Watched says whether its list is to be asked often: somebody waits for the answer.
func (a Asked) Watched(now time.Time) bool {
	return a.Cleared.IsZero() && a.Key != (checks.Key{}) && now.Sub(a.At) < WatchFor
}

// String is "asked by kim (SBL123), promised 24 h, cleared after 19 h", without the time of asking
// and the name of the list, which each sink has in its own way.
func (a Asked) String() string {
	var b strings.Builder
	b.WriteString("asked")
	if by := checks.Line(a.By, 60); by != "" {
		b.WriteString(" by " + by)
	}
	if ref := checks.Line(a.Ref, 100); ref != "" {
		b.WriteString(" (" + ref + ")")
	}
	if a.Promised > 0 {
		b.WriteString(", promised " + hours(a.Promised))
	}
	switch {
	case !a.Cleared.IsZero():
		b.WriteString(", cleared after " + hours(a.Cleared.Sub(a.At)))
	case a.Key == (checks.Key{}):
		b.WriteString(", not watched: the incident has no such list")
	default:
		b.WriteString(", not cleared yet")
	}
	return b.String()
}

// hours is "40 min", "19 h" or "7 d".
func hours(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", max(1, int(d.Round(time.Minute)/time.Minute)))
	case d%(24*time.Hour) == 0 && d > 48*time.Hour, d > 7*24*time.Hour:
		return fmt.Sprintf("%d d", int(d.Round(24*time.Hour)/(24*time.Hour)))
	}
	return fmt.Sprintf("%d h", int(d.Round(time.Hour)/time.Hour))
}

// TooSoon is the request of the same list within whose cool-down another one at the time now
// would fall; false if there is none. All are the requests of the incident.
func TooSoon(all []Asked, list string, coolDown time.Duration, now time.Time) (last Asked, soon bool) {
	for _, a := range all {
		if strings.EqualFold(a.List, list) && a.At.After(last.At) {
			last = a
		}
	}
	if last.At.IsZero() || !last.Cleared.IsZero() { // what was granted and came back is another matter
		return last, false
	}
	last.CoolDown = max(last.CoolDown, coolDown)
	return last, now.Before(last.At.Add(last.CoolDown))
}

// Overdue gives a finding for each removal that should have been granted by now, and one that it
// is over for each that is known to be and is not any more. It is pure. Asked are those
// about open incidents; names gives a list's name for people.
func Overdue(asked []Asked, open []Incident, name func(list string) string, now time.Time) []checks.Finding {
	latest := map[checks.Key]Asked{}
	for _, a := range asked {
		if a.Key.Check != "" && a.At.After(latest[a.Key].At) {
			latest[a.Key] = a // asking again gives it the time again
		}
	}
	var out []checks.Finding
	told := map[checks.Key]bool{}
	for _, a := range latest {
		if !a.Overdue(now) || !lists(open, a.Key) {
			continue
		}
		f := overdue(a, name(a.List), now)
		told[f.Key] = true
		out = append(out, f)
	}
	for _, inc := range open {
		for _, m := range inc.Members {
			if k := m.Finding.Key; k.Check == CheckRequest && !told[k] && !m.Clear {
				told[k] = true
				out = append(out, checks.Finding{Key: k, Target: m.Finding.Target, Code: checks.CodeAnswered, Status: checks.OK, At: now,
					Summary: "the removal that " + checks.Line(name(k.Source), 80) + " was asked for is not overdue any more"})
			}
		}
	}
	slices.SortFunc(out, func(a, b checks.Finding) int { return a.Key.Compare(b.Key) })
	return out
}

// lists says whether the question is still a problem of an open incident.
func lists(open []Incident, key checks.Key) bool {
	return slices.ContainsFunc(open, func(inc Incident) bool {
		return slices.ContainsFunc(inc.Members, func(m Member) bool { return m.Finding.Key == key && !m.Clear })
	})
}

func overdue(a Asked, list string, now time.Time) checks.Finding {
	target, err := checks.ParseID(a.Key.Target)
	if err != nil {
		target = checks.Receiver(a.Key.Target)
	}
	list = checks.Line(list, 80)
	f := checks.Finding{
		Key:    checks.Key{Check: CheckRequest, Target: a.Key.Target, Source: a.Key.Source},
		Target: target, Code: checks.CodeOverdue, Status: checks.Problem, Severity: checks.Minor, At: now,
		Summary: fmt.Sprintf("%s was asked to take %s off, and after the %s that it takes nothing has changed", list, target, hours(a.Promised)),
		Facts:   map[string]string{checks.FactListName: list},
		Evidence: []checks.Evidence{{Question: "removal, " + a.String(), Answer: "still as it was",
			Via: fmt.Sprintf("incident %d", a.Incident), At: a.At}},
	}
	if a.Key.Check == "dnsbl" {
		f.Facts[checks.FactList] = a.Key.Source
	}
	switch target.Kind {
	case checks.KindAddress:
		f.Facts[checks.FactAddress] = target.Addr.String()
	case checks.KindDomain:
		f.Facts[checks.FactDomain] = target.Name
	}
	return f
}
