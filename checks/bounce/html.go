package bounce

import (
	"strings"

	"golang.org/x/net/html"
)

// plainText makes lines of text out of HTML. Scripts and styles are dropped;
// links are not followed and their targets not kept.
func plainText(source string) string {
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxPartText)
	var b strings.Builder
	skip := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if skip == "" && b.Len() < maxPartText {
				b.WriteString(strings.ReplaceAll(string(z.Text()), "\n", " "))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch tag := string(name); tag {
			case "script", "style", "title":
				skip = tag
			case "br", "p", "div", "tr", "li", "table", "h1", "h2", "h3", "h4", "pre", "ul", "dt", "dd", "td", "blockquote":
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			switch tag := string(name); {
			case tag == skip:
				skip = ""
			case tag == "p" || tag == "div" || tag == "tr" || tag == "table" || tag == "h1" || tag == "h2" || tag == "h3" || tag == "li":
				b.WriteByte('\n')
			}
		}
	}
}
