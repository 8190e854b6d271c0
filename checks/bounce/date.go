package bounce

import (
	"strings"
	"time"
)

// dateForms are the ways in which dates are written in headers, most frequent
// first (RFC 5322 section 3.3, then what else is met).
var dateForms = []string{
	"Mon, 2 Jan 2006 15:04:05 -0700",
	"2 Jan 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04:05 MST",
	"2 Jan 2006 15:04:05 MST",
	time.RFC3339,
	"Mon, 2 Jan 2006 15:04:05",
	"Mon, 2 Jan 2006 15:04 -0700",
	"Mon Jan 2 15:04:05 2006",
}

// parseDate reads a date, in UTC. A zone that is only a name other than UTC or
// GMT would be guesswork and is taken for UTC.
func parseDate(s string) (time.Time, bool) {
	if i := strings.LastIndex(s, " ("); i > 0 { // the zone's name as a comment
		s = s[:i]
	}
	s = strings.TrimSpace(s)
	if len(s) < 10 || len(s) > 60 {
		return time.Time{}, false
	}
	if strings.Contains(s, "  ") {
		s = strings.Join(strings.Fields(s), " ")
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), t.Year() > 1980
		}
	}
	return time.Time{}, false
}
