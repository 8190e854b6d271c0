package mattermost

import (
	"fmt"
	"regexp"
	"strings"

	"reputed/alerts/wording"
	"reputed/checks"
)

// What these chats make of a text is Markdown, and besides it Slack's markup, which
// both translate wherever it stands, in code too: "<!channel>" wakes a company, and
// "<https://...|text>" hides where a link leads. Neither has an escape that both honour. So
// what could format, mention or link is put into a look-alike; the literal text is behind the command.

var lookAlike = strings.NewReplacer(
	"*", "∗", "_", "ˍ", "~", "∼", "`", "ˋ", "<", "‹", ">", "›", "[", "［", "]", "］", "#", "＃", "|", "∣", `\`, "＼", "&", "＆", "$", "＄",
)

var (
	// mention reaches people where no letter or digit stands before it: kim@example.net is an address.
	mention = regexp.MustCompile(`(^|[^0-9A-Za-z])@`)
	// emoji is what may be drawn as a picture: ":fire:".
	emoji = regexp.MustCompile(`:([a-zA-Z][a-zA-Z0-9_+'-]*):`)
	// markup is how Slack's begins.
	markup = regexp.MustCompile(`<([!@#\w])`)
)

// plain makes text out of a clean line.
func plain(s string) string {
	return lookAlike.Replace(every(emoji, every(mention, s, "$1＠"), "∶$1∶"))
}

// code makes text for between backquotes out of a clean line: it can be pasted, but for what
// would be markup even there.
func code(s string) string {
	s = every(mention, strings.ReplaceAll(s, "`", "ˋ"), "$1＠")
	return markup.ReplaceAllString(s, "‹$1")
}

// every replaces until nothing is left to: what is replaced may have hidden its neighbour.
func every(what *regexp.Regexp, s, by string) string {
	for what.MatchString(s) {
		s = what.ReplaceAllString(s, by)
	}
	return s
}

// address is a link that nothing takes for formatting.
func address(link string) string {
	return strings.NewReplacer("*", "%2A", "@", "%40", "[", "%5B", "]", "%5D", "~", "%7E", "_", "%5F", "(", "%28", ")", "%29", "$", "%24", "!", "%21").Replace(checks.Link(link))
}

// render is one block as Markdown.
func render(b wording.Block) string {
	var out strings.Builder
	for _, p := range b {
		switch {
		case len(p.Lines) > 0:
			out.WriteString("```\n")
			for _, l := range p.Lines {
				out.WriteString(code(l.Show()) + "\n")
			}
			out.WriteString("```\n")
		case len(p.Items) > 0:
			for i, item := range p.Items {
				first := "- "
				if p.Ordered {
					first = fmt.Sprintf("%d. ", i+1)
				}
				out.WriteString(first + strings.ReplaceAll(inline(item), "\n", "\n   ") + "\n")
			}
		default:
			out.WriteString(inline(p.Spans) + "\n")
		}
	}
	return out.String()
}

func inline(spans []wording.Span) string {
	var b strings.Builder
	for _, s := range spans {
		switch s.Kind {
		case wording.Label:
			text := strings.TrimRight(s.Text, " ") // no bold ends with a blank
			b.WriteString("**" + plain(text) + "**" + s.Text[len(text):])
		case wording.Code:
			b.WriteString("`" + code(s.Show()) + "`")
		case wording.Link:
			b.WriteString(address(s.Text))
		case wording.Break:
			b.WriteByte('\n')
		default:
			b.WriteString(plain(s.Show()))
		}
	}
	return b.String()
}
