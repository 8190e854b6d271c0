package remedy

import (
	"fmt"
	"net/url"
	"strings"
)

// template is a text with placeholders: "{address}", or "{address|domain}" for
// the first of several that is known. It is expanded once: braces inside a value
// are text.
type template []part

// part is literal text, or the names of a placeholder in order of preference.
type part struct {
	text  string
	names []string
}

// context is where an expanded template ends up, which decides what a value
// may hold and how it is written.
type context int

const (
	inText    context = iota // a sentence for people
	inURL                    // a link
	inCommand                // a line for a shell
)

// parse reads a template and refuses every name that [placeholders] does not
// know. In text and links a brace that belongs to no placeholder is a mistake; in
// a command it is the shell's or awk's.
func parse(s string, in context) (template, error) {
	var t template
	literal := func(text string) {
		if n := len(t); n > 0 && t[n-1].names == nil {
			t[n-1].text += text
		} else if text != "" {
			t = append(t, part{text: text})
		}
	}
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			literal(s)
			break
		}
		literal(s[:i])
		s = s[i:]
		end := strings.IndexByte(s, '}')
		if s[0] == '{' && end > 0 && isName(s[1:end]) {
			names := strings.Split(s[1:end], "|")
			for _, name := range names {
				kind, known := placeholders[name]
				switch {
				case !known:
					return nil, fmt.Errorf("unknown placeholder {%s}", name)
				case kind == linkValue && in != inURL:
					return nil, fmt.Errorf("placeholder {%s} is a link and belongs in url", name)
				case kind == linkValue && (len(t) > 0 || s[end+1:] != ""):
					return nil, fmt.Errorf("placeholder {%s} must be the whole url", name)
				}
			}
			t = append(t, part{names: names})
			s = s[end+1:]
			continue
		}
		if in != inCommand {
			return nil, fmt.Errorf("a brace outside of a placeholder: %.20q", s)
		}
		literal(s[:1])
		s = s[1:]
	}
	return t, nil
}

// expand fills in the values. It reports false if one is missing, or is such
// that it must not stand where the template ends up.
func (t template) expand(values map[string]string, in context) (string, bool) {
	var b strings.Builder
	query := false // past the "?" of a link
	for _, p := range t {
		if p.names == nil {
			b.WriteString(p.text)
			query = query || strings.Contains(p.text, "?")
			continue
		}
		value, name := "", ""
		for _, name = range p.names {
			if value = values[name]; value != "" {
				break
			}
		}
		switch {
		case value == "":
			return "", false
		case in == inCommand && !plainWord(value):
			return "", false
		case in == inURL && placeholders[name] != linkValue && query:
			value = url.QueryEscape(value)
		case in == inURL && placeholders[name] != linkValue:
			value = url.PathEscape(value)
		}
		b.WriteString(value)
	}
	return b.String(), b.Len() > 0
}

// isName says whether s can be what stands between the braces of a placeholder.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if c != '_' && c != '|' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

// plainWord says whether a shell takes s as one plain word and no program takes
// it for an option: an address, a host name, an id.
func plainWord(s string) bool {
	for i, c := range []byte(s) {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 && c != ':' || !strings.ContainsRune(".:_-", rune(c))) {
			return false
		}
	}
	return s != ""
}
