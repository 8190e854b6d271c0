package report

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"reputed/checks"
)

// maxText is how much of one text from outside is shown on a terminal. All of it is in the JSON.
const maxText = 400

// clean makes one line of text from outside.
func clean(s string) string { return checks.Line(s, maxText) }

// page collects text for one terminal and is written at once.
type page struct {
	Term
	b      strings.Builder
	groups *[]FactGroup // takes facts besides, for a renderer outside; nil: nobody wants them
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// line writes one line as it is. What it holds is clean and coloured already.
func (p *page) line(parts ...string) {
	p.b.WriteString(strings.TrimRight(strings.Join(parts, ""), " "))
	p.b.WriteByte('\n')
}

func (p *page) blank() { p.b.WriteByte('\n') }

// heading writes a title with an empty line above it.
func (p *page) heading(title string) {
	p.blank()
	p.line(p.paint(strong, title))
}

// para writes clean text under a label, wrapped at words; later lines stand
// under the first one's text. A word longer than that stays whole, because a link
// that is broken in two cannot be opened: it moves to the left as far as it must.
func (p *page) para(indent int, label string, labelStyle style, s string, textStyle style) {
	hang := indent + text.StringWidthWithoutEscSequences(label)
	first := strings.Repeat(" ", indent) + p.paint(labelStyle, label)
	for i, l := range wrap(s, p.room(hang)) {
		if over := hang + text.StringWidthWithoutEscSequences(l) - p.Width; p.Width > 0 && over > 0 {
			if name := strings.TrimSpace(label); i == 0 && name != "" {
				p.line(strings.Repeat(" ", indent), p.paint(labelStyle, name))
			}
			first = strings.Repeat(" ", max(hang-over, 0))
		}
		p.line(first, p.paint(textStyle, l))
		first = strings.Repeat(" ", hang)
	}
}

// command writes a command to be pasted: whole, on one line, further to the left if it must be. What a terminal
// breaks by itself is copied as one line, and what we would break would be run as two.
func (p *page) command(indent int, s string) {
	s = clean(s)
	if w := 2 + text.StringWidthWithoutEscSequences(s); p.Width > 0 && indent+w > p.Width {
		indent = max(p.Width-w, 0)
	}
	p.line(strings.Repeat(" ", indent), p.paint(faint, "$ "), s)
}

// room is how many columns are left after used ones; 0 is no limit.
func (p *page) room(used int) int {
	if p.Width == 0 {
		return 0
	}
	return max(p.Width-used, 20)
}

// Paragraph is a sentence for this terminal: cleaned, wrapped at its width, with a
// line break at the end.
func (t Term) Paragraph(s string) string {
	return strings.Join(wrap(checks.Line(s, 0), t.Width), "\n") + "\n"
}

// wrap breaks s at spaces into lines of at most width columns; 0 is no limit. It
// gives at least one line.
func wrap(s string, width int) []string {
	if width <= 0 || text.StringWidthWithoutEscSequences(s) <= width {
		return []string{s}
	}
	var lines []string
	current, used := "", 0
	for word := range strings.FieldsSeq(s) {
		n := text.StringWidthWithoutEscSequences(word)
		if current != "" && used+1+n > width {
			lines = append(lines, current)
			current, used = "", 0
		}
		if current != "" { // a word may have no width: a combining mark alone
			current += " "
			used++
		}
		current += word
		used += n
	}
	return append(lines, current)
}

// column is one column of a grid.
type column struct {
	title string
	flex  bool // may be cut to make the table fit; at least minFlex columns of it are kept
	right bool
}

const minFlex = 12

// cell is one clean text with its meaning.
type cell struct {
	text  string
	style style
}

// tooNarrow says whether a grid of these rows would have to cut something.
func (p *page) tooNarrow(columns []column, rows [][]cell) bool {
	total := 0
	for i, c := range columns {
		width := len(c.title)
		for _, row := range rows {
			width = max(width, text.StringWidthWithoutEscSequences(row[i].text))
		}
		total += width
		if i > 0 {
			total += 2
		}
	}
	return p.Width > 0 && total > p.Width
}

// grid writes a table that fits the page: the flexible columns give way, the
// widest first, and what is cut ends in "…". Without a limit of width nothing is cut.
func (p *page) grid(indent int, columns []column, rows [][]cell) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = len(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(row[i].text))
		}
	}
	p.fit(widths, columns, indent)

	w := table.NewWriter()
	style := table.StyleDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format = table.FormatOptions{}
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	var configs []table.ColumnConfig
	header := table.Row{}
	for i, c := range columns {
		header = append(header, p.paint(faint, c.title))
		align := text.AlignLeft
		if c.right {
			align = text.AlignRight
		}
		configs = append(configs, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align, WidthMin: widths[i]})
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(header)
	for _, row := range rows {
		out := table.Row{}
		for i, c := range row {
			out = append(out, p.paint(c.style, cut(c.text, widths[i])))
		}
		w.AppendRow(out)
	}
	lead := strings.Repeat(" ", indent)
	for l := range strings.SplitSeq(w.Render(), "\n") {
		p.line(lead, l)
	}
}

// fit takes columns away from the widest flexible ones until the table fits.
func (p *page) fit(widths []int, columns []column, indent int) {
	if p.Width == 0 {
		return
	}
	total := indent + 2*(len(widths)-1)
	for _, w := range widths {
		total += w
	}
	for ; total > p.Width; total-- {
		widest := -1
		for i, c := range columns {
			if c.flex && widths[i] > minFlex && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// cut shortens clean text to width columns, the last of them "…".
func cut(s string, width int) string {
	if text.StringWidthWithoutEscSequences(s) <= width {
		return s
	}
	return strings.TrimRight(text.Trim(s, width-1), " ") + "…"
}
