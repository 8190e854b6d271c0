package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// what is drawn: problems and what was recorded first, then the worst of each source, and nothing of what is not known.
func TestWhatIsDrawnOfRatings(t *testing.T) {
	scale := Scale{Numbers: true, Best: 100}
	rated := func(source, target, level string, number float64, change func(*Rating)) Rating {
		r := Rating{ID: target, Target: target, Source: source, Level: level, How: "measured", Scale: scale, Course: []RatingPoint{{From: ago2(20 * 24 * time.Hour), To: ago2(time.Hour), Number: number, Level: level}}}
		if change != nil {
			change(&r)
		}
		return r
	}
	all := Ratings{Now: now, Rows: []Rating{
		rated("score", "a", "good", 90, nil), rated("score", "b", "good", 80, nil), rated("score", "c", "good", 99, nil),
		rated("score", "d", "poor", 60, func(r *Rating) { r.Problem = true }),
		rated("talos", "a", "good", 0, func(r *Rating) { r.How = "recorded" }),
		rated("none", "a", "none", 0, func(r *Rating) { r.Course = nil }),
	}}
	m := all.Multiples()
	var got []string
	for _, r := range m.Rows {
		got = append(got, r.Source+" "+r.Target)
	}
	if want := "score d, score b, talos a"; strings.Join(got, ", ") != want {
		t.Errorf("drawn: %s; want %s", strings.Join(got, ", "), want)
	}
	if m.Left != 2 || m.Shown != 30*24*time.Hour || !m.From.Equal(ago2(m.Shown)) {
		t.Errorf("left %d, shown %s from %s", m.Left, m.Shown, m.From)
	}
	if m := (Ratings{Now: now}).Multiples(); len(m.Rows) != 0 {
		t.Error("something is drawn of nothing")
	}
}

func TestAScaleHasTheWorstBelow(t *testing.T) {
	higher, lower, levels := Scale{Numbers: true, Best: 100, Limits: []Limit{{70, "told"}}}, Scale{Numbers: true, Worst: 0.5, Limits: []Limit{{0.1, "poor"}, {0.3, "bad"}}}, Scale{}
	for name, c := range map[string]struct {
		s    Scale
		p    RatingPoint
		want float64
	}{
		"the best of a score": {higher, RatingPoint{Number: 100}, 1}, "the worst": {higher, RatingPoint{}, 0}, "beyond it": {higher, RatingPoint{Number: -3}, 0},
		"no spam is best": {lower, RatingPoint{}, 1}, "much is worst": {lower, RatingPoint{Number: 0.5}, 0}, "a good level": {levels, RatingPoint{Level: "good"}, 1},
		"a bad one": {levels, RatingPoint{Level: "bad"}, 0}, "one that nobody knows": {levels, RatingPoint{Level: "x"}, 0},
	} {
		if got := c.s.Share(c.p); got != c.want {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
	for s, want := range map[string]string{higher.Says(): "higher is better; told below 70", lower.Says(): "lower is better; poor above 0.1; bad above 0.3", levels.Says(): "levels from bad to good"} {
		if s != want {
			t.Errorf("%q, want %q", s, want)
		}
	}
}

func TestManyRatingsAreCounted(t *testing.T) {
	in := well()
	for i := range 20 {
		in.Ratings = append(in.Ratings, Rating{Target: fmt.Sprint("192.0.2.", i), Name: "Score", Value: "1", Level: "bad", Problem: true})
	}
	var b bytes.Buffer
	if err := Build(in, now).Write(&b, Term{Width: 80, Location: zone}, Text); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); strings.Count(out, "Score of") != mostRated || !strings.Contains(out, "and 12 more ratings: reputed reputation") {
		t.Error(out)
	}
}
