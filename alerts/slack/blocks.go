package slack

import (
	"strings"
	"time"

	"github.com/slack-go/slack"

	"reputed/checks"
)

// rich collects one rich_text block. In it text is literal: Slack reads no markup, no
// mention and no emoji code out of it.
type rich struct {
	parts []slack.RichTextElement
	line  []slack.RichTextSectionElement
}

// say adds words of our own, with their blanks.
func (r *rich) say(words string) *rich { return r.add(escape(words, maxTextRunes), nil) }

// label adds words of our own in bold, which carry no meaning by being bold.
func (r *rich) label(words string) *rich {
	return r.add(escape(words, maxTextRunes), &slack.RichTextSectionTextStyle{Bold: true})
}

// quote adds text that may come from outside, on one line, at most max runes.
func (r *rich) quote(s string, max int) *rich { return r.add(encode(s, max), nil) }

// code adds what can be pasted.
func (r *rich) code(s string, max int) *rich {
	return r.add(encode(s, max), &slack.RichTextSectionTextStyle{Code: true})
}

// add skips what is empty: Slack refuses a whole message for one empty text.
func (r *rich) add(escaped string, style *slack.RichTextSectionTextStyle) *rich {
	if escaped != "" {
		r.line = append(r.line, slack.NewRichTextSectionTextElement(escaped, style))
	}
	return r
}

// link adds a link that shows its own address, if it is one that may be shown.
func (r *rich) link(raw string) *rich {
	if raw = checks.Link(raw); raw != "" {
		r.line = append(r.line, slack.NewRichTextSectionLinkElement(raw, "", nil))
	}
	return r
}

// date adds a time that Slack shows in the reader's zone; who cannot have that reads UTC.
func (r *rich) date(at time.Time) *rich {
	fallback := stamp(at)
	if at.Unix() <= 0 {
		return r.say(fallback)
	}
	r.line = append(r.line, slack.NewRichTextSectionDateElement(at.Unix(), "{date_short} {time}", nil, &fallback))
	return r
}

// stamp is a time for people who have no other zone: "2026-11-25 09:40 UTC".
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// nl ends a line inside a section.
func (r *rich) nl() *rich {
	if len(r.line) > 0 {
		r.line = append(r.line, slack.NewRichTextSectionTextElement("\n", nil))
	}
	return r
}

// end closes the section.
func (r *rich) end() *rich {
	if len(r.line) > 0 {
		r.parts = append(r.parts, slack.NewRichTextSection(r.line...))
		r.line = nil
	}
	return r
}

// literal adds lines as they are, in a box of their own. Each must be encoded.
func (r *rich) literal(lines []string) *rich {
	r.end()
	if text := strings.Join(lines, "\n"); text != "" {
		r.parts = append(r.parts, &slack.RichTextPreformatted{
			Type:     slack.RTEPreformatted,
			Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(text, nil)},
		})
	}
	return r
}

// list adds a list, numbered or not. Items without content are left out.
func (r *rich) list(style slack.RichTextListElementType, items []*rich) *rich {
	r.end()
	var sections []slack.RichTextElement
	for _, item := range items {
		if len(item.line) > 0 {
			sections = append(sections, slack.NewRichTextSection(item.line...))
		}
	}
	if len(sections) > 0 {
		r.parts = append(r.parts, slack.NewRichTextList(style, 0, sections...))
	}
	return r
}

// blocks is a set of blocks within Slack's limits.
type blocks []slack.Block

func (b *blocks) header(escaped string) {
	*b = append(*b, slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, escaped, false, false)))
}

func (b *blocks) add(r *rich) {
	if r.end(); len(r.parts) > 0 && len(*b) < maxBlocks {
		*b = append(*b, slack.NewRichTextBlock("", r.parts...))
	}
}
