package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"reputed/checks"
	"reputed/internal/monitor"
)

// pastTime reads a moment in the past: a local time, the time of the day that came last, a time with
// its zone, or how long ago it was.
func pastTime(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	at, err := time.Parse(time.RFC3339, s)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if err != nil {
			at, err = time.ParseInLocation(layout, s, now.Location())
		}
	}
	if err != nil {
		var clock time.Time
		if clock, err = time.Parse("15:04", s); err == nil {
			y, m, d := now.Date()
			at = time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, now.Location())
			if at.After(now) {
				at = at.AddDate(0, 0, -1)
			}
		}
	}
	if err != nil {
		var d time.Duration
		if d, err = monitor.ParseDuration(s); err == nil {
			at = now.Add(-d)
		}
	}
	switch {
	case err != nil:
		return at, fmt.Errorf("--at %q: write 2026-11-24T22:15, 22:15, or how long ago: 3h, 2d", checks.Line(s, 40))
	case at.After(now):
		return at, errors.New("--at is in the future, of which nothing is known")
	}
	return at, nil
}
