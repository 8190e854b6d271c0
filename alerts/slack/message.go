package slack

import (
	"cmp"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/alerts/wording"
)

const maxFallbackRunes = 400 // phones show far less

// message is one alert as it is sent.
type message struct {
	text   string // fallback for phones and screen readers: markup, already defused
	blocks blocks
}

// build puts what an alert says into Slack's blocks. It is a pure function.
func build(n alerts.Notification) message {
	says := wording.Of(n)
	var m message
	m.blocks.header(cmp.Or(encode(says.Title, maxHeaderRunes), "Notice"))
	for _, b := range says.Blocks {
		m.blocks.add(b)
	}
	m.text = plain(says.Brief, maxFallbackRunes)
	return m
}

// blocks is a set of blocks within Slack's limits.
type blocks []slack.Block

func (b *blocks) header(escaped string) {
	*b = append(*b, slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, escaped, false, false)))
}

// add appends one rich_text block. In it text is literal: Slack reads no markup, no
// mention and no emoji code out of it.
func (b *blocks) add(parts wording.Block) {
	var elements []slack.RichTextElement
	for _, p := range parts {
		switch {
		case len(p.Lines) > 0:
			elements = append(elements, box(p.Lines))
		case len(p.Items) > 0:
			elements = append(elements, list(p.Ordered, p.Items))
		default:
			elements = append(elements, slack.NewRichTextSection(section(p.Spans)...))
		}
	}
	if len(elements) > 0 && len(*b) < maxBlocks {
		*b = append(*b, slack.NewRichTextBlock("", elements...))
	}
}

func box(lines []wording.Fact) slack.RichTextElement {
	var all []string
	for _, l := range lines {
		all = append(all, l.Name+escape(l.Text, l.Max))
	}
	return &slack.RichTextPreformatted{
		Type:     slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(strings.Join(all, "\n"), nil)},
	}
}

func list(ordered bool, items [][]wording.Span) slack.RichTextElement {
	style := slack.RTEListBullet
	if ordered {
		style = slack.RTEListOrdered
	}
	var sections []slack.RichTextElement
	for _, item := range items {
		sections = append(sections, slack.NewRichTextSection(section(item)...))
	}
	return slack.NewRichTextList(style, 0, sections...)
}

func section(spans []wording.Span) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	text := func(s wording.Span, style *slack.RichTextSectionTextStyle) {
		out = append(out, slack.NewRichTextSectionTextElement(escape(s.Text, cmp.Or(s.Max, maxTextRunes)), style))
	}
	for _, s := range spans {
		switch s.Kind {
		case wording.Label:
			text(s, &slack.RichTextSectionTextStyle{Bold: true})
		case wording.Code:
			text(s, &slack.RichTextSectionTextStyle{Code: true})
		case wording.Link:
			out = append(out, slack.NewRichTextSectionLinkElement(s.Text, "", nil))
		case wording.Date:
			out = append(out, date(s.At, s.Text))
		case wording.Break:
			out = append(out, slack.NewRichTextSectionTextElement("\n", nil))
		default:
			text(s, nil)
		}
	}
	return out
}

// date is a time that Slack shows in the reader's zone; who cannot have that reads UTC.
func date(at time.Time, fallback string) slack.RichTextSectionElement {
	if at.Unix() <= 0 {
		return slack.NewRichTextSectionTextElement(fallback, nil)
	}
	return slack.NewRichTextSectionDateElement(at.Unix(), "{date_short} {time}", nil, &fallback)
}
