package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress is one line on a terminal that is drawn over and over: how far, how
// fast, how many lists answer, how many listings so far. On anything that is not a terminal it writes nothing.
//
// It is driven by its caller and has no clock or goroutine of its own. It is not safe for concurrent use.
type Progress struct {
	w       io.Writer
	t       Term
	started time.Time
	drawn   time.Time
	shown   bool
}

// Step is what a progress line shows.
type Step struct {
	Done, Total    int // questions
	Lists, Answers int // lists asked, and how many of them answer
	Listed         int // listings so far
}

// every is how often the line is drawn: often enough to look alive, seldom
// enough to cost nothing over a slow line.
const every = 100 * time.Millisecond

// NewProgress starts a line on w, the standard error stream.
func NewProgress(w io.Writer, t Term, now time.Time) *Progress {
	return &Progress{w: w, t: t, started: now}
}

// Step draws the line if it is time to.
func (p *Progress) Step(s Step, now time.Time) {
	if !p.t.TTY || now.Sub(p.drawn) < every {
		return
	}
	p.drawn, p.shown = now, true
	fmt.Fprint(p.w, "\r", progressLine(s, now.Sub(p.started), p.t.Width), "\x1b[K")
}

// Done takes the line away, so that what is printed next stands by itself.
func (p *Progress) Done() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// progressLine is the line for a width; parts that do not fit are left out from the right.
func progressLine(s Step, took time.Duration, width int) string {
	share := 0.0
	if s.Total > 0 {
		share = min(float64(s.Done)/float64(s.Total), 1)
	}
	const bar = 12
	full := int(share * bar)
	line := fmt.Sprintf("[%s%s] %3.0f%%", strings.Repeat("#", full), strings.Repeat("-", bar-full), share*100)
	parts := []string{fmt.Sprintf("%s/%s", number(s.Done), number(s.Total))}
	if s.Lists > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d lists", s.Answers, s.Lists))
	}
	parts = append(parts, number(s.Listed)+" listed")
	if sec := took.Seconds(); sec >= 0.5 {
		rate := float64(s.Done) / sec
		parts = append(parts, number(int(rate))+"/s")
		if left := float64(s.Total - s.Done); rate > 0 && left > 0 && share > 0.02 {
			parts = append(parts, span(time.Duration(left/rate*float64(time.Second)))+" left")
		}
	}
	for _, part := range parts {
		if width > 0 && len(line)+2+len(part) > width-1 { // the last column makes some terminals wrap
			break
		}
		line += "  " + part
	}
	return line
}
