package report

import (
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"
)

// Term is what is known about where text goes. The zero Term is a pipe: no
// limit of width, no colour, times in UTC.
type Term struct {
	Width    int  // columns; 0: no limit, nothing is cut or wrapped
	Height   int  // lines; 0: not known
	Color    bool // ANSI colours may be used; a word always says the same
	TTY      bool // a person is looking right now, where lines can be drawn anew
	Location *time.Location
}

// minWidth is the least that a layout is made for; a narrower terminal wraps by itself.
const minWidth = 40

// Detect looks at a stream and the environment. COLUMNS sets the width, of a
// pipe too; NO_COLOR (if not empty) turns colours off, and TERM=dumb also whatever draws a line anew. A pipe has no colours and no
// limit of width unless COLUMNS sets one, so that what a script reads does not depend on a window.
func Detect(w io.Writer, getenv func(string) string) Term {
	t := Term{Location: time.Local}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.TTY = getenv("TERM") != "dumb" // as in the shell of an editor, which shows every control
		t.Width = 80
		if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			t.Width, t.Height = width, height
		}
		t.Color = getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && getenv("TERM") != ""
	}
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		t.Width = n
	}
	if t.Width > 0 {
		t.Width = max(t.Width, minWidth)
	}
	return t
}

// style is a meaning, which has a colour.
type style string

// Select Graphic Rendition parameters (ECMA-48 section 8.3.117), of the 16 colours that every
// terminal theme keeps legible.
const (
	plain   style = ""
	strong  style = "1"
	faint   style = "2"
	bad     style = "1;31"
	warn    style = "33"
	good    style = "32"
	unknown style = "35"
	info    style = "36"
)

// paint colours text that is clean already. It colours nothing that does not say the same in words.
func (t Term) paint(s style, text string) string {
	if !t.Color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (t Term) local(at time.Time) time.Time {
	if t.Location == nil {
		return at.UTC()
	}
	return at.In(t.Location)
}
