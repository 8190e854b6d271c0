package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A story is a list of what the wall clock shows; the outcome is the slot that is
// due then, with "+n" for missed ones before it, or "-".
func TestPlanFollowsAnyClock(t *testing.T) {
	for name, c := range map[string]struct {
		expr   string
		jitter time.Duration
		last   string
		clock  string
		want   string
	}{
		"slots as they come":                     {"@hourly", 0, "", "10:00 10:59 11:00 11:01 12:00", "- 11:00 - 12:00"},
		"jitter moves the run and not the slot":  {"@hourly", 10 * time.Minute, "", "10:00 11:00 11:09 11:10", "- - 11:00"},
		"a suspend makes one run of many slots":  {"@hourly", 0, "", "10:00 15:30 15:31 16:00", "15:00+4 - 16:00"},
		"a clock set forward does the same":      {"@every 30m", 0, "", "10:00 12:10 12:20 12:30", "12:00+3 - 12:30"},
		"a clock set back plans anew":            {"@hourly", 0, "", "10:00 11:00 09:30 10:00 10:01", "11:00 - 10:00 -"},
		"a clock set back by years too":          {"@every 30m", 0, "", "2036-10:00 09:00 09:30", "- 09:30"},
		"a small step back changes nothing":      {"@hourly", 0, "", "10:00 11:00:00 10:59:30 11:00:01", "11:00 - -"},
		"small steps back add up":                {"@hourly", 0, "", "10:00 11:00:00 10:59:30 10:59:00 11:00:00", "11:00 - - 11:00"},
		"missed before the start is due at once": {"@hourly", 0, "08:10", "10:00 10:01 11:00", "- 11:00"},
		"a last run in the future is no promise": {"@hourly", 0, "2036-08:10", "10:00 11:00", "11:00"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSchedule(c.expr, nil)
			if err != nil {
				t.Fatal(err)
			}
			clocks := strings.Fields(c.clock)
			var last time.Time
			if c.last != "" {
				last = shown(t, c.last)
			}
			p := newPlan(s, c.jitter, last, shown(t, clocks[0]))
			if c.last == "08:10" { // the one row whose first answer is for the start itself
				if slot, missed, ok := p.due(shown(t, clocks[0])); !ok || missed != 1 || slot.Hour() != 10 {
					t.Fatalf("at the start: %v +%d %v", slot, missed, ok)
				}
			}
			var got []string
			for _, at := range clocks[1:] {
				slot, missed, ok := p.due(shown(t, at))
				switch {
				case !ok:
					got = append(got, "-")
				case missed > 0:
					got = append(got, fmt.Sprintf("%s+%d", slot.Format("15:04"), missed))
				default:
					got = append(got, slot.Format("15:04"))
				}
			}
			if want := strings.Fields(c.want); !slices.Equal(got, want) {
				t.Errorf("clock %s\n got %v\nwant %v", c.clock, got, want)
			}
		})
	}
}

// shown reads "15:04", "15:04:05" or "2036-15:04" as a time of 2026-03-01 (or of that year).
func shown(t *testing.T, s string) time.Time {
	t.Helper()
	year := "2026"
	if y, rest, ok := strings.Cut(s, "-"); ok {
		year, s = y, rest
	}
	if strings.Count(s, ":") == 1 {
		s += ":00"
	}
	return instant(t, year+"-03-01T"+s+"Z")
}

func TestPlanAfterAYearAsleepIsQuick(t *testing.T) {
	s, err := ParseSchedule("*/10 * * * * *", nil)
	if err != nil {
		t.Fatal(err)
	}
	now := shown(t, "10:00")
	p := newPlan(s, 0, time.Time{}, now)
	_, missed, ok := p.due(now.AddDate(1, 0, 0))
	if !ok || missed != maxMissed {
		t.Errorf("missed %d, %v; want %d", missed, ok, maxMissed)
	}
	if !p.next.After(now.AddDate(1, 0, 0)) {
		t.Errorf("next is %v", p.next)
	}
}

// Whatever the clock does, a slot that is due has come by the clock, and after
// each look at the clock the next one is in the future and not further away than
// the schedule has it.
func TestPlanNeverPilesUpNorFallsSilent(t *testing.T) {
	s, err := ParseSchedule("@every 10m", nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1.8e9, 0).UTC()
		jitter := time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(t, "jitter"))
		p := newPlan(s, jitter, time.Time{}, now)
		for range rapid.IntRange(1, 30).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(100*time.Hour), int64(100*time.Hour)).Draw(t, "jump")))
			slot, _, ok := p.due(now)
			if ok && slot.Add(jitter).After(now) {
				t.Fatalf("at %v slot %v is due", now, slot)
			}
			if !p.at().After(now) {
				t.Fatalf("at %v the next is due at %v", now, p.at())
			}
			if p.at().Sub(now) > 10*time.Minute+jitter+setBack {
				t.Fatalf("at %v the next is not before %v", now, p.at())
			}
		}
	})
}

func TestJitterIsStableAndSpread(t *testing.T) {
	if a, b := Jitter("dnsbl", time.Minute), Jitter("dnsbl", time.Minute); a != b {
		t.Errorf("%v and %v for one name", a, b)
	}
	if got := Jitter("dnsbl", 0); got != 0 {
		t.Errorf("jitter %v of at most 0", got)
	}
	quarters := [4]int{}
	for i := range 400 {
		d := Jitter(fmt.Sprintf("job-%d", i), time.Minute)
		if d < 0 || d >= time.Minute {
			t.Fatalf("jitter %v", d)
		}
		quarters[d/(15*time.Second)]++
	}
	for _, n := range quarters {
		if n < 60 {
			t.Errorf("400 names fall unevenly: %v", quarters)
		}
	}
}
