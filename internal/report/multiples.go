package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"reputed/checks"
)

const (
	// mostRated is how many ratings a status shows as text, mostDrawn how many are drawn side by side, and
	// mostOfSource how many of these are of one source and no problem.
	mostRated    = 8
	mostDrawn    = 24
	mostOfSource = 2
)

// ratings are those who rate senders, as far as a person has to know: what is told as a problem, and what
// people have recorded. All others are in `reputed reputation`.
func (r Report) ratings(p *page) {
	if len(r.Ratings) == 0 {
		return
	}
	p.heading("Ratings")
	for n, x := range r.Ratings {
		if n == mostRated {
			p.line("  and ", plural(len(r.Ratings)-n, "more rating", "more ratings"), ": reputed reputation")
			break
		}
		p.para(2, fmt.Sprintf("%-9s", checks.Line(x.Level, 8)), levelStyle(x.Level, x.Problem), clean(x.Name)+" of "+clean(x.Target)+": "+p.RatingLine(x, r.Now), plain)
	}
}

// RatingLine is a rating in the words of this terminal's clock, with what it was before.
func (t Term) RatingLine(x Rating, now time.Time) string {
	s := t.rated(x, now, t.clockAt(now))
	if len(x.Before) > 0 {
		s += ", before that " + clean(x.Before[0].Value)
	}
	return s
}

// worse orders ratings: problems first, then by level, by number, and by name.
func (x Rating) worse(y Rating) int {
	rank := func(r Rating) int {
		if i := slices.Index(levels[:], r.Level); i >= 0 {
			return i
		}
		return len(levels)
	}
	number := 0
	if x.Source == y.Source && x.Scale.Numbers && len(x.Course) > 0 && len(y.Course) > 0 {
		number = cmp.Compare(x.Course[len(x.Course)-1].Number, y.Course[len(y.Course)-1].Number)
		if x.Scale.Best < x.Scale.Worst {
			number = -number
		}
	}
	return cmp.Or(-cmp.Compare(bit(x.Problem), bit(y.Problem)), cmp.Compare(rank(x), rank(y)), number, cmp.Compare(x.Source, y.Source), cmp.Compare(x.ID, y.ID))
}

// levels are those of ratings, the worst first.
var levels = [...]string{"bad", "poor", "neutral", "good"}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// SortRatings puts the worst first.
func SortRatings(all []Rating) { slices.SortStableFunc(all, Rating.worse) }

// Multiples are ratings that are drawn side by side on one axis of time.
type Multiples struct {
	Rows  []Rating
	Left  int // that are not drawn
	Cut   bool
	From  time.Time
	Now   time.Time
	Shown time.Duration // how much time is shown
}

// Multiples picks what is drawn of ratings: every problem and what people recorded first, then of each source
// the worst. Of what nothing is known nothing is drawn.
func (r Ratings) Multiples() Multiples {
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(x Rating) bool { return len(x.Course) == 0 })
	SortRatings(rows)
	m := Multiples{Now: r.Now, Cut: r.Cut}
	of := map[string]int{}
	first := r.Now
	for _, x := range rows {
		told := x.Problem || x.How == "recorded"
		if len(m.Rows) == mostDrawn || !told && of[x.Source] >= mostOfSource {
			m.Left++
			continue
		}
		of[x.Source]++
		m.Rows = append(m.Rows, x)
		if from := x.Course[0].From; from.Before(first) {
			first = from
		}
	}
	m.Shown = drawn[len(drawn)-1]
	for _, d := range drawn {
		if !first.Before(r.Now.Add(-d)) {
			m.Shown = d
			break
		}
	}
	m.From = r.Now.Add(-m.Shown)
	return m
}

// drawn are the times that are shown, the shortest that holds all.
var drawn = [...]time.Duration{7 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour}

// RatingsKept is how far back the course of a rating is shown.
const RatingsKept = 90 * 24 * time.Hour

// Share is how far up the scale a reading is: 0 is the worst, 1 the best.
func (s Scale) Share(p RatingPoint) float64 {
	if !s.Numbers {
		i := max(slices.Index(levels[:], p.Level), 0)
		return float64(i) / float64(len(levels)-1)
	}
	if s.Best == s.Worst {
		return 0
	}
	return min(max((p.Number-s.Worst)/(s.Best-s.Worst), 0), 1)
}

// Says is the scale in words, for whoever does not see the drawing: "from 0 to 100, higher is better; told below 70".
func (s Scale) Says() string {
	if !s.Numbers {
		return "levels from bad to good"
	}
	side, better := " above ", "lower is better"
	if s.Best > s.Worst {
		side, better = " below ", "higher is better"
	}
	text := better
	for _, l := range s.Limits {
		text += "; " + checks.Line(l.Says, 40) + side + strconv.FormatFloat(l.Number, 'f', -1, 64)
	}
	return text
}
