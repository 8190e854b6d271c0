package slack

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"reputed/checks"
)

// Limits of Slack's blocks, in characters
// (docs.slack.dev/reference/block-kit/blocks, read 2026-11-22).
const (
	maxBlocks      = 50
	maxHeaderRunes = 150
	maxTextRunes   = 3000
)

// encode makes one line of text out of anything, for a place where Slack does not
// interpret markup: cleaned, & < > escaped, at most max runes as escaped. It is cut
// by runes and never inside an escape.
func encode(s string, max int) string { return escape(checks.Line(s, 0), max) }

// escape writes & < > as Slack wants them, which decodes these three and no other
// entity, and cuts the result to max runes.
func escape(s string, max int) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		out := string(r)
		switch r {
		case '&':
			out = "&amp;"
		case '<':
			out = "&lt;"
		case '>':
			out = "&gt;"
		}
		n += utf8.RuneCountInString(out)
		// The last rune may use the last place; any other must leave one for the mark of the cut.
		if last := i+utf8.RuneLen(r) >= len(s); n > max || n == max && !last {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		b.WriteString(out)
	}
	return b.String()
}

// unescape is what a reader of Slack sees, made safe for a terminal.
func unescape(s string) string {
	return printable(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s))
}

// printable drops every character that [checks.Line] would, but keeps line breaks
// and blanks as they are.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != ' ' && checks.Line(string(r), 0) == "" {
			return -1
		}
		return r
	}, s)
}

// emojiCode is what Slack may draw as a picture: ":fire:".
var emojiCode = regexp.MustCompile(`:([a-zA-Z0-9_+'-]+):`)

// everybody is what reaches people in chats that look for it in plain text.
var everybody = regexp.MustCompile(`(?i)@(here|channel|everyone|all)\b`)

// plain makes one line for the fallback text, which Slack and its kin read as
// markup: what could format, mention or draw is put into a look-alike. It is for the
// eye only; the blocks hold the literal text.
func plain(s string, max int) string {
	words := strings.Split(checks.Line(s, 0), " ")
	for i, w := range words {
		if _, err := netip.ParseAddr(strings.Trim(w, ".,;()[]")); err == nil {
			continue // 2001:db8:0:25:: is an address and not a row of pictures
		}
		for emojiCode.MatchString(w) {
			w = emojiCode.ReplaceAllString(w, "∶$1∶")
		}
		words[i] = everybody.ReplaceAllString(w, "＠$1")
	}
	s = strings.NewReplacer("*", "∗", "_", "ˍ", "~", "∼", "`", "ˋ").Replace(strings.Join(words, " "))
	return escape(s, max)
}
