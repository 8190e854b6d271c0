package wording

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text is the message as plain lines of at most width columns (0: a paragraph a line; links
// and words longer than a line stay whole), without the title, ending in a line break.
func (m Message) Text(width int) string {
	s := sheet{width: width}
	for i, block := range m.Blocks {
		if i > 0 {
			s.blank()
		}
		for j, p := range block {
			switch {
			case len(p.Lines) > 0:
				if j > 0 && len(block[j-1].Lines) > 0 {
					s.blank() // one box, then another
				}
				for _, l := range p.Lines {
					s.wrap("    "+l.Name, strings.Repeat(" ", 4+utf8.RuneCountInString(l.Name)), clip(l.Text, l.Max))
				}
			case len(p.Items) > 0:
				for n, item := range p.Items {
					first := "- "
					if p.Ordered {
						first = strconv.Itoa(n+1) + ". "
					}
					s.wrap(first, strings.Repeat(" ", len(first)), inline(item))
				}
			default:
				s.wrap("", "", inline(p.Spans))
			}
		}
	}
	return s.String()
}

// inline is the text of a paragraph; what can be pasted stands on lines or between quotes of its own.
func inline(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		if s.Kind == Break {
			b.WriteByte('\n')
			continue
		}
		b.WriteString(s.Show())
	}
	return b.String()
}

// sheet collects lines.
type sheet struct {
	width int
	b     strings.Builder
}

func (s *sheet) String() string { return s.b.String() }

func (s *sheet) blank() { s.b.WriteByte('\n') }

func (s *sheet) line(text string) { s.b.WriteString(strings.TrimRight(text, " ") + "\n") }

// wrap breaks text between words, with first before the first line and rest before every other.
func (s *sheet) wrap(first, rest, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		lead, now := first, 0
		var b strings.Builder
		b.WriteString(lead)
		now = utf8.RuneCountInString(lead)
		begun := false
		for word := range strings.SplitSeq(line, " ") {
			n := utf8.RuneCountInString(word)
			if begun && s.width > 0 && now+1+n > s.width {
				s.line(b.String())
				b.Reset()
				b.WriteString(rest)
				now, begun = utf8.RuneCountInString(rest), false
			}
			if begun {
				b.WriteByte(' ')
				now++
			}
			b.WriteString(word)
			now, begun = now+n, true
		}
		s.line(b.String())
		first = rest
	}
}

// Within is the message as plain lines, a paragraph a line, of at most max runes: what is
// longer loses whole lines at the end, and says so.
func (m Message) Within(max int) string {
	const mark = "(cut here)\n"
	text := m.Text(0)
	runes := []rune(text)
	if len(runes) <= max {
		return text
	}
	short := string(runes[:max-len(mark)])
	return short[:strings.LastIndexByte(short, '\n')+1] + mark
}

// Fit drops blocks from a message whose channel takes only so much: size is what a block takes
// there, max what all may. The first block, which says what and since when, and the last, which
// says where there is more, go before those between them. Cut says whether any was dropped.
func (m Message) Fit(max int, size func(Block) int) (blocks []Block, cut bool) {
	left := max
	keep := make([]bool, len(m.Blocks))
	order := make([]int, 0, len(m.Blocks))
	if n := len(m.Blocks); n > 1 {
		order = append(order, n-1)
	}
	for i := range m.Blocks {
		if len(order) == 0 || i != order[0] {
			order = append(order, i)
		}
	}
	for _, i := range order {
		if n := size(m.Blocks[i]); n <= left {
			keep[i] = true
			left -= n
		}
	}
	for i, b := range m.Blocks {
		if keep[i] {
			blocks = append(blocks, b)
		}
	}
	return blocks, len(blocks) < len(m.Blocks)
}
