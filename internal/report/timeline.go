package report

import (
	"cmp"
	"slices"
	"time"

	"reputed/checks"
)

// Timeline is mail that was refused, deferred and taken, step by step, with what happened
// meanwhile as marks on the same axis: the one picture that shows cause and effect.
type Timeline struct {
	From  time.Time // beginning of the first step
	Step  time.Duration
	Steps int
	Rows  []TimelineRow // most refusals first
	More  int           // rows that were left out for their number; what they hold is in the last row
	Marks []Mark        // oldest first
	Cut   bool          // there were more marks than are shown
}

// TimelineRow is what one vendor or receiver did. Each of its series has Timeline.Steps numbers.
type TimelineRow struct {
	Name      string
	Refused   []int
	Deferred  []int
	Delivered []int // nil: not counted
}

// Sums are the totals of the row.
func (r TimelineRow) Sums() (refused, deferred, delivered int) {
	for i := range r.Refused {
		refused += r.Refused[i]
		deferred += r.Deferred[i]
		if r.Delivered != nil {
			delivered += r.Delivered[i]
		}
	}
	return refused, deferred, delivered
}

// MarkKind is what a mark on a timeline says.
type MarkKind string

const (
	MarkListed  MarkKind = "listed"  // a list began to list
	MarkRemoved MarkKind = "removed" // and ceased to
	MarkPerson  MarkKind = "person"  // somebody did something
	MarkState   MarkKind = "state"   // the incident changed
)

// Mark is something that happened at a time.
type Mark struct {
	At   time.Time
	Kind MarkKind
	Text string
}

// Flow is an amount of mail at a time, as the store has it.
type Flow struct {
	At                           time.Time
	Name                         string // of a row; empty: not known who
	Refused, Deferred, Delivered int
	Taken                        bool // Delivered was counted
}

const (
	maxRows = 8
	// MaxMarks is how many marks a timeline shows: the latest.
	MaxMarks = 60
)

// Timelines are the spans that are offered, by the word for them.
var timelineSpans = []struct {
	word string
	span time.Duration
	step time.Duration
}{
	{"24h", 24 * time.Hour, 30 * time.Minute},
	{"7d", 7 * 24 * time.Hour, 2 * time.Hour},
	{"30d", 30 * 24 * time.Hour, 8 * time.Hour},
	{"1y", 365 * 24 * time.Hour, 4 * 24 * time.Hour},
}

// SpanOf reads "24h", "7d", "30d" or "1y"; anything else is 7d.
func SpanOf(word string) (canonical string, span, step time.Duration) {
	for _, s := range timelineSpans {
		if s.word == word {
			return s.word, s.span, s.step
		}
	}
	return "7d", timelineSpans[1].span, timelineSpans[1].step
}

// SpanWords are all that SpanOf reads, shortest first.
func SpanWords() []string {
	var out []string
	for _, s := range timelineSpans {
		out = append(out, s.word)
	}
	return out
}

// BuildTimeline sorts flows and marks into steps. From is rounded down to a whole step of the
// clock. What lies outside is left out.
func BuildTimeline(from, now time.Time, step time.Duration, flows []Flow, marks []Mark) Timeline {
	from = from.UTC().Truncate(step)
	t := Timeline{From: from, Step: step, Steps: max(int(now.Sub(from)/step)+1, 1)}
	rows, of := map[string]*TimelineRow{}, map[string]*TimelineRow{} // by name, and by name as it came
	for _, f := range flows {
		i := int(f.At.Sub(from) / step)
		if f.At.Before(from) || i >= t.Steps {
			continue
		}
		r := of[f.Name]
		if r == nil {
			name := cmp.Or(checks.Line(f.Name, 60), "vendor not known")
			if r = rows[name]; r == nil {
				r = &TimelineRow{Name: name, Refused: make([]int, t.Steps), Deferred: make([]int, t.Steps)}
				rows[name] = r
			}
			of[f.Name] = r
		}
		r.Refused[i] += f.Refused
		r.Deferred[i] += f.Deferred
		if f.Taken {
			if r.Delivered == nil {
				r.Delivered = make([]int, t.Steps)
			}
			r.Delivered[i] += f.Delivered
		}
	}
	most := map[string]int{}
	for name, r := range rows {
		refused, deferred, _ := r.Sums()
		most[name] = refused + deferred
		t.Rows = append(t.Rows, *r)
	}
	slices.SortFunc(t.Rows, func(a, b TimelineRow) int {
		return cmp.Or(cmp.Compare(most[b.Name], most[a.Name]), cmp.Compare(a.Name, b.Name))
	})
	t.fold()
	for _, m := range marks {
		if m.At.Before(from) || m.At.After(now) {
			continue
		}
		m.Text = checks.Line(m.Text, 200)
		t.Marks = append(t.Marks, m)
	}
	slices.SortStableFunc(t.Marks, func(a, b Mark) int { return a.At.Compare(b.At) })
	if len(t.Marks) > MaxMarks { // the newest say why it is as it is
		t.Marks, t.Cut = t.Marks[len(t.Marks)-MaxMarks:], true
	}
	return t
}

// fold adds the rows that are too many into one.
func (t *Timeline) fold() {
	if len(t.Rows) <= maxRows {
		return
	}
	rest := TimelineRow{Refused: make([]int, t.Steps), Deferred: make([]int, t.Steps)}
	for _, r := range t.Rows[maxRows-1:] {
		for i := range t.Steps {
			rest.Refused[i] += r.Refused[i]
			rest.Deferred[i] += r.Deferred[i]
			if r.Delivered != nil {
				if rest.Delivered == nil {
					rest.Delivered = make([]int, t.Steps)
				}
				rest.Delivered[i] += r.Delivered[i]
			}
		}
	}
	t.More = len(t.Rows) - (maxRows - 1)
	rest.Name = plural(t.More, "other", "others")
	t.Rows = append(t.Rows[:maxRows-1:maxRows-1], rest)
}

// Empty says that nothing was refused, deferred or taken.
func (t Timeline) Empty() bool { return len(t.Rows) == 0 }

// Peak is the largest number of refusals and deferrals in one step of one row: the scale that
// all rows share, so that they can be compared by eye.
func (t Timeline) Peak() int {
	peak := 0
	for _, r := range t.Rows {
		for i := range r.Refused {
			peak = max(peak, r.Refused[i]+r.Deferred[i])
		}
	}
	return peak
}

// At is when step i begins.
func (t Timeline) At(i int) time.Time { return t.From.Add(time.Duration(i) * t.Step) }

// End is when the last step ends.
func (t Timeline) End() time.Time { return t.At(t.Steps) }
