package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// number writes n with thousands separators: 65,536.
func number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// plural is "1 address", "2 addresses".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// some lists up to max names and says how many more there are: "a, b and 3 more".
func some(names []string, max int) string { return someOf(names, max, len(names)) }

// someOf is some of n, of which names are the first.
func someOf(names []string, max, n int) string {
	if n <= max+1 { // "and 1 more" is no shorter than the name
		max = n
	}
	max = min(max, len(names))
	head, rest := names[:max], n-max
	switch {
	case rest > 0:
		return strings.Join(head, ", ") + " and " + number(rest) + " more"
	case len(head) < 2:
		return strings.Join(head, "")
	}
	return strings.Join(head[:len(head)-1], ", ") + " and " + head[len(head)-1]
}

// span is a duration as a person would say it: "40 s", "4 min", "1 h 20 min", "27 h", "3 d".
func span(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	switch {
	case d < 0:
		return "-" + span(-d)
	case d < 90*time.Second:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case minutes < 60:
		return strconv.Itoa(minutes) + " min"
	case minutes < 10*60 && minutes%60 != 0:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Round(time.Hour)/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " d"
}

// ago is how long at lies before now: "4 min ago"; "never" for the zero time.
// A clock that was set back gives "just now" and no time in the future.
func ago(at, now time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return "never"
	case d < time.Second:
		return "just now"
	default:
		return span(d) + " ago"
	}
}

// ahead is how long from now at is: "in 12 min", "now"; "overdue by 3 h" if it has passed.
func ahead(at, now time.Time) string {
	switch d := at.Sub(now); {
	case d >= 48*time.Hour: // to the nearest day: 30 days are 30 a second later too
		return "in " + span(d.Round(24*time.Hour))
	case d >= time.Second:
		return "in " + span(d)
	case d > -time.Minute:
		return "now"
	default:
		return "overdue by " + span(-d)
	}
}

// clock is a local time as short as the distance to now allows: "09:40", "24 Nov 22:15", "24 Nov 2025 22:15".
func (t Term) clock(at, now time.Time) string {
	a, n := t.local(at), t.local(now)
	switch {
	case a.Year() == n.Year() && a.YearDay() == n.YearDay():
		return a.Format("15:04")
	case a.Year() == n.Year():
		return a.Format("2 Jan 15:04")
	}
	return a.Format("2 Jan 2006 15:04")
}

// clockAt is clock, of one now.
func (t Term) clockAt(now time.Time) func(time.Time) string {
	return func(at time.Time) string { return t.clock(at, now) }
}

// since is "since 09:40, 2 h ago".
func (t Term) since(at, now time.Time) string {
	if at.IsZero() {
		return "since an unknown time"
	}
	return fmt.Sprintf("since %s, %s", t.clock(at, now), ago(at, now))
}

// stamp is a full local time with its zone, for a timeline: "2026-11-25 09:40:12 CET".
func (t Term) stamp(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return t.local(at).Format("2006-01-02 15:04:05 MST")
}

// utc is a time as JSON shows it: RFC 3339 in UTC with seconds; nil for none, which JSON writes as null.
func utc(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	s := at.UTC().Format(time.RFC3339)
	return &s
}
