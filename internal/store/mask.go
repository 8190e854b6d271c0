package store

import (
	"strings"

	"reputed/checks"
	"reputed/checks/bounce"
)

// mask makes one line of text from outside in which no full address stands:
// every recipient of the mail is masked wherever it is, also in the
// kim=example.net form of return paths (VERP), and so is whatever else looks
// like an address.
func mask(text string, max int, recipients []string) string {
	return checks.Line(bounce.MaskText(hide(text, recipients)), max)
}

// hide cleans a text and masks the recipients in it, and nothing else: a
// Message-ID looks like an address and is none.
func hide(text string, recipients []string) string {
	text = checks.Line(text, 0)
	for _, r := range recipients {
		local, domain, ok := cutAddress(r)
		if !ok {
			continue
		}
		for _, between := range []string{"@", "=", "%40", "#"} {
			text = replaceFold(text, local+between+domain, "…"+between+domain)
		}
	}
	return text
}

// maskID is a Message-ID, in which a sender may have put a recipient.
func maskID(id string, recipients []string) string { return checks.Line(hide(id, recipients), 500) }

// cutAddress splits an address at its last @.
func cutAddress(address string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "", "", false
	}
	return address[:at], address[at+1:], true
}

// replaceFold replaces old in s wherever it stands, in upper or lower case of
// ASCII: the case of other letters is not known to a receiver either.
func replaceFold(s, old, with string) string {
	folded, old := foldASCII(s), foldASCII(old)
	var b strings.Builder
	for {
		at := strings.Index(folded, old)
		if at < 0 {
			return b.String() + s
		}
		b.WriteString(s[:at] + with)
		s, folded = s[at+len(old):], folded[at+len(old):]
	}
}

// foldASCII lowers letters byte by byte, so that places stay where they are.
func foldASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
