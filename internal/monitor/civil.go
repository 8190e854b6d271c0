package monitor

import "time"

// nextCivil finds the next slot of a cron expression in the civil time of a zone.
// The library is asked in UTC only, where its search is exact; on the two nights a
// year on which the clock changes it would skip a job at 02:30 in spring and run
// one at 01:30 twice in autumn (its issue 541). Here
//
//   - a time that the clock leaps over is due at the leap, and
//   - a time that comes twice is due the first time only,
//
// unless the expression leaves the hour open (every hour is meant): then each
// real hour has its slots, and a leap has none.
//
// The zone is walked in stretches of one offset to UTC. Inside a stretch, civil
// time is real time plus the offset.
func (s Schedule) nextCivil(t time.Time) time.Time {
	anyHour := s.cron.Hour&everyHour == everyHour
	at := t.In(s.loc) // any instant of the stretch
	start, end := at.ZoneBounds()
	after := civil(t, offset(at)) // look for a match later than this
	if before := offset(start.Add(-time.Second).In(s.loc)); !start.IsZero() && !anyHour && before > offset(at) {
		// The clock was set back at start: what it showed then has come once already.
		if again := civil(start, before).Add(-time.Second); after.Before(again) {
			after = again
		}
	}
	for {
		match := s.cron.Next(after)
		if match.IsZero() {
			return time.Time{}
		}
		if slot := match.Add(-offset(at)); end.IsZero() || slot.Before(end) {
			return slot
		}
		was, is := civil(end, offset(at)), civil(end, offset(end.In(s.loc)))
		switch {
		case anyHour:
			after = is
		case match.Before(is): // leapt over
			return end.UTC()
		case is.Before(was): // set back
			after = was
		default:
			after = is
		}
		after = after.Add(-time.Second)
		at = end.In(s.loc)
		_, end = at.ZoneBounds()
	}
}

// everyHour are the bits of all hours in the library's set.
const everyHour = 1<<24 - 1

// offset is how far the clock of t's zone is ahead of UTC at t.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// civil is what a clock shows that is so far ahead of UTC, written as if it were UTC.
func civil(t time.Time, ahead time.Duration) time.Time { return t.UTC().Add(ahead) }
