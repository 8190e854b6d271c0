package mirror

import (
	"strings"
)

// variables puts $0 to $9 in; the rest of a template waits for what is asked about.
func (p *parser) variables(s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '$' || i+1 == len(s):
			b.WriteByte(s[i])
		case s[i+1] >= '0' && s[i+1] <= '9':
			b.WriteString(p.scope.vars[s[i+1]-'0'])
			i++
		case s[i+1] == '$':
			b.WriteString("$$")
			i++
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

// expand puts what is asked about in the place of a dollar sign; two of them are one.
func expand(s, subject string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	const one = "\x00"
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "$$", one), "$", subject), one, "$")
}
