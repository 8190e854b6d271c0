package web

import (
	"fmt"
	"strconv"
	"time"

	"reputed/internal/report"
)

// barHeight is how high the bars of a row may be, in pixels.
const barHeight = 40

// chart is a timeline as drawings without a size of their own: what lies along the axis is in
// percent of whatever room there is, so that nothing is distorted on a telephone or a wall.
type chart struct {
	Height int
	Wide   string // of a bar
	Rows   []chartRow
	Marks  []chartMark
	Ticks  []chartTick
	Peak   int
	Step   string // "2 h"
	Table  []chartTableRow
	Events []report.Mark
}

type chartRow struct {
	Name                         string
	Bars                         []chartBar
	Refused, Deferred, Delivered int
	Taken                        bool // delivered were counted
	Flow                         bool // it is about deliveries alone, on a scale of its own
	Label                        string
}

// chartBar is what happened in one step.
type chartBar struct {
	X     string
	Parts []chartPart
	Title string
}

// chartPart is one rectangle of a bar.
type chartPart struct {
	Class     string // refused, deferred, delivered
	Y, Height int
}

type chartMark struct {
	X     string
	Kind  report.MarkKind
	Glyph string
	Title string
}

type chartTick struct {
	X    string
	Text string
}

type chartTableRow struct {
	At    time.Time
	Cells []string
}

var markGlyphs = map[report.MarkKind]string{report.MarkListed: "▼", report.MarkRemoved: "△", report.MarkPerson: "☻", report.MarkState: "◆"}

// chart lays a timeline out. Every number in it is also in its table.
func (s *Server) chart(t report.Timeline) chart {
	c := chart{Height: barHeight + 2, Wide: percent(0.86 / float64(t.Steps)), Peak: t.Peak(), Step: report.Span(t.Step), Events: t.Marks}
	for _, r := range t.Rows {
		row := chartRow{Name: r.Name, Taken: r.Delivered != nil}
		row.Refused, row.Deferred, row.Delivered = r.Sums()
		row.Flow = row.Taken && row.Refused+row.Deferred == 0
		most := 0
		for _, n := range r.Delivered {
			most = max(most, n)
		}
		for i := range t.Steps {
			b := chartBar{X: percent(float64(i) / float64(t.Steps))}
			said := report.Number(r.Refused[i]) + " refused, " + report.Number(r.Deferred[i]) + " deferred"
			if row.Flow {
				b.stack("delivered", r.Delivered[i], most)
				said = report.Number(r.Delivered[i]) + " delivered"
			} else {
				b.stack("refused", r.Refused[i], c.Peak)
				b.stack("deferred", r.Deferred[i], c.Peak)
			}
			b.Title = s.spanOf(t.At(i), t.Step) + ": " + said
			if len(b.Parts) > 0 {
				row.Bars = append(row.Bars, b)
			}
		}
		row.Label = row.Name + ": " + row.Says()
		c.Rows = append(c.Rows, row)
	}
	whole := t.End().Sub(t.From)
	for _, m := range t.Marks {
		c.Marks = append(c.Marks, chartMark{percent(float64(m.At.Sub(t.From)) / float64(whole)), m.Kind, markGlyphs[m.Kind], s.term.Stamp(m.At) + ": " + m.Text})
	}
	for i := range 4 {
		c.Ticks = append(c.Ticks, chartTick{percent(float64(i) / 4), s.tick(t.From.Add(time.Duration(i)*whole/4), whole)})
	}
	for i := range t.Steps {
		row := chartTableRow{At: t.At(i)}
		some := false
		for n, r := range t.Rows {
			cell := fmt.Sprintf("%s / %s", report.Number(r.Refused[i]), report.Number(r.Deferred[i]))
			if c.Rows[n].Flow {
				cell = report.Number(r.Delivered[i])
				some = some || r.Delivered[i] > 0
			}
			some = some || r.Refused[i]+r.Deferred[i] > 0
			row.Cells = append(row.Cells, cell)
		}
		if some {
			c.Table = append(c.Table, row)
		}
	}
	return c
}

// stack puts n of at most so many on top of the bar. What happened is never too small to be seen.
func (b *chartBar) stack(class string, n, most int) {
	if n == 0 {
		return
	}
	below := 0
	for _, p := range b.Parts {
		below += p.Height
	}
	height := min(max(n*barHeight/most, 2), max(barHeight+2-below, 1))
	b.Parts = append(b.Parts, chartPart{class, barHeight + 2 - below - height, height})
}

// percent is a share as SVG has it.
func percent(share float64) string { return strconv.FormatFloat(share*100, 'f', 2, 64) + "%" }

// Says is the row in words.
func (r chartRow) Says() string {
	if r.Flow {
		return report.Number(r.Delivered) + " delivered"
	}
	return report.Number(r.Refused) + " refused, " + report.Number(r.Deferred) + " deferred"
}

// spanOf is "24 Nov 08:00 to 10:00".
func (s *Server) spanOf(at time.Time, step time.Duration) string {
	from, to := at.In(s.o.Location), at.Add(step).In(s.o.Location)
	if step >= 24*time.Hour {
		return from.Format("2 Jan 2006") + " to " + to.Format("2 Jan 2006")
	}
	return from.Format("Mon 2 Jan 15:04") + " to " + to.Format("15:04")
}

func (s *Server) tick(at time.Time, whole time.Duration) string {
	at = at.In(s.o.Location)
	switch {
	case whole <= 48*time.Hour:
		return at.Format("Mon 15:04")
	case whole <= 60*24*time.Hour:
		return at.Format("Mon 2 Jan")
	}
	return at.Format("Jan 2006")
}
