package bounce

import "strings"

// walk takes a message apart into its leaves in one pass over its lines,
// whatever the nesting: every line that could be a delimiter is compared with
// the boundaries that are open, and one that belongs to an outer part closes
// the inner ones (RFC 2046 section 5.1.2). A part that lacks its end, or its
// whole end, is what there was of it.
//
// Messages inside are leaves: nobody looks for a reason in what was returned.
type walk struct {
	parts   []part
	fields  header // of all parts
	open    []container
	trouble string
}

// Kinds of what stands in a multipart outside its parts.
const (
	preamble = "multipart/preamble"
	epilogue = "multipart/epilogue"
)

// container is a multipart that is being read.
type container struct {
	boundary string // without the dashes
	digest   bool   // default type of its parts is message/rfc822
}

// leaves returns the header on top of the message and its parts.
func (w *walk) leaves(text string) (header, []part) {
	top, body := readHeader(text, make(header, 0, 48))
	w.fields = top
	top = top[:len(top):len(top)]
	pos := len(text) - len(body)
	w.parts = make([]part, 0, 4)
	w.begin(top, body)
	start := pos
	for pos < len(text) {
		end := strings.IndexByte(text[pos:], '\n')
		next := len(text)
		line := text[pos:]
		if end >= 0 {
			next = pos + end + 1
			line = text[pos : pos+end]
		}
		level, last := w.delimiter(line)
		if level < 0 {
			pos = next
			continue
		}
		w.end(text[start:pos])
		w.open = w.open[:level+1]
		pos = next
		if last {
			w.open = w.open[:level] // what follows is an epilogue, or belongs to the part outside
			start = pos
			w.parts = append(w.parts, part{kind: epilogue})
			continue
		}
		if len(w.parts) >= maxParts {
			w.trouble = "more than 200 parts: the rest was not read"
			return top, w.leaf()
		}
		had := len(w.fields)
		all, after := readHeader(text[pos:], w.fields)
		w.fields = all
		h := all[had:len(all):len(all)]
		pos = len(text) - len(after)
		start = pos
		w.begin(h, after)
	}
	w.end(text[min(start, len(text)):])
	return top, w.leaf()
}

// leaf drops what is no leaf: epilogues, and preambles that say nothing.
func (w *walk) leaf() []part {
	kept := w.parts[:0]
	for _, p := range w.parts {
		if p.kind != epilogue && (p.kind != preamble || strings.TrimSpace(p.body) != "") {
			kept = append(kept, p)
		}
	}
	return kept
}

// begin opens a part: a container if it is a multipart whose boundary is
// known, else a leaf. The text before a container's first delimiter is a part
// of its own, as some systems put their words there.
func (w *walk) begin(h header, body string) {
	value := h.get("Content-Type")
	kind, charset, boundary := mediaType(value)
	if value == "" && len(w.open) > 0 && w.open[len(w.open)-1].digest {
		kind = "message/rfc822" // RFC 2046 section 5.1.5
	}
	if strings.HasPrefix(kind, "multipart") {
		if boundary == "" || len(boundary) > 200 || !strings.Contains(body[:min(len(body), maxHeader)], boundary) {
			boundary = guessBoundary(body)
		}
		switch {
		case boundary == "":
			kind = "text/plain"
		case len(w.open) >= maxDepth:
			w.trouble = "parts nested deeper than 10: the inner ones were not read"
		default:
			w.open = append(w.open, container{boundary, kind == "multipart/digest"})
			kind = preamble
		}
	}
	w.parts = append(w.parts, part{header: h, kind: kind, charset: charset})
}

// end gives the part that is being read its body.
func (w *walk) end(body string) { w.parts[len(w.parts)-1].body = body }

// delimiter says which open container the line delimits, innermost first, and
// whether it is the last delimiter of that one; -1 for an ordinary line.
func (w *walk) delimiter(line string) (level int, last bool) {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return -1, false
	}
	for i := len(w.open) - 1; i >= 0; i-- {
		rest, ok := strings.CutPrefix(line[2:], w.open[i].boundary)
		if !ok {
			continue
		}
		rest = strings.TrimRight(rest, " \t\r") // RFC 2046 section 5.1.1: transport padding
		if rest == "" {
			return i, false
		}
		if rest == "--" {
			return i, true
		}
	}
	return -1, false
}

// guessBoundary finds the boundary of a multipart that does not say it: the
// first line of two dashes that a header line follows.
func guessBoundary(body string) string {
	for n := 0; body != "" && n < 200; n++ {
		var line string
		line, body = cutLine(body)
		if len(line) > 4 && strings.HasPrefix(line, "--") && len(body) > 8 && strings.EqualFold(body[:8], "content-") {
			return strings.TrimRight(line[2:], " \t")
		}
	}
	return ""
}
