package web

import (
	"strconv"
	"time"

	"reputed/internal/report"
)

// rateHeight is how high the drawing of a rating is, in pixels, and rateEdge what is left free above and below.
const (
	rateHeight = 56
	rateEdge   = 5
)

// rates are ratings as small drawings on one axis of time.
type rates struct {
	Cards    []rateCard
	From     string // the beginning of the axis
	Left     int
	Cut      bool
	Height   int
	Distance string // how much time is shown
}

// rateCard is one rating with its drawing, scale, and the readings behind it.
type rateCard struct {
	report.Rating
	Sign     Sign
	Says     string // value, age, and what it was before
	Scale    string // in words
	Top, Low string // ends of the scale
	Steps    []rateStep
	Limits   []string // heights of the limits
	Last     *rateDot
	Label    string // of the whole drawing
}

// rateStep is a line with what it means. Hit is what a pointer finds.
type rateStep struct {
	X1, X2, Wide string
	Y            string
	Down         string // where the line to the next step ends; empty: nothing is known in between
	Title        string
}

type rateDot struct{ X, Y string }

// together is how far apart two runs of readings are still joined by a line.
const together = 4 * 24 * time.Hour

// rates lays ratings out. Every number in a drawing is also in its table.
func (s *Server) rates(m report.Multiples) rates {
	out := rates{From: s.tick(m.From, m.Shown), Left: m.Left, Cut: m.Cut, Height: rateHeight, Distance: report.Span(m.Shown)}
	for _, x := range m.Rows {
		c := rateCard{Rating: x, Sign: ratingSign(x), Says: s.term.RatingLine(x, m.Now), Scale: x.Scale.Says()}
		c.Top, c.Low = "good", "bad"
		if x.Scale.Numbers {
			c.Top, c.Low = short(x.Scale.Best), short(x.Scale.Worst)
		}
		for _, l := range x.Scale.Limits {
			c.Limits = append(c.Limits, rateY(x.Scale.Share(report.RatingPoint{Number: l.Number})))
		}
		at := func(t time.Time) float64 {
			return min(max(float64(t.Sub(m.From))/float64(m.Shown), 0), 1)
		}
		for i, p := range x.Course {
			if p.To.Before(m.From) {
				continue
			}
			from, to := at(p.From), at(p.To)
			step := rateStep{Y: rateY(x.Scale.Share(p)), Title: s.term.Stamp(p.From) + ": " + p.Value}
			if !p.To.Equal(p.From) {
				step.Title = s.term.Stamp(p.From) + " to " + s.term.Stamp(p.To) + ": " + p.Value
			}
			if i+1 < len(x.Course) && x.Course[i+1].From.Sub(p.To) <= together {
				to = at(x.Course[i+1].From)
				step.Down = rateY(x.Scale.Share(x.Course[i+1]))
			}
			to = max(to, from+0.004) // what was read once is seen too
			step.X1, step.X2, step.Wide = percent(from), percent(min(to, 1)), percent(to-from)
			c.Steps = append(c.Steps, step)
			c.Last = &rateDot{percent(min(at(p.To), 0.994)), step.Y}
		}
		c.Label = x.Name + " of " + x.Target + ": " + c.Says + ". " + c.Scale
		out.Cards = append(out.Cards, c)
	}
	return out
}

// rateY is where a share of the way from the worst to the best is.
func rateY(share float64) string {
	return strconv.FormatFloat(rateEdge+(1-share)*(rateHeight-2*rateEdge), 'f', 1, 64)
}

// ratingSign is a rating as a shape and a word.
func ratingSign(x report.Rating) Sign {
	switch {
	case x.Level == "bad":
		return Sign{"▲", "bad", "critical"}
	case x.Level == "poor" || x.Problem:
		return Sign{"●", "poor", "minor"}
	case x.Level == "good":
		return Sign{"✓", "good", "ok"}
	case x.Level == "neutral":
		return Sign{"○", "neutral", "info"}
	}
	return Sign{"·", "no data", "none"}
}

func short(n float64) string { return strconv.FormatFloat(n, 'g', 4, 64) }
