package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress is one line on a terminal that is drawn over and over: how far, how
// fast, how many lists answer, how many listings so far. Above it stand the listings of a
// long run, as they come. On anything that is not a terminal it writes nothing.
//
// It is driven by its caller and has no clock or goroutine of its own. It is not safe for concurrent use.
type Progress struct {
	w       io.Writer
	t       Term
	started time.Time
	drawn   time.Time
	shown   bool
	held    []string // lines about listings, to be written above the next drawing
	found   int      // listings, including those that get no line
	told    bool     // such lines were written
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

// patience is for how long nobody needs to see listings before the report, which is
// sorted and says what to do.
const patience = 2 * time.Second

// mostLive is how many listings are shown as they come. More scroll away unread, and
// a network that a list holds as a whole has 65,536 of them.
const mostLive = 40

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
	var above string
	if now.Sub(p.started) >= patience && len(p.held) > 0 {
		above = "\r\x1b[K" + strings.Join(p.held, "\n") + "\n"
		p.held, p.told = nil, true
	}
	fmt.Fprint(p.w, above, "\r", progressLine(s, now.Sub(p.started), p.t.Width), "\x1b[K")
}

// Listed takes a listing. If the run takes long, one of the next steps shows it above the line.
func (p *Progress) Listed(r Result) {
	if !p.t.TTY {
		return
	}
	switch p.found++; {
	case p.found <= mostLive:
		p.held = append(p.held, p.t.listedLine(r))
	case p.found == mostLive+1:
		p.held = append(p.held, p.t.paint(faint, "there are more; all are told at the end"))
	}
}

// Done takes the line away, so that what is printed next stands by itself.
func (p *Progress) Done() {
	if !p.shown {
		return
	}
	if p.told { // an empty line between the listings and the report
		fmt.Fprint(p.w, "\r\x1b[K\n")
	}
	fmt.Fprint(p.w, "\r\x1b[K")
	p.shown, p.told = false, false
}

// listedLine is a listing on one line: "listed  192.0.2.10  spamcop  127.0.0.2  major".
func (t Term) listedLine(r Result) string {
	const head = "listed"
	severity, style := severityWord(r.Severity)
	rest := "  " + strings.Join([]string{clean(r.Target.ID()), clean(r.List), codes(r), severity}, "  ")
	if t.Width > 0 {
		rest = cut(rest, t.Width-1-len(head)) // the last column makes some terminals wrap
	}
	return t.paint(style, head) + rest
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

// Reading is the line of a command that reads many files: how much, how fast.
type Reading struct {
	w       io.Writer
	t       Term
	started time.Time
	drawn   time.Time
	shown   bool
}

// NewReading starts a line on w, the standard error stream.
func NewReading(w io.Writer, t Term, now time.Time) *Reading {
	return &Reading{w: w, t: t, started: now}
}

// Step draws the line if it is time to, and nothing in the first moment: most commands are over by then.
func (r *Reading) Step(mails int, bytes int64, now time.Time) {
	took := now.Sub(r.started)
	if !r.t.TTY || now.Sub(r.drawn) < every || took < time.Second/2 {
		return
	}
	r.drawn, r.shown = now, true
	line := fmt.Sprintf("%s mails  %s MB  %s/s", number(mails), number(int(bytes>>20)), number(int(float64(mails)/took.Seconds())))
	if r.t.Width > 0 {
		line = cut(line, r.t.Width-1)
	}
	fmt.Fprint(r.w, "\r", line, "\x1b[K")
}

// Done takes the line away.
func (r *Reading) Done() {
	if r.shown {
		fmt.Fprint(r.w, "\r\x1b[K")
		r.shown = false
	}
}
