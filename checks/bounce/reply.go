package bounce

import (
	"strings"

	"reputed/checks"
)

// replyCode returns the SMTP reply code that text begins with (RFC 5321
// section 4.2), or "": three digits of class 4 or 5, and then no letter or digit.
func replyCode(text string) string {
	if len(text) < 3 || text[0] != '4' && text[0] != '5' || !digit(text[1]) || !digit(text[2]) || text[1] > '9' {
		return ""
	}
	if len(text) > 3 {
		switch c := text[3]; {
		case digit(c), c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '@', c == '/', c == '%', c == '_':
			return ""
		case c == '.' && len(text) > 4 && (digit(text[4]) || lower(text[4]) >= 'a' && lower(text[4]) <= 'z'):
			return ""
		}
	}
	return text[:3]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// wordByte says whether c belongs to a word, a name or a number.
func wordByte(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// enhancedAt returns the enhanced status code (RFC 3463 section 2) that text
// begins with, or "".
func enhancedAt(text string) string {
	if len(text) < 5 || text[0] != '2' && text[0] != '4' && text[0] != '5' || text[1] != '.' {
		return ""
	}
	i := 2
	for part := 0; part < 2; part++ {
		start := i
		for i < len(text) && digit(text[i]) {
			i++
		}
		if i == start || i-start > 3 {
			return ""
		}
		if part == 0 {
			if i >= len(text) || text[i] != '.' {
				return ""
			}
			i++
		}
	}
	if i < len(text) && (wordByte(text[i]) || text[i] == '.' && i+1 < len(text) && digit(text[i+1]) || text[i] == '/') {
		return "" // the beginning of an address, or of a version
	}
	return text[:i]
}

// enhancedIn returns the first enhanced status code in text, or "".
func enhancedIn(text string) string {
	for i := 0; i+4 < len(text); i++ {
		if text[i+1] != '.' || i > 0 && (wordByte(text[i-1]) || text[i-1] == '.' || text[i-1] == '/') {
			continue
		}
		if s := enhancedAt(text[i:]); s != "" {
			return s
		}
	}
	return ""
}

// replyIn returns where the first reply code stands in text that looks like
// the beginning of a reply, or -1. Three digits in a sentence are no reply:
// what follows must be a dash, an enhanced code or words, and what stands
// before must end something.
func replyIn(text string) int {
	for i := 0; i+3 <= len(text); i++ {
		if text[i] != '4' && text[i] != '5' || i > 0 && !replyMayFollow(text, i) {
			continue
		}
		code := replyCode(text[i:])
		if code == "" || text[i+1] > '7' {
			continue
		}
		rest := text[i+3:]
		if rest == "" {
			if i == 0 {
				return i
			}
			continue
		}
		switch {
		case rest[0] == '-', rest[0] == '\n' && i == 0:
			return i
		case rest[0] == ' ' || rest[0] == ':' || rest[0] == '#' || rest[0] == '\n' || rest[0] == ',' || rest[0] == '<':
			word := strings.TrimLeft(rest, " :#-\n,")
			if word == "" && i > 0 {
				continue
			}
			// "delayed 425 minutes", "after 450 seconds", "Room 500, Main Street" are none.
			if low := strings.ToLower(word[:min(len(word), 8)]); strings.HasPrefix(low, "second") || strings.HasPrefix(low, "minute") || strings.HasPrefix(low, "hour") ||
				strings.HasPrefix(low, "bytes") || strings.HasPrefix(low, "day") || strings.HasPrefix(low, "kb") || strings.HasPrefix(low, "mb") {
				continue
			}
			return i
		}
	}
	return -1
}

// replyMayFollow says whether a reply can begin at i, after what stands before.
func replyMayFollow(text string, i int) bool {
	switch text[i-1] {
	case '\n', '"', '\'', '(', '[', '<', '#', ';':
		return true
	case ' ', '\t', ':':
		j := i - 1
		for j >= 0 && (text[j] == ' ' || text[j] == '\t') {
			j--
		}
		if j < 0 {
			return true
		}
		// In the middle of a sentence only a code with its enhanced code is a reply.
		if text[j] == ':' || text[j] == '\n' || text[j] == ';' || text[j] == '>' || text[j] == '"' || text[j] == '.' || text[j] == ']' || text[j] == ')' || text[j] == '(' || text[j] == '-' {
			return true
		}
		if text[j] == ',' && j > 0 && (text[j-1] == ']' || text[j-1] == ')') {
			return true // "mx1.example.net [198.51.100.7], 550 ..."
		}
		rest := text[i+3:]
		return len(rest) > 1 && (enhancedAt(strings.TrimLeft(rest, " -#")) != "" || rest[0] == '-' && (rest[1] == '\'' || rest[1] == '"'))
	}
	return false
}

// tidy makes one line of a reply: the code that a multi-line reply repeats
// before every line (RFC 5321 section 4.2.1) is dropped after the first, whether lines were
// kept, joined by blanks (Postfix) or written as "\n" (Exim's log).
func tidy(text string) string {
	text = strings.TrimSpace(text)
	if strings.Contains(text, `\n`) {
		text = strings.ReplaceAll(text, `\n`, "\n")
	}
	if strings.Contains(text, `\`) {
		text = undoOctal(text)
	}
	code := replyCode(text)
	if code == "" || !strings.Contains(text[3:], code) {
		return clean(text, maxDiagnosis)
	}
	rest := text[3:]
	status := enhancedAt(strings.TrimLeft(rest, " -#"))
	var b strings.Builder
	b.Grow(len(text))
	b.WriteString(code)
	if rest != "" && rest[0] == '-' {
		b.WriteByte(' ')
		rest = rest[1:]
	}
	for {
		i := strings.Index(rest, code)
		if i < 0 {
			break
		}
		after := rest[i+len(code):]
		repeats := i > 0 && (rest[i-1] == ' ' || rest[i-1] == '\n' || rest[i-1] == '\t') && after != "" &&
			(after[0] == '-' || after[0] == ' ' && (rest[i-1] == '\n' || status != "" && strings.HasPrefix(after[1:], status) || status == "" && i > 1))
		if !repeats {
			b.WriteString(rest[:i+len(code)])
			rest = after
			continue
		}
		b.WriteString(rest[:i])
		rest = strings.TrimPrefix(after[1:], status)
	}
	b.WriteString(rest)
	return clean(b.String(), maxDiagnosis)
}

// undoOctal turns Exim's escapes of bytes outside ASCII ("\303\251") into those bytes.
func undoOctal(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] >= '2' && s[i+1] <= '3' && s[i+2] >= '0' && s[i+2] <= '7' && s[i+3] >= '0' && s[i+3] <= '7' {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// indexFold is strings.Index without regard to ASCII case; sub is lower case, and a
// blank in it may be a line's end.
func indexFold(s, sub string) int {
	if sub == "" || len(s) < len(sub) {
		return -1
	}
	first := sub[0]
	for i := 0; i+len(sub) <= len(s); i++ {
		if fold[s[i]] == first && foldEqual(s[i:i+len(sub)], sub) {
			return i
		}
	}
	return -1
}

// lastIndexFold is strings.LastIndex in the same way.
func lastIndexFold(s, sub string) int {
	for i := len(s) - len(sub); i >= 0; i-- {
		if fold[s[i]] == sub[0] && foldEqual(s[i:i+len(sub)], sub) {
			return i
		}
	}
	return -1
}

// foldEqual says whether s, which is as long as sub, is sub but for case and line ends.
func foldEqual(s, sub string) bool {
	for i := range len(sub) {
		if fold[s[i]] != sub[i] {
			return false
		}
	}
	return true
}

// clean is [checks.Line] for text that mostly needs no cleaning: such text is
// returned as it is, still a part of the mail; see [keeper].
func clean(s string, max int) string {
	if len(s) > max || s != "" && (s[0] == ' ' || s[len(s)-1] == ' ') {
		return checks.Line(s, max)
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && s[i+1] == ' ' {
			return checks.Line(s, max)
		}
	}
	return s
}
