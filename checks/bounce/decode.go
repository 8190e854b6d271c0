package bounce

import (
	"encoding/base64"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// decode returns the text of a part in UTF-8: transfer encoding undone (RFC
// 2045 section 6), charset converted. What cannot be decoded is kept as far as
// it could be; lying labels are met by keeping the bytes and marking the bad ones.
func (p *part) text() string {
	body := p.body
	switch p.encoding() {
	case "base64":
		body = decodeBase64(body)
	case "quoted-printable":
		body = decodeQuoted(body)
	}
	if len(body) > maxPartText {
		body = body[:maxPartText]
	}
	return toUTF8(body, p.charset)
}

// decodeBase64 decodes as much as there is, skipping what is not in the
// alphabet (RFC 2045 section 6.8). Text that cannot be base64 at all is
// returned as it is: some systems encode the mail and not the notice.
func decodeBase64(s string) string {
	if len(s) > maxPartText*2 {
		s = s[:maxPartText*2]
	}
	clean := make([]byte, 0, len(s))
	other := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/':
			clean = append(clean, c)
		case c == '=' || c == '\n' || c == '\r' || c == ' ' || c == '\t':
		default:
			other++
		}
	}
	if other > len(clean)/20 {
		return s
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean) // clean holds the alphabet only
	return strings.ReplaceAll(string(out[:n]), "\r\n", "\n")
}

// decodeQuoted undoes quoted-printable (RFC 2045 section 6.7); an escape that
// is none stays as it is.
func decodeQuoted(s string) string {
	if strings.IndexByte(s, '=') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(min(len(s), maxPartText))
	for i := 0; i < len(s) && b.Len() < maxPartText; i++ {
		if s[i] != '=' {
			b.WriteByte(s[i])
			continue
		}
		// A soft line break: "=", then perhaps blanks, then the end of the line.
		j := i + 1
		for j < len(s) && (s[j] == ' ' || s[j] == '\t') {
			j++
		}
		if j == len(s) || s[j] == '\n' {
			i = j
			continue
		}
		if i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte('=')
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// toUTF8 converts from the charset named, if it is known and needed.
func toUTF8(s, name string) string {
	ascii := true
	for i := range len(s) {
		// ESC begins a shift sequence of ISO-2022 charsets, which are 7 bits wide.
		if s[i] >= utf8.RuneSelf || s[i] == 0x1b {
			ascii = false
			break
		}
	}
	if ascii && !strings.HasPrefix(strings.ToLower(name), "utf-16") {
		return s
	}
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown":
		if utf8.ValidString(s) {
			return s
		}
		name = "windows-1252" // what most 8-bit text without a label is
	}
	r, err := charset.Reader(name, strings.NewReader(s))
	if err != nil {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	buf := make([]byte, 4096)
	for b.Len() < maxPartText {
		n, err := r.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// words is shared by every decoding of encoded words; it has no state.
var words = mime.WordDecoder{CharsetReader: charset.Reader}

// decodeWords undoes encoded words in a header value (RFC 2047).
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return toUTF8(s, "")
	}
	if len(s) > 4096 {
		s = s[:4096]
	}
	d, err := words.DecodeHeader(s)
	if err != nil {
		return toUTF8(s, "")
	}
	return strings.ToValidUTF8(d, "\ufffd")
}
