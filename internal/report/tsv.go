package report

import (
	"bufio"
	"io"
	"strings"

	"reputed/checks"
)

// tsv writes rows as they come. Nothing is kept.
type tsv struct {
	w    *bufio.Writer
	live bool // a person watches: each row is shown at once
}

func newTSV(w io.Writer, live bool, header string) *tsv {
	t := &tsv{w: bufio.NewWriterSize(w, 64<<10), live: live}
	t.row(strings.Fields(header)...)
	return t
}

// row writes one line. A write error shows up in close.
func (t *tsv) row(cells ...string) {
	for i, c := range cells {
		if i > 0 {
			_ = t.w.WriteByte('\t')
		}
		_, _ = t.w.WriteString(tsvCell(c))
	}
	_ = t.w.WriteByte('\n')
	if t.live {
		_ = t.w.Flush()
	}
}

func (t *tsv) close() error { return t.w.Flush() }

// tsvCell is one value on one line without tabs. A spreadsheet takes text
// that begins with =, +, - or @ for a formula, and bounces are written by
// strangers: such a value gets an apostrophe in front, which a spreadsheet does not show.
func tsvCell(s string) string {
	if !tidy(s) { // nearly all cells are, and there are millions of them
		s = checks.Line(s, 0)
	}
	if len(s) > 1 && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// tidy says whether s is printable ASCII with single spaces inside: checks.Line
// would give it back as it is.
func tidy(s string) bool {
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f {
			continue
		} else if c != ' ' || i == 0 || i == len(s)-1 || s[i-1] == ' ' {
			return false
		}
	}
	return true
}
