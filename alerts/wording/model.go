package wording

import (
	"time"

	"reputed/checks"
)

// Message is what one alert says.
type Message struct {
	Title  string  // the state and the severity in words, and the incident's title; one line
	Brief  string  // the same with the cost and the command, for one line on a phone
	Blocks []Block // what is said, each to be set apart from the next
}

// Block is a part of a message: paragraphs, boxes and lists that belong together.
type Block []Part

// Part is one paragraph, one box of literal lines or one list; the other two are empty.
type Part struct {
	Spans []Span // a paragraph

	Lines []Fact // a box

	Ordered bool // a list, numbered or not
	Items   [][]Span
}

// SpanKind is how a piece of a paragraph is to be read.
type SpanKind string

const (
	Words SpanKind = "words" // our own, with their blanks
	Label SpanKind = "label" // our own, in bold where there is bold, which carries no meaning
	Quote SpanKind = "quote" // may come from outside
	Code  SpanKind = "code"  // can be pasted; may hold what came from outside
	Link  SpanKind = "link"  // an address that [checks.Link] lets pass, to be shown as it is
	Date  SpanKind = "date"  // At, in the reader's zone where the channel can, else Text, which is UTC
	Break SpanKind = "break" // a new line
)

// Span is a piece of a paragraph.
type Span struct {
	Kind SpanKind
	Text string    // one clean line, uncut; empty for Break
	Max  int       // how many runes to show at most, as they are sent; 0: all
	At   time.Time // of a Date
}

// Fact is one line of a box: a name of fixed width, such as "asked   ", and what may come from outside.
type Fact struct {
	Name string
	Text string // one clean line, uncut
	Max  int
}

// Show is the text of a span as far as it is to be shown, without any encoding.
func (s Span) Show() string { return clip(s.Text, s.Max) }

// Show is the line as far as it is to be shown, without any encoding.
func (f Fact) Show() string { return f.Name + clip(f.Text, f.Max) }

// clip cuts by runes, the last of them being the mark of the cut. Blanks stay: words of
// our own bring those that part them from their neighbours.
func clip(s string, max int) string {
	if runes := []rune(s); max > 0 && len(runes) > max {
		return string(runes[:max-1]) + "…"
	}
	return s
}

// rich collects one block.
type rich struct {
	parts Block
	line  []Span
}

// say adds words of our own, with their blanks.
func (r *rich) say(words string) *rich { return r.add(Span{Kind: Words, Text: words}) }

// label adds words of our own that stand before what they name.
func (r *rich) label(words string) *rich { return r.add(Span{Kind: Label, Text: words}) }

// quote adds text that may come from outside, on one line, at most max runes.
func (r *rich) quote(s string, max int) *rich {
	return r.add(Span{Kind: Quote, Text: checks.Line(s, 0), Max: max})
}

// code adds what can be pasted.
func (r *rich) code(s string, max int) *rich {
	return r.add(Span{Kind: Code, Text: checks.Line(s, 0), Max: max})
}

// link adds a link that shows its own address, if it is one that may be shown.
func (r *rich) link(raw string) *rich { return r.add(Span{Kind: Link, Text: checks.Link(raw)}) }

// date adds a time.
func (r *rich) date(at time.Time) *rich { return r.add(Span{Kind: Date, Text: stamp(at), At: at}) }

// add skips what is empty: some channels refuse a whole message for one empty text.
func (r *rich) add(s Span) *rich {
	if s.Text != "" {
		r.line = append(r.line, s)
	}
	return r
}

// stamp is a time for people who have no other zone: "2026-11-25 09:40 UTC".
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// nl ends a line inside a paragraph.
func (r *rich) nl() *rich {
	if len(r.line) > 0 {
		r.line = append(r.line, Span{Kind: Break})
	}
	return r
}

// end closes the paragraph.
func (r *rich) end() *rich {
	if len(r.line) > 0 {
		r.parts = append(r.parts, Part{Spans: r.line})
		r.line = nil
	}
	return r
}

// literal adds lines as they are, in a box of their own.
func (r *rich) literal(lines []Fact) *rich {
	r.end()
	if len(lines) > 0 {
		r.parts = append(r.parts, Part{Lines: lines})
	}
	return r
}

// list adds a list, numbered or not. Items without content are left out.
func (r *rich) list(ordered bool, items []*rich) *rich {
	r.end()
	var all [][]Span
	for _, item := range items {
		if len(item.line) > 0 {
			all = append(all, item.line)
		}
	}
	if len(all) > 0 {
		r.parts = append(r.parts, Part{Ordered: ordered, Items: all})
	}
	return r
}

func (m *Message) add(r *rich) {
	if r.end(); len(r.parts) > 0 {
		m.Blocks = append(m.Blocks, r.parts)
	}
}
