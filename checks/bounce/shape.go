package bounce

import "strings"

// maxShape is how many bytes a [Shape] has at most; what tells wordings apart stands at their beginning.
const maxShape = 400

// Shape returns a diagnostic with everything masked that differs from one mail
// to the next, so that refusals of one wording fall together whoever got them:
// {mail}, {ip}, {host}, {url}, and {n} for numbers, times and ids. Reply and
// enhanced codes stay, and so do a provider's own short codes (TSS04, S3140),
// as they are what a rule is made of. It is one clean line, idempotent and
// safe to keep, as no address of a person is left in it; at most 400 bytes.
func Shape(text string) string {
	if strings.IndexByte(text, '\n') >= 0 {
		text = tidy(text)
	}
	s := shaper{out: make([]byte, 0, min(len(text)+32, maxShape))}
	text = clean(text, maxDiagnosis)
	if code := replyCode(text); code != "" { // "554-mx1.example.net"
		s.add(code)
		text = strings.TrimLeft(text[3:], "- ")
	}
	for w := range strings.FieldsSeq(text) {
		s.one = s.one[:0]
		s.mask(w)
		if !s.add(string(s.one)) {
			break
		}
	}
	return string(s.out)
}

// shaper writes a shape word by word.
type shaper struct {
	out, one []byte
	counting bool // the last word was a number, a time or an id
}

// add appends a masked word, a number only once where several stand in a row,
// as a date is as many words as its writer likes; false when the shape is full.
func (s *shaper) add(w string) bool {
	counting := strings.Trim(w, ",;+-()") == "{n}"
	if counting && s.counting {
		return true
	}
	s.counting = counting
	if len(s.out)+1+len(w) > maxShape {
		return false
	}
	if len(s.out) > 0 {
		s.out = append(s.out, ' ')
	}
	s.out = append(s.out, w...)
	return true
}

// mask writes a word without what differs: web addresses first, as they hold
// everything else, then mail addresses, then the atoms between the marks.
func (s *shaper) mask(w string) {
	if i := strings.Index(w, "://"); i >= 0 {
		from := i
		for from > 0 && (lower(w[from-1]) >= 'a' && lower(w[from-1]) <= 'z') {
			from--
		}
		to := len(w)
		if n := strings.IndexAny(w[i+3:], "<>\"'()[]{}"); n >= 0 {
			to = i + 3 + n
		}
		to -= len(w[i+3:to]) - len(strings.TrimRight(w[i+3:to], ".,;:!"))
		s.mask(w[:from])
		s.one = append(s.one, "{url}"...)
		s.mask(w[to:])
		return
	}
	if addr, from, to := addressIn(w); addr != "" {
		if w[from] == '<' && to-from > len(addr) {
			from, to = from+1, to-1
		}
		s.mask(w[:from])
		s.one = append(s.one, "{mail}"...)
		for to < len(w) && (w[to] == '@' || domainByte(w[to])) { // "kim@example.net@relay"
			to++
		}
		s.mask(w[to:])
		return
	}
	for start := 0; start < len(w); {
		end := start
		for end < len(w) && atomByte(w[end]) {
			end++
		}
		s.atom(w[start:end])
		if end < len(w) {
			s.one = append(s.one, w[end])
			end++
		}
		start = end
	}
}

func atomByte(c byte) bool {
	return wordByte(c) || c == '.' || c == ':' || c == '-' || c == '_' || c == '#'
}

// atom writes what stands between two marks.
func (s *shaper) atom(w string) {
	if w == "" {
		return
	}
	if isAddr(w) { // before its ends are cut: "::1"
		s.one = append(s.one, "{ip}"...)
		return
	}
	from := len(w) - len(strings.TrimLeft(w, ".:-_#"))
	to := len(strings.TrimRight(w, ".:-_#"))
	if from >= to {
		s.one = append(s.one, w...)
		return
	}
	core := w[from:to]
	s.one = append(s.one, w[:from]...)
	name, value, named := strings.Cut(core, ":") // "id:3F4A": the name stays
	switch {
	case enhancedAt(core) == core, ownCode(core):
		s.one = append(s.one, core...)
	case isAddr(core):
		s.one = append(s.one, "{ip}"...)
	case named && !strings.ContainsAny(name, "0123456789"):
		s.atom(name)
		s.one = append(s.one, ':')
		s.atom(value)
	case differs(core):
		s.one = append(s.one, "{n}"...)
	case strings.IndexByte(core, '.') > 0 && hostName(core) != "":
		s.one = append(s.one, "{host}"...)
	default:
		s.one = append(s.one, core...)
	}
	s.one = append(s.one, w[to:]...)
}

func isAddr(s string) bool {
	_, ok := parseAddr(s)
	return ok && strings.ContainsAny(s, "0123456789") // "a::" is rather a name than an address
}

// differs says whether a word is a number, a time or an id, other than a host's name.
func differs(w string) bool {
	if day(w) || len(w) >= 24 && random(w) {
		return true
	}
	if !strings.ContainsAny(w, "0123456789") {
		return false
	}
	return hostName(w) == "" || !letters(w[strings.LastIndexByte(w, '.')+1:])
}

// ownCode says whether a word is a provider's code: a few letters, then a few digits.
// Ids of mails are longer, or begin with a digit.
func ownCode(w string) bool {
	n := 0
	for n < len(w) && lower(w[n]) >= 'a' && lower(w[n]) <= 'z' {
		n++
	}
	rest := strings.TrimLeft(w[n:], "-_#")
	if n == 0 || n > 8 || rest == "" || len(rest) > 4 {
		return false
	}
	for i := range len(rest) {
		if !digit(rest[i]) {
			return false
		}
	}
	return true
}

// random says whether a long word is an id written in letters alone: it changes
// from lower to upper case again and again.
func random(w string) bool {
	changes := 0
	for i := 1; i < len(w); i++ {
		if (w[i-1] >= 'a' && w[i-1] <= 'z') && (w[i] >= 'A' && w[i] <= 'Z') {
			changes++
		}
	}
	return changes > 3
}

func letters(s string) bool {
	for i := range len(s) {
		if c := lower(s[i]); c < 'a' || c > 'z' {
			return false
		}
	}
	return len(s) >= 2
}

// day says whether a word is a weekday, a month or a zone as dates hold them (RFC 5322 section 3.3).
func day(w string) bool {
	switch w {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "GMT", "UTC":
		return true
	}
	return false
}
