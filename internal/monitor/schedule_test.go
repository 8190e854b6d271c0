package monitor

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no zone data on this machine: %v", err)
	}
	return loc
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNext(t *testing.T) {
	for name, c := range map[string]struct{ expr, from, want string }{
		"five fields":                            {"*/30 * * * *", "2026-03-01T10:00:00Z", "2026-03-01T10:30:00Z"},
		"six fields begin with the second":       {"15 0 6 * * *", "2026-03-01T10:00:00Z", "2026-03-02T06:00:15Z"},
		"white space is free":                    {"  0   6 * *  *\t", "2026-03-01T10:00:00Z", "2026-03-02T06:00:00Z"},
		"names of months and days, any case":     {"0 6 * JAN Mon", "2026-03-01T10:00:00Z", "2027-01-04T06:00:00Z"},
		"a slot is later than the time":          {"0 6 * * *", "2026-03-01T06:00:00Z", "2026-03-02T06:00:00Z"},
		"day of month or day of week":            {"0 6 13 * 5", "2026-03-01T00:00:00Z", "2026-03-06T06:00:00Z"},
		"29 February comes in a leap year":       {"0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		"@hourly":                                {"@hourly", "2026-03-01T10:01:00Z", "2026-03-01T11:00:00Z"},
		"@daily":                                 {"@daily", "2026-03-01T10:01:00Z", "2026-03-02T00:00:00Z"},
		"@midnight":                              {"@midnight", "2026-03-01T10:01:00Z", "2026-03-02T00:00:00Z"},
		"@weekly is Sunday":                      {"@weekly", "2026-03-02T10:01:00Z", "2026-03-08T00:00:00Z"},
		"@monthly":                               {"@monthly", "2026-03-02T10:01:00Z", "2026-04-01T00:00:00Z"},
		"@yearly":                                {"@yearly", "2026-03-02T10:01:00Z", "2027-01-01T00:00:00Z"},
		"@annually":                              {"@annually", "2026-03-02T10:01:00Z", "2027-01-01T00:00:00Z"},
		"@every counts from the time":            {"@every 30m", "2026-03-01T10:07:00Z", "2026-03-01T10:37:00Z"},
		"@every knows days":                      {"@every 1d12h", "2026-03-01T10:00:00Z", "2026-03-02T22:00:00Z"},
		"@every slots are whole seconds":         {"@every 30s", "2026-03-01T10:00:00.9Z", "2026-03-01T10:00:30Z"},
		"ten seconds apart is allowed":           {"*/10 * * * * *", "2026-03-01T10:00:01Z", "2026-03-01T10:00:10Z"},
		"a gap over the minute that never comes": {"0,55 0 * * * *", "2026-03-01T10:00:01Z", "2026-03-01T10:00:55Z"},
		"a zone in front":                        {"TZ=Asia/Tokyo 30 6 * * *", "2026-03-01T00:00:00Z", "2026-03-01T21:30:00Z"},
		"a zone in front, the other spelling":    {"CRON_TZ=Asia/Tokyo 30 6 * * *", "2026-03-01T00:00:00Z", "2026-03-01T21:30:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(c.expr, "TZ=") {
				zone(t, "Asia/Tokyo")
			}
			s, err := ParseSchedule(c.expr, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Next(instant(t, c.from)).Format(time.RFC3339); got != c.want {
				t.Errorf("Next = %s, want %s", got, c.want)
			}
			if s.IsZero() || s.String() != strings.Join(strings.Fields(c.expr), " ") {
				t.Errorf("IsZero %v, String %q", s.IsZero(), s)
			}
		})
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		expr string
		want []string // all of these in the error
	}{
		"nothing":                             {" ", []string{"empty", "@every 30m"}},
		"the wrong number of fields":          {"* * *", []string{"3 fields", "day of week"}},
		"a minute that there is not":          {"60 * * * *", []string{`minute "60"`, "0-59", "for example"}},
		"an hour that there is not":           {"0 24 * * *", []string{`hour "24"`, "0-23"}},
		"day 32":                              {"0 0 32 * *", []string{`day of month "32"`, "1-31"}},
		"Sunday as 7":                         {"0 0 * * 7", []string{`day of week "7"`, "Sunday is 0"}},
		"a misspelt month":                    {"0 0 1 janu *", []string{`month "janu"`, "jan-dec"}},
		"a negative number":                   {"-5 * * * *", []string{`minute "-5"`}},
		"a plus that the library takes":       {"+5 * * * *", []string{`minute "+5"`}},
		"a range from a star":                 {"*-5 * * * *", []string{`minute "*-5"`}},
		"a comma alone, endless in the lib":   {", * * * * *", []string{`second ","`}},
		"an empty item":                       {"1,,2 * * * *", []string{`minute "1,,2"`}},
		"a range backwards":                   {"30-10 * * * *", []string{`minute "30-10"`}},
		"step zero":                           {"*/0 * * * *", []string{`minute "*/0"`, "1 to 59"}},
		"a step wider than the field":         {"*/90 * * * *", []string{`minute "*/90"`, "@every 90m"}},
		"a step beyond all numbers":           {"*/99999999999999999999 * * * *", []string{"minute"}},
		"30 February":                         {"0 0 30 2 *", []string{`day of month "30" in month "2" never comes`}},
		"31 June, six fields":                 {"0 0 0 31 6 *", []string{"never comes"}},
		"every second":                        {"* * * * * *", []string{`second "*"`, "every 1s", "10s"}},
		"every 5 seconds":                     {"*/5 * * * * *", []string{"every 5s"}},
		"5 seconds over the minute":           {"0,55 * * * * *", []string{"every 5s"}},
		"5 seconds over the hour":             {"0,55 0,59 * * * *", []string{"every 5s"}},
		"@every backwards":                    {"@every -5m", []string{"interval", "-5m", "@every 30m"}},
		"@every nothing":                      {"@every 0s", []string{"too short", "10s"}},
		"@every half a second":                {"@every 500ms", []string{"too short"}},
		"@every under the least":              {"@every 9s", []string{"9s is too short"}},
		"@every in parts of a second":         {"@every 90500ms", []string{"whole seconds"}},
		"@every without a length":             {"@every", []string{"interval"}},
		"@every and a word":                   {"@every day", []string{`"day"`, "30s, 5m, 36h or 7d"}},
		"@every run together":                 {"@every30m", []string{"no such word"}},
		"an unknown word":                     {"@fortnightly", []string{"no such word", "@weekly"}},
		"@reboot":                             {"@reboot", []string{"at every start"}},
		"a zone alone, which panics the lib":  {"TZ=UTC", []string{"no times", "TZ=Europe/Berlin"}},
		"the other spelling alone":            {"CRON_TZ=UTC ", []string{"no times"}},
		"a zone that there is not":            {"TZ=Mars/Base 0 6 * * *", []string{`"Mars/Base"`, "tzdata"}},
		"an interval after a zone":            {"TZ=UTC @every 1s", []string{"too short"}},
		"two zones":                           {"TZ=UTC TZ=UTC 0 6 * * *", []string{"second", "TZ=UTC"}},
		"a novel":                             {strings.Repeat("1,", 150) + "1 * * * *", []string{"200 characters"}},
		"control characters are not repeated": {"\x1b[31m * * * *", []string{"minute"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSchedule(c.expr, time.UTC)
			if err == nil {
				t.Fatalf("ParseSchedule(%q) = %v, want an error", c.expr, s)
			}
			for _, part := range append(c.want, "schedule \"") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			if strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("%q carries a control character", err)
			}
		})
	}
}

func TestZeroScheduleIsNeverDue(t *testing.T) {
	for _, s := range []Schedule{{}, Every(0), Every(-time.Hour)} {
		if !s.IsZero() || !s.Next(time.Now()).IsZero() {
			t.Errorf("%+v is due", s)
		}
	}
	if got, want := Every(250*time.Millisecond).Next(time.Unix(0, 0)), time.Unix(0, 250e6); !got.Equal(want) {
		t.Errorf("Every(250ms) = %v, want %v", got, want)
	}
}

// The clock in Berlin leaps from 02:00 to 03:00 on 2026-03-29 (01:00 UTC) and
// shows 02:00 to 03:00 twice on 2026-10-25 (from 00:00 UTC and from 01:00 UTC).
func TestNextOnTheNightsTheClockChanges(t *testing.T) {
	for name, c := range map[string]struct {
		zone, expr, from string
		want             []string
	}{
		"a time leapt over is due at the leap": {"Europe/Berlin", "30 2 * * *", "2026-03-28T00:00:00Z",
			[]string{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		"a time that comes twice is due once": {"Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		"also if asked in between": {"Europe/Berlin", "30 2 * * *", "2026-10-25T01:10:00Z",
			[]string{"2026-10-26T01:30:00Z"}},
		"the leap is due once for many times": {"Europe/Berlin", "*/20 2 * * *", "2026-03-28T02:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
		"every hour is every real hour in spring": {"Europe/Berlin", "30 * * * *", "2026-03-29T00:00:00Z",
			[]string{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}},
		"every hour is every real hour in autumn": {"Europe/Berlin", "@hourly", "2026-10-24T23:30:00Z",
			[]string{"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}},
		"the time before the leap is as ever": {"Europe/Berlin", "59 1 * * *", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T00:59:00Z", "2026-03-29T23:59:00Z"}},
		"the first time after the leap": {"Europe/Berlin", "0 3 * * *", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
		"midnight that does not exist": {"America/Sao_Paulo", "0 0 4 11 *", "2018-11-01T00:00:00Z",
			[]string{"2018-11-04T03:00:00Z", "2019-11-04T03:00:00Z"}},
		"a change of half an hour": {"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z",
			[]string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
		"an @every does not know of clocks": {"Europe/Berlin", "@every 1h", "2026-03-29T00:30:00Z",
			[]string{"2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSchedule(c.expr, zone(t, c.zone))
			if err != nil {
				t.Fatal(err)
			}
			at := instant(t, c.from)
			for _, want := range c.want {
				at = s.Next(at)
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("Next = %s, want %s", got, want)
				}
			}
		})
	}
}

// In UTC and for any schedule: slots increase, keep the least distance, and asking
// from anywhere before a slot gives no later one.
func TestNextIsMonotonic(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "Europe/Berlin"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe")}
	exprs := []string{"*/30 * * * *", "30 2 * * *", "30 1,2 * * 0", "*/10 1-3 * * *", "0 0 29 2 *", "15 */7 * * *", "@every 7h", "@weekly", "*/20 * 2 * * *"}
	rapid.Check(t, func(t *rapid.T) {
		s, err := ParseSchedule(rapid.SampledFrom(exprs).Draw(t, "expr"), rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "from"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns"))
		first := s.Next(at)
		if !first.After(at) {
			t.Fatalf("Next(%v) = %v", at, first)
		}
		mid := at.Add(time.Duration(rapid.Int64Range(0, int64(first.Sub(at))-1).Draw(t, "mid")))
		if again := s.Next(mid); s.cron != nil && !again.Equal(first) {
			t.Fatalf("Next(%v) = %v, but Next(%v) = %v", at, first, mid, again)
		}
		if second := s.Next(first); second.Sub(first) < MinInterval {
			t.Fatalf("slots %v and %v", first, second)
		}
	})
}

func FuzzParseSchedule(f *testing.F) {
	for _, s := range []string{"*/30 * * * *", "TZ=UTC", "CRON_TZ=UTC 0 6 * * *", "@every -5m", "@every 1d12h", ", * * * * *", "0 0 30 2 *", "?/3 1-5/2 * feb-mar sun"} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := ParseSchedule(expr, nil)
		if err != nil {
			return
		}
		next := s.Next(now)
		if !next.After(now) || s.Next(next).Sub(next) < MinInterval {
			t.Errorf("%q: %v, then %v", expr, next, s.Next(next))
		}
		back, err := ParseSchedule(s.String(), nil)
		if err != nil || !back.Next(now).Equal(next) {
			t.Errorf("%q read again from %q: %v, %v", expr, s.String(), back, err)
		}
	})
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "5m": 5 * time.Minute, "36h": 36 * time.Hour, "7d": 7 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "0s": 0, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond,
	} {
		got, err := ParseDuration(in)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "d", "-1d", "1d-2h", "+5m", "-5m", "5", "1w", "1.5d", "99999999d", "36500d2562047h", "five minutes", "1dd"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", in, got)
		}
	}
	for want, d := range map[string]time.Duration{
		"0s": 0, "30s": 30 * time.Second, "5m": 5 * time.Minute, "24h": 24 * time.Hour, "36h": 36 * time.Hour, "7d": 7 * 24 * time.Hour,
		"1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second, "10m": 10 * time.Minute, "20h": 20 * time.Hour, "500ms": 500 * time.Millisecond,
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d) = %q, want %q", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(36500*24*time.Hour)).Draw(t, "d"))
		if back, err := ParseDuration(FormatDuration(d)); err != nil || back != d {
			t.Errorf("%d is written %q and read %d, %v", d, FormatDuration(d), back, err)
		}
	})
}
