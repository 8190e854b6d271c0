package monitor

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"reputed/checks"
)

const examples = `for example "*/30 * * * *", "@every 30m" or "@hourly"`

// place is one field of a cron expression.
type place struct {
	name     string
	allowed  string
	min, max int
}

var places = [6]place{
	{"second", "0-59", 0, 59},
	{"minute", "0-59", 0, 59},
	{"hour", "0-23", 0, 23},
	{"day of month", "1-31", 1, 31},
	{"month", "1-12 or jan-dec", 1, 12},
	{"day of week", "0-6 or sun-sat, Sunday is 0", 0, 6},
}

// part is one item of the comma list of a field. The library lets "*-5", ",",
// and "+5" through and reads something into them.
var part = regexp.MustCompile(`^(?:[*?]|[0-9a-zA-Z]{1,4}(?:-[0-9a-zA-Z]{1,4})?)(?:/([0-9]{1,4}))?$`)

// parseFields reads the five or six fields of a cron expression.
func parseFields(text string) (*cron.SpecSchedule, error) {
	fields := strings.Fields(text)
	if len(fields) == 5 {
		fields = append([]string{"0"}, fields...)
	}
	if len(fields) != 6 {
		return nil, fmt.Errorf("%d fields: there are five (minute, hour, day of month, month, day of week) or six with a second in front; %s", len(fields), examples)
	}
	for i, f := range fields {
		if err := checkField(places[i], f); err != nil {
			return nil, err
		}
		// One field at a time, the rest stars, so that the error knows which it was.
		alone := []string{"*", "*", "*", "*", "*", "*"}
		alone[i] = f
		if _, err := parseCron(strings.Join(alone, " ")); err != nil {
			return nil, places[i].wrong(f)
		}
	}
	spec, err := parseCron(strings.Join(fields, " "))
	if err != nil {
		return nil, fmt.Errorf("not a cron expression; %s", examples)
	}
	// Five years from the start of a leap year: whatever can come, comes.
	if spec.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)).IsZero() {
		return nil, fmt.Errorf("day of month %q in month %q never comes; %s", fields[3], fields[4], examples)
	}
	if d := closest(spec); d < MinInterval {
		return nil, fmt.Errorf("second %q is due every %s: the least is %s; leave the field for seconds out, or write */30", fields[0], d, MinInterval)
	}
	return spec, nil
}

func (p place) wrong(f string) error {
	return fmt.Errorf("%s %q is wrong: allowed are %s, lists (a,b), ranges (a-b) and steps (*/n); %s", p.name, checks.Line(f, 40), p.allowed, examples)
}

func checkField(p place, f string) error {
	for item := range strings.SplitSeq(f, ",") {
		m := part.FindStringSubmatch(item)
		if m == nil {
			return p.wrong(f)
		}
		// A step that is wider than the field matches once, and "*/90" in the
		// minutes would quietly be every hour.
		if n, _ := strconv.Atoi(m[1]); m[1] != "" && (n == 0 || n > p.max-p.min) {
			return fmt.Errorf("%s %q is wrong: a step is 1 to %d here; for a longer interval write \"@every 90m\"", p.name, checks.Line(f, 40), p.max-p.min)
		}
	}
	return nil
}

// parseCron calls the library, whose parser has panicked before.
func parseCron(text string) (spec *cron.SpecSchedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			spec, err = nil, fmt.Errorf("cron parser: %v", r)
		}
	}()
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("cron parser: unexpected %T", parsed)
	}
	spec.Location = time.UTC // civil time, see nextCivil
	return spec, nil
}

// closest is the least time between two slots, from the seconds of a minute and
// the step from one minute to the next. It is at most a minute.
func closest(spec *cron.SpecSchedule) time.Duration {
	first, last, least := -1, -1, 60
	for s := range 60 {
		if spec.Second&(1<<s) == 0 {
			continue
		}
		if first < 0 {
			first = s
		} else {
			least = min(least, s-last)
		}
		last = s
	}
	consecutive := spec.Minute&(spec.Minute>>1) != 0 || spec.Minute&1 != 0 && spec.Minute&(1<<59) != 0
	if consecutive {
		least = min(least, 60-last+first)
	}
	return time.Duration(least) * time.Second
}
