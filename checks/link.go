package checks

import (
	"net/url"
	"strings"
)

// maxLinkBytes is the longest link shown to a person. No look-up page needs
// more, and a longer one hides where it leads.
const maxLinkBytes = 500

// Link gives back raw if it is a link that may be shown to a person, whoever
// wrote it: https, a host, no user name before it ("https://list.example@evil.example/"),
// printable ASCII without the characters that end a link in HTML, Markdown or
// chat, at most 500 bytes; else "". Like [Line] it is for every sink; it says
// nothing about where the link leads.
func Link(raw string) string {
	if len(raw) > maxLinkBytes {
		return ""
	}
	for _, c := range []byte(raw) {
		if c <= ' ' || c > '~' || strings.IndexByte("<>\"'\\^`{|}", c) >= 0 {
			return ""
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return raw
}
