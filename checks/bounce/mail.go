package bounce

import (
	"bytes"
	"hash"
	"strings"
)

// Limits of what is taken apart. What lies beyond them is left unread and said
// in [Report].Trouble; no mail of any kind costs more than its size.
const (
	maxDepth     = 10        // of parts within parts
	maxParts     = 200       // leaves of one mail
	maxHeader    = 256 << 10 // bytes of one header
	maxFields    = 1000      // fields of one header
	maxPartText  = 128 << 10 // bytes of one decoded part
	maxBounces   = 1000      // recipients of one report
	maxDiagnosis = 2000      // runes of one diagnostic
)

// DefaultMaxBytes is how much of a mail [Parse] reads if nothing else is said.
// The report stands at the beginning; the rest is the returned message's body.
const DefaultMaxBytes = 1 << 20

// unify returns raw with every line ended by LF alone, so that the rest need
// not think of CR LF, and without a leading mbox line ("From ", RFC 4155).
// It is the one copy made of the mail; everything later is a part of it.
func unify(raw []byte, sum hash.Hash) string {
	raw = skipMbox(raw)
	var b strings.Builder
	b.Grow(len(raw))
	write := func(p []byte) {
		b.Write(p)
		sum.Write(p)
	}
	for start := 0; start < len(raw); {
		i := len(raw)
		if n := bytes.IndexByte(raw[start:], '\r'); n >= 0 {
			i = start + n
		}
		write(raw[start:i])
		// Quirk: some relays leave CR CR LF. A CR that ends no line stays.
		j := i
		for j < len(raw) && raw[j] == '\r' {
			j++
		}
		if j < len(raw) && raw[j] != '\n' {
			write(raw[i:j])
		}
		start = j
	}
	return b.String()
}

// skipMbox drops empty lines and mbox lines ("From ", RFC 4155) from the beginning.
func skipMbox(raw []byte) []byte {
	for {
		raw = bytes.TrimLeft(raw, "\r\n")
		if !bytes.HasPrefix(raw, []byte("From ")) && !bytes.HasPrefix(raw, []byte(">From ")) {
			return raw
		}
		i := bytes.IndexByte(raw, '\n')
		if i < 0 {
			return raw
		}
		raw = raw[i+1:]
	}
}

// field is one header field, its value still folded and encoded.
type field struct{ name, value string }

// header is the fields of one header in their order.
type header []field

// get returns the first field of that name, unfolded, or "".
func (h header) get(name string) string {
	for i := range h {
		if len(h[i].name) == len(name) && strings.EqualFold(h[i].name, name) {
			return unfold(h[i].value)
		}
	}
	return ""
}

// has says whether there is a field of that name.
func (h header) has(name string) bool {
	for i := range h {
		if len(h[i].name) == len(name) && strings.EqualFold(h[i].name, name) {
			return true
		}
	}
	return false
}

// all yields every field of that name, unfolded.
func (h header) all(name string, yield func(value string)) {
	for i := range h {
		if len(h[i].name) == len(name) && strings.EqualFold(h[i].name, name) {
			yield(unfold(h[i].value))
		}
	}
}

// readHeader reads fields up to the first empty line (RFC 5322 section 2.2) and
// returns them, behind those that into holds, with what follows. A line that is no field is passed over, as
// real bounces hold them; but text whose first lines are all none is a body without a header.
func readHeader(text string, into header) (header, string) {
	rest, had := text, len(into)
	for rest != "" && len(text)-len(rest) < maxHeader {
		line, after := cutLine(rest)
		if line == "" {
			return into, after
		}
		name, ok := fieldName(line)
		if !ok {
			if len(into) == had && len(text)-len(rest) > 1000 {
				return into, text
			}
			rest = after
			continue
		}
		end := len(line)
		for after != "" && (after[0] == ' ' || after[0] == '\t') { // folded, RFC 5322 section 2.2.3
			more, next := cutLine(after)
			if strings.TrimLeft(more, " \t") == "" {
				break // quirk: a line of blanks where the empty line should be
			}
			end = len(rest) - len(after) + len(more)
			after = next
		}
		if len(into)-had < maxFields {
			value := rest[:end]
			value = value[strings.IndexByte(value, ':')+1:]
			into = append(into, field{name, value})
		}
		rest = after
	}
	if len(into) == had {
		return into, text
	}
	return into, rest
}

// fieldName returns the name of a header field line (RFC 5322 section 3.6.8).
func fieldName(line string) (string, bool) {
	colon := strings.IndexByte(line, ':')
	if colon <= 0 || colon > 100 {
		return "", false
	}
	name := strings.TrimRight(line[:colon], " \t")
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f {
			return "", false
		}
	}
	return name, name != ""
}

// cutLine cuts the first line off.
func cutLine(text string) (line, rest string) {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, ""
}

// unfold joins the lines of a folded value and trims it.
func unfold(value string) string {
	value = strings.TrimSpace(value)
	if strings.IndexByte(value, '\n') < 0 {
		return value
	}
	var b strings.Builder
	b.Grow(len(value))
	writeUnfolded(&b, value)
	return b.String()
}

// writeUnfolded writes a value's words with one blank between them.
func writeUnfolded(b *strings.Builder, value string) {
	first := true
	for w := range strings.FieldsSeq(value) {
		if !first {
			b.WriteByte(' ')
		}
		b.WriteString(w)
		first = false
	}
}

// part is one leaf of the MIME tree (RFC 2045), or a container that could not
// be opened. Its body is still encoded.
type part struct {
	header  header
	kind    string // media type, lower case: "text/plain"
	charset string
	body    string
}

// encoding is the part's Content-Transfer-Encoding, lower case.
func (p *part) encoding() string { return strings.ToLower(p.header.get("Content-Transfer-Encoding")) }

// returned says whether the part is the message that came back, or its header
// (RFC 6522 section 4, RFC 6533): it is never searched for a reason.
func (p *part) returned() bool {
	switch p.kind {
	case "message/rfc822", "text/rfc822-headers", "text/rfc822-header", "text/rfc822", "message/rfc822-headers",
		"message/global", "message/global-headers", "message/partial":
		return true
	}
	return false
}

// mediaType reads a Content-Type value (RFC 2045 section 5.1) forgivingly: the
// type in lower case, charset and boundary. An empty or broken one is text/plain.
func mediaType(value string) (kind, charset, boundary string) {
	kind, params, _ := strings.Cut(value, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if i := strings.IndexAny(kind, " \t("); i >= 0 {
		kind = kind[:i]
	}
	if strings.Count(kind, "/") != 1 {
		if !strings.HasPrefix(kind, "multipart") {
			kind = "text/plain"
		}
	}
	for params != "" {
		var name, v string
		params = strings.TrimLeft(params, " \t;")
		eq := strings.IndexAny(params, "=;")
		if eq < 0 {
			break
		}
		if params[eq] == ';' {
			params = params[eq+1:]
			continue
		}
		name, params = strings.TrimSpace(params[:eq]), strings.TrimLeft(params[eq+1:], " \t")
		if strings.HasPrefix(params, `"`) {
			end := strings.IndexByte(params[1:], '"')
			if end < 0 {
				v, params = params[1:], ""
			} else {
				v, params = params[1:1+end], params[end+2:]
			}
		} else {
			end := strings.IndexAny(params, "; \t")
			if end < 0 {
				end = len(params)
			}
			v, params = params[:end], params[end:]
		}
		switch {
		case strings.EqualFold(name, "charset") && charset == "":
			charset = v
		case strings.EqualFold(name, "boundary") && boundary == "":
			boundary = strings.TrimRight(v, " \t") // RFC 2046 section 5.1.1: ends in no blank
		}
	}
	return kind, charset, boundary
}
