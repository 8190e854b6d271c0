package identity

import (
	"errors"
	"fmt"
	"strings"

	"reputed/checks"
)

// tag is one "name=value" of a record.
type tag struct{ name, value string }

// errTags says that a text is no list of tags. Trying again does not help until somebody mends it.
var errTags = errors.New("not a list of tags")

// parseTags reads "v=DKIM1; k=rsa; p=..." (RFC 6376 section 3.2, and RFC 7489, 8460 and 8461
// after it): names are compared as they stand, white space around names and values does not
// count, an empty part may stand at the end only, and no name may stand there twice.
func parseTags(text string) ([]tag, error) {
	var tags []tag
	seen := map[string]bool{}
	parts := strings.Split(text, ";")
	for i, part := range parts {
		part = strings.Trim(part, " \t\r\n")
		if part == "" {
			if i == len(parts)-1 && i > 0 {
				break
			}
			return nil, fmt.Errorf("%w: there is nothing between two semicolons", errTags)
		}
		name, value, ok := strings.Cut(part, "=")
		name, value = strings.Trim(name, " \t\r\n"), strings.Trim(value, " \t\r\n")
		switch {
		case !ok:
			return nil, fmt.Errorf("%w: %q has no equals sign", errTags, checks.Line(part, 60))
		case !tagName(name):
			return nil, fmt.Errorf("%w: %q is no name of a tag", errTags, checks.Line(name, 60))
		case seen[name]:
			return nil, fmt.Errorf("%w: %s stands there twice", errTags, name)
		}
		for _, c := range []byte(value) {
			if c != '\t' && c != '\r' && c != '\n' && c < ' ' || c == 0x7f {
				return nil, fmt.Errorf("%w: %s holds control characters", errTags, name)
			}
		}
		seen[name] = true
		tags = append(tags, tag{name, value})
	}
	return tags, nil
}

// tagName is a letter, and then letters, digits and underscores (RFC 6376 section 3.2).
func tagName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '_')) {
			return false
		}
	}
	return s != ""
}

// begins says whether a record is of a version: "v=DMARC1", with white space as RFC 7489 section 6.4
// allows it, and nothing or a semicolon behind it.
func begins(version string) func(string) bool {
	return func(text string) bool {
		first, _, _ := strings.Cut(text, ";")
		name, value, ok := strings.Cut(first, "=")
		return ok && strings.Trim(name, " \t") == "v" && strings.Trim(value, " \t") == version
	}
}
