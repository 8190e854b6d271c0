package monitor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"reputed/internal/reliability"
)

// The clock jumps by hours both ways, and by days as after a suspend, between hours in which it goes as it should. A jump makes
// one run at most, however many slots it leaps over, and then each slot has its run again.
func TestPlanAfterJumps(t *testing.T) {
	s, err := ParseSchedule("@hourly", nil)
	if err != nil {
		t.Fatal(err)
	}
	const jumps = 2000
	rng := rand.New(rand.NewPCG(8, 8))
	now := instant(t, "2026-03-01T00:30:00Z")
	p := newPlan(s, 5*time.Minute, time.Time{}, now)
	storms, missing := 0, 0
	for range jumps {
		jump := time.Duration(rng.Int64N(int64(24*time.Hour))) - 12*time.Hour
		switch rng.IntN(4) {
		case 0:
			jump = 24 * time.Hour
		case 1:
			jump = time.Duration(rng.Int64N(int64(2*time.Minute))) - time.Minute // a time daemon
		}
		now = now.Add(jump)
		ran := 0
		for range 5 { // within the minute after it
			// What comes by itself in this minute is not of the jump.
			if slot, _, ok := p.due(now); ok && now.Sub(slot.Add(5*time.Minute)) > 10*time.Second {
				ran++
			}
			now = now.Add(10 * time.Second)
		}
		if ran > 1 {
			storms++
			t.Errorf("%d runs after a jump of %s", ran, jump)
		}
		steady := 0
		for range 180 { // three hours, a look a minute
			now = now.Add(time.Minute)
			if _, _, ok := p.due(now); ok {
				steady++
			}
		}
		if steady < 2 || steady > 4 {
			missing++
			t.Errorf("%d runs in the three hours after a jump of %s, want one an hour", steady, jump)
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Clock, Fault: "the clock jumps by hours, or the machine sleeps for a day, under an hourly schedule", Tries: jumps, Unit: "jumps",
		Promised: "one run at most for all that was missed, then one an hour", Seen: fmt.Sprintf("%d with more, %d without their runs", storms, missing)})
}

// Two years of days whose clocks are put forward and back, in several time zones: a daily time comes once each day, and an
// hourly one every hour.
func TestSchedulesThroughTwoYearsOfEveryZone(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia"}
	days, wrong, gaps := 0, 0, 0
	for _, name := range zones {
		loc := zone(t, name)
		daily, err := ParseSchedule("30 2 * * *", loc)
		if err != nil {
			t.Fatal(err)
		}
		hourly, err := ParseSchedule("@hourly", loc)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2025, 6, 1, 0, 0, 0, 0, loc)
		at := daily.Next(from.Add(-time.Second).UTC())
		for day := from; day.Before(time.Date(2027, 6, 1, 0, 0, 0, 0, loc)); day = day.AddDate(0, 0, 1) {
			days++
			y, m, d := day.Date()
			n := 0
			for ; at.Before(time.Date(y, m, d+1, 0, 0, 0, 0, loc)); at = daily.Next(at) {
				n++
			}
			if n != 1 {
				wrong++
				t.Errorf("%s, %s: %d runs of a daily time", name, day.Format(time.DateOnly), n)
			}
		}
		for at := hourly.Next(from.UTC()); at.Before(from.AddDate(2, 0, 0)); {
			next := hourly.Next(at)
			if gap := next.Sub(at); gap < 30*time.Minute || gap > 90*time.Minute {
				gaps++
				t.Errorf("%s: %s after %s", name, gap, at)
			}
			at = next
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Clock, Fault: fmt.Sprintf("two years of time changes in %d zones", len(zones)), Tries: days, Unit: "days",
		Promised: "a daily time comes once a day, an hourly one every hour", Seen: fmt.Sprintf("%d days without one run, %d hours too long or short", wrong, gaps)})
}

// A daily job has run; then its configuration names another time zone, and the daemon reads that at some hour. What comes in the next two days
// is at the new time, once a day: nothing at once but what was due, and nothing twice.
func TestPlanAfterItsTimeZoneChanges(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Pacific/Pago_Pago"}
	changes, twice, missing := 0, 0, 0
	for _, from := range zones {
		for _, to := range zones {
			before, err := ParseSchedule("30 2 * * *", zone(t, from))
			if err != nil {
				t.Fatal(err)
			}
			after, err := ParseSchedule("30 2 * * *", zone(t, to))
			if err != nil {
				t.Fatal(err)
			}
			last := before.Next(instant(t, "2026-03-27T00:00:00Z")) // two days before clocks in Europe change
			for hour := range 24 {
				changes++
				now := last.Add(time.Duration(hour)*time.Hour + time.Minute)
				p := newPlan(after, 0, last, now)
				var runs []time.Time
				for end := now.Add(48 * time.Hour); now.Before(end); now = now.Add(time.Minute) {
					if slot, missed, ok := p.due(now); ok {
						if missed > 0 || !slot.Equal(after.Next(slot.Add(-time.Second))) {
							twice++
							t.Errorf("%s to %s after %d hours: the run of %s stands for %d more", from, to, hour, slot, missed)
						}
						runs = append(runs, slot)
					}
				}
				for i := range runs[1:] {
					if gap := runs[i+1].Sub(runs[i]); gap < 23*time.Hour {
						twice++
						t.Errorf("%s to %s after %d hours: a run %s after another", from, to, hour, gap)
					}
				}
				if len(runs) < 2 || len(runs) > 3 {
					missing++
					t.Errorf("%s to %s after %d hours: %d runs in two days", from, to, hour, len(runs))
				}
			}
		}
	}
	reliability.Record(t, reliability.Row{Area: reliability.Clock, Fault: "the time zone of a daily schedule is changed", Tries: changes, Unit: "changes",
		Promised: "one run a day, at the new time", Seen: fmt.Sprintf("%d runs too many, %d times too few", twice, missing)})
}
