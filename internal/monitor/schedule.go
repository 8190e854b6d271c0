package monitor

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"reputed/checks"
)

// MinInterval is the least time between two slots of a schedule that a person
// writes. Lists cache their answers for minutes, and many block who asks without
// pause, so that anything shorter is a typing mistake. [Every] has no such limit.
const MinInterval = 10 * time.Second

// Schedule is when a job is due. The zero Schedule is never due: such a job runs
// only first and when poked.
type Schedule struct {
	text  string
	every time.Duration      // for "@every"; else 0
	cron  *cron.SpecSchedule // in civil time written as UTC; else nil
	loc   *time.Location     // that the civil time is of
}

// Any job engine that takes a cron schedule takes ours.
var _ cron.Schedule = Schedule{}

// ParseSchedule reads a cron expression of five fields (minute, hour, day of
// month, month, day of week) or six (a second in front), a descriptor (@hourly,
// @daily, @weekly, @monthly, @yearly), or "@every 30m" in whole seconds. Times of
// day are those of loc (nil: UTC); "TZ=Europe/Berlin 30 6 * * *" names another zone.
//
// As in every cron, a day matches if day of month or day of week does, once
// neither is a star. Slots closer than [MinInterval] and expressions that never
// come (30 February) are errors. An error says which field, what is wrong, and gives
// an example; reading the same text again does not help.
func ParseSchedule(expr string, loc *time.Location) (Schedule, error) {
	text := strings.Join(strings.Fields(expr), " ")
	s, err := parseSchedule(text, loc)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", checks.Line(text, 60), err)
	}
	return s, nil
}

// Every returns a schedule for programs (a rehearsal, a test) that is due each d,
// counted from the slot before. If d is 0 or less it is never due.
func Every(d time.Duration) Schedule {
	if d <= 0 {
		return Schedule{}
	}
	return Schedule{text: "@every " + FormatDuration(d), every: d}
}

func parseSchedule(text string, loc *time.Location) (Schedule, error) {
	if loc == nil {
		loc = time.UTC
	}
	if len(text) > 200 {
		return Schedule{}, fmt.Errorf("longer than 200 characters; %s", examples)
	}
	rest := text
	// The library's own reading of this prefix panics when nothing follows it
	// (its issues 470 and 554), so that it never sees one.
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		named, ok := strings.CutPrefix(text, prefix)
		if !ok {
			continue
		}
		name, after, _ := strings.Cut(named, " ")
		if after == "" {
			return Schedule{}, fmt.Errorf("a time zone and no times; for example \"TZ=Europe/Berlin 30 6 * * *\"")
		}
		var err error
		if loc, err = LoadLocation(name); err != nil {
			return Schedule{}, err
		}
		rest = after
		break
	}
	if rest == "" {
		return Schedule{}, fmt.Errorf("empty; %s", examples)
	}
	if strings.HasPrefix(rest, "@") {
		every, fields, err := descriptor(rest)
		if err != nil {
			return Schedule{}, err
		}
		if every > 0 {
			return Schedule{text: text, every: every}, nil
		}
		rest = fields
	}
	spec, err := parseFields(rest)
	if err != nil {
		return Schedule{}, err
	}
	return Schedule{text: text, cron: spec, loc: loc}, nil
}

// LoadLocation is [time.LoadLocation] with an error that says what to write. An
// empty name is UTC, "Local" the zone of the machine.
func LoadLocation(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known here: write one such as Europe/Berlin or UTC, and see that the system's zone data (tzdata) is installed", checks.Line(name, 40))
	}
	return loc, nil
}

// descriptor gives the interval of "@every", or the fields that any other word with an @ stands for.
func descriptor(word string) (every time.Duration, fields string, err error) {
	if rest, ok := strings.CutPrefix(word, "@every"); ok && (rest == "" || rest[0] == ' ') {
		every, err = parseEvery(strings.TrimSpace(rest))
		return every, "", err
	}
	switch word {
	case "@hourly":
		return 0, "0 * * * *", nil
	case "@daily", "@midnight":
		return 0, "0 0 * * *", nil
	case "@weekly":
		return 0, "0 0 * * 0", nil
	case "@monthly":
		return 0, "0 0 1 * *", nil
	case "@yearly", "@annually":
		return 0, "0 0 1 1 *", nil
	case "@reboot":
		return 0, "", errors.New("@reboot is not needed, the first round is at every start anyway; " + examples)
	}
	return 0, "", fmt.Errorf("no such word: known are @hourly, @daily, @weekly, @monthly, @yearly and @every; %s", examples)
}

// parseEvery is our own because the library reads a negative, zero or sub-second
// interval as one second, without a word.
func parseEvery(s string) (time.Duration, error) {
	const example = `for example "@every 30m"`
	d, err := ParseDuration(s)
	switch {
	case err != nil:
		return 0, fmt.Errorf("interval %w, %s", err, example)
	case d < MinInterval:
		return 0, fmt.Errorf("interval %s is too short: the least is %s, %s", FormatDuration(d), FormatDuration(MinInterval), example)
	case d%time.Second != 0:
		return 0, fmt.Errorf("interval %s is not in whole seconds, %s", FormatDuration(d), example)
	}
	return d, nil
}

// IsZero says whether the schedule is never due.
func (s Schedule) IsZero() bool { return s.every == 0 && s.cron == nil }

// String is the expression as it was written; empty for the zero Schedule.
func (s Schedule) String() string { return s.text }

// Next is the first slot after t, in UTC; zero if none comes. It depends on its
// receiver and t alone.
func (s Schedule) Next(t time.Time) time.Time {
	switch {
	case s.cron != nil:
		return s.nextCivil(t)
	case s.every > 0 && s.every%time.Second == 0:
		return t.UTC().Truncate(time.Second).Add(s.every)
	case s.every > 0:
		return t.UTC().Add(s.every)
	}
	return time.Time{}
}
