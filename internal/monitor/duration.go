package monitor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
)

// ParseDuration reads "90s", "1h30m", "36h" and also whole days in front, "7d"
// or "1d12h"; a day is 24 hours. It is the one place that reads durations, for
// schedules and for the configuration. A negative or empty text is an error.
func ParseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a duration: write 30s, 5m, 36h or 7d", checks.Line(s, 40))
	days, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		days, rest = "", s
	}
	var d time.Duration
	if hasDays {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > 36500 { // a hundred years, far from overflow
			return 0, wrong
		}
		d = time.Duration(n) * 24 * time.Hour
		if rest == "" {
			return d, nil
		}
	}
	r, err := time.ParseDuration(rest)
	if err != nil || r < 0 || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+") || d+r < d {
		return 0, wrong
	}
	return d + r, nil
}

// FormatDuration writes d as a person would and as [ParseDuration] reads it:
// "30s", "5m", "36h", "7d", "0s". Days are used for whole days from two on.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String() // "1h0m0s"
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
