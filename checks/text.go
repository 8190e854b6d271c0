package checks

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes one line of plain text out of text from outside (a TXT record, a
// bounce, a banner) or out of anything that may hold such text: control
// characters, line breaks, terminal escapes, direction overrides and other
// invisible format characters are replaced by a space or dropped, runs of
// white space become one space, invalid UTF-8 becomes U+FFFD, and the result is cut to max runes
// (the last of them "…"; max <= 0 means no limit).
//
// Every sink (terminal, chat, page, log) calls it and then applies the encoding
// of its own markup on top. It is idempotent.
func Line(s string, max int) string {
	var b strings.Builder
	space, n := false, 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			space = true
			continue
		case invisible(r):
			continue
		}
		if space && n > 0 {
			b.WriteByte(' ')
			n++
		}
		space = false
		b.WriteRune(r)
		n++
	}
	out := b.String()
	if max > 0 && n > max {
		out = strings.TrimRight(string([]rune(out)[:max-1]), " ") + "…"
	}
	return out
}

// invisible says whether r changes how its neighbours look without showing
// itself: bidi controls (U+202E and kin), zero-width and tag characters, line
// and paragraph separators, private use and variation selectors, and letters that are drawn as nothing (U+3164).
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}
