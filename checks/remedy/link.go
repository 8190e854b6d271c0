package remedy

import (
	"net/url"
	"strings"
)

// maxURLBytes is the longest link shown. No look-up page needs more, and a
// longer one hides where it leads.
const maxURLBytes = 500

// link gives back raw if it is a link that may be shown to a person: https, a
// host, no user name in front of it, printable ASCII without the characters
// that end a link in HTML, Markdown or chat; else "".
func link(raw string) string {
	if len(raw) > maxURLBytes {
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

// escape writes a value into a link, in its path or its query.
func escape(value string, query bool) string {
	if query {
		return url.QueryEscape(value)
	}
	return url.PathEscape(value)
}
