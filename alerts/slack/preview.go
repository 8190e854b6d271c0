package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"reputed/alerts"
)

// minWidth is the narrowest terminal drawn for; defaultWidth stands for 0.
const (
	minWidth     = 40
	defaultWidth = 80
)

// Preview is the alert as it would look in Slack, for a terminal: plain lines of at most
// width columns (0 means 80; links and words longer than a line stay whole),
// ending in a line break. It is drawn by decoding the very blocks that
// [Notifier.Notify] sends, so that it cannot say anything else.
func Preview(n alerts.Notification, width int) string {
	raw, err := json.Marshal(slack.Blocks{BlockSet: build(n).blocks})
	if err != nil {
		return fmt.Sprintf("the alert cannot be shown: %v\n", err)
	}
	text, err := draw(raw, width)
	if err != nil {
		return fmt.Sprintf("the alert cannot be shown: %v\n", err)
	}
	return text
}

// Draw is the same for a message that arrived somewhere: payload is the JSON body
// that was posted to a webhook. A message without blocks is drawn by its text. An error
// means that the payload is not a message of this package.
func Draw(payload []byte, width int) (string, error) {
	var m struct {
		Text   string          `json:"text"`
		Blocks json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		return "", fmt.Errorf("read a webhook's payload: %w", err)
	}
	if len(m.Blocks) == 0 || string(m.Blocks) == "null" {
		s := newSheet(width)
		s.wrap("", "", unescape(m.Text))
		return s.String(), nil
	}
	return draw(m.Blocks, width)
}

// draw turns the JSON of blocks into plain lines.
func draw(raw []byte, width int) (string, error) {
	var set slack.Blocks
	if err := json.Unmarshal(raw, &set); err != nil {
		return "", fmt.Errorf("read blocks: %w", err)
	}
	s := newSheet(width)
	for i, block := range set.BlockSet {
		if i > 0 {
			s.lines = append(s.lines, "")
		}
		switch b := block.(type) {
		case *slack.HeaderBlock:
			if b.Text != nil {
				s.wrap("", "", unescape(b.Text.Text))
			}
		case *slack.RichTextBlock:
			for j, e := range b.Elements {
				if j > 0 && e.RichTextElementType() == slack.RTEPreformatted && b.Elements[j-1].RichTextElementType() == slack.RTEPreformatted {
					s.lines = append(s.lines, "") // one box, then another
				}
				if err := s.element(e); err != nil {
					return "", err
				}
			}
		default:
			return "", fmt.Errorf("block %d is a %s, which nothing here sends", i, block.BlockType())
		}
	}
	return s.String(), nil
}

// gutter runs down the left side, as the bar does that Slack draws beside what it quotes.
const gutter = "┃ "

// sheet collects lines.
type sheet struct {
	width int
	lines []string
}

func newSheet(width int) *sheet {
	if width <= 0 {
		width = defaultWidth
	}
	return &sheet{width: max(width, minWidth) - utf8.RuneCountInString(gutter)}
}

func (s *sheet) String() string {
	var out strings.Builder
	for _, line := range s.lines {
		out.WriteString(strings.TrimRight(gutter+line, " ") + "\n")
	}
	return out.String()
}

func (s *sheet) element(e slack.RichTextElement) error {
	switch e := e.(type) {
	case *slack.RichTextSection:
		text, err := inline(e.Elements)
		s.wrap("", "", text)
		return err
	case *slack.RichTextPreformatted:
		text, err := inline(e.Elements)
		for line := range strings.SplitSeq(text, "\n") {
			// What follows the name of a line hangs under where it begins.
			s.wrap("  │ ", "  │         ", line)
		}
		return err
	case *slack.RichTextList:
		for i, item := range e.Elements {
			section, ok := item.(*slack.RichTextSection)
			if !ok {
				return fmt.Errorf("list item is a %s, which nothing here sends", item.RichTextElementType())
			}
			text, err := inline(section.Elements)
			if err != nil {
				return err
			}
			first := "• "
			if e.Style == slack.RTEListOrdered {
				first = fmt.Sprintf("%d. ", i+1)
			}
			s.wrap(first, strings.Repeat(" ", utf8.RuneCountInString(first)), text)
		}
		return nil
	}
	return fmt.Errorf("element is a %s, which nothing here sends", e.RichTextElementType())
}

// inline is the text of a section: dates in UTC, links by their address, code between backticks.
func inline(elements []slack.RichTextSectionElement) (string, error) {
	var b strings.Builder
	for _, e := range elements {
		switch e := e.(type) {
		case *slack.RichTextSectionTextElement:
			if e.Style != nil && e.Style.Code {
				b.WriteString("`" + unescape(e.Text) + "`")
			} else {
				b.WriteString(unescape(e.Text))
			}
		case *slack.RichTextSectionLinkElement:
			b.WriteString(printable(e.URL))
		case *slack.RichTextSectionDateElement:
			if e.Fallback != nil {
				b.WriteString(unescape(*e.Fallback))
			}
		default:
			return b.String(), fmt.Errorf("text holds a %s, which nothing here sends", e.RichTextSectionElementType())
		}
	}
	return b.String(), nil
}

// wrap breaks text between words, with first before the first line and rest
// before every other. Several blanks in a row are kept: they align.
func (s *sheet) wrap(first, rest, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		width := s.width - utf8.RuneCountInString(first)
		for utf8.RuneCountInString(line) > width {
			runes := []rune(line)
			at := lastBlank(runes[:width+1])
			if at <= 0 {
				if at = firstBlank(runes); at <= 0 {
					break // one long word
				}
			}
			s.lines = append(s.lines, first+string(runes[:at]))
			line = strings.TrimLeft(string(runes[at:]), " ")
			first = rest
			width = s.width - utf8.RuneCountInString(first)
		}
		s.lines = append(s.lines, first+line)
		first = rest
	}
}

func lastBlank(runes []rune) int {
	for i := len(runes) - 1; i >= 0; i-- {
		if runes[i] == ' ' {
			return i
		}
	}
	return -1
}

func firstBlank(runes []rune) int {
	for i, r := range runes {
		if r == ' ' {
			return i
		}
	}
	return -1
}
