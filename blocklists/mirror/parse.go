package mirror

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a file, in the words of rbldnsd(8).
type Kind string

const (
	Auto     Kind = "auto"     // addresses, ranges and names mixed, with or without values; combined if it has parts
	IP4Set   Kind = "ip4set"   // IPv4 addresses, prefixes and ranges
	IP4Trie  Kind = "ip4trie"  // IPv4 CIDR ranges
	IP4TSet  Kind = "ip4tset"  // IPv4 addresses
	IP6Trie  Kind = "ip6trie"  // IPv6 CIDR ranges
	IP6TSet  Kind = "ip6tset"  // IPv6 addresses and /64
	DNSet    Kind = "dnset"    // names
	Combined Kind = "combined" // several of the above, each for some subzones
	generic  Kind = "generic"  // records of the zone itself, which list nothing; only as a part
)

// LineError is about a line that could not be read. It does not repeat the line, which comes
// from somebody else.
type LineError struct {
	Line int // counted from 1
	Err  error
}

func (e LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e LineError) Unwrap() error { return e.Err }

// What can be wrong with a file as a whole. Reading it again helps once it has changed.
var (
	ErrEmpty  = errors.New("it lists nothing")
	ErrBroken = errors.New("too many of its lines cannot be read, so that what it does not list means nothing")
)

// Bounds of a file.
const (
	maxLine  = 64 << 10
	maxBlock = 1 << 30 // octets of all texts, and of all names
	maxText  = 255     // octets of a text: one string of a TXT record (RFC 1035 section 3.3.14); rbldnsd cuts there too
	maxBad   = 5       // unreadable lines that are kept as examples
)

// Parse reads a file. Zone is the zone whose data it is, without final dot: of a combined file,
// the parts count that are for the base zone ("@") or for the subzone that zone begins with.
// Lines that cannot be read are left out and counted. The error wraps [ErrBroken], with the
// first such line, if they are more than one in a hundred, [ErrEmpty] if nothing is listed, or
// the error of the reader.
func Parse(r io.Reader, kind Kind, zone string) (*Set, error) {
	p := &parser{set: &Set{}, kind: kind, zone: zone, on: kind != Combined, interned: map[string]uint32{}}
	p.base = p.scope
	p.reset()
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	n := 0
	for lines.Scan() {
		n++
		if err := p.line(lines.Text()); err != nil {
			p.set.Skipped++
			if len(p.set.Bad) < maxBad {
				p.set.Bad = append(p.set.Bad, LineError{n, err})
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, LineError{n + 1, err}
	}
	return p.done()
}

type parser struct {
	set    *Set
	kind   Kind
	zone   string
	inPart bool
	on     bool // the part that is being read counts
	scope  scope
	base   scope // what holds outside of parts

	v4       []span[uint32]
	v6       []span[wide]
	interned map[string]uint32 // code and text to its value
	joined   map[string]uint32
}

// scope is what holds until the end of a part.
type scope struct {
	kind     Kind
	code     [4]byte
	text     string
	vars     [10]string
	replacer *strings.Replacer // of vars; nil: to be made
}

func (p *parser) reset() {
	p.scope = p.base
	p.scope.kind = p.kind
	p.scope.code = [4]byte{127, 0, 0, 2}
}

func (p *parser) line(s string) error {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil
	}
	if rest, ok := strings.CutPrefix(s, "$"); ok {
		return p.special(rest)
	}
	if len(s) > 1 && s[1] == '$' && strings.IndexByte("#;:", s[0]) >= 0 {
		return p.special(s[2:]) // as in files of DJB's rbldns
	}
	if s[0] == '#' || s[0] == ';' || !p.on || p.scope.kind == generic {
		return nil
	}
	if s[0] == ':' {
		code, text, err := p.value(s)
		if err == nil {
			p.scope.code, p.scope.text = code, text
		}
		return err
	}
	v := excluded
	word, not := strings.CutPrefix(s, "!")
	end := strings.IndexAny(word, " \t#;")
	rest := ""
	if end >= 0 {
		word, rest = word[:end], strings.TrimSpace(word[end:])
	}
	if word == "" {
		return errors.New("nothing to list")
	}
	if !not {
		code, text, err := p.scope.code, p.scope.text, error(nil)
		switch {
		case rest == "":
		case rest[0] == '#' || rest[0] == ';':
			// rbldnsd ignores comments, but in plain files nothing else says why.
			if why := strings.TrimLeft(rest, "#; \t"); p.scope.kind == Auto && text == "" {
				text = strings.ReplaceAll(why, "$", "$$")
			}
		default:
			code, text, err = p.value(rest)
		}
		if err != nil {
			return err
		}
		if v, err = p.intern(code, text); err != nil {
			return err
		}
	}
	return p.entry(word, v)
}

// special reads a line that begins with a dollar sign. Those for a name server, and unknown
// ones, mean nothing here.
func (p *parser) special(s string) error {
	word, rest, _ := strings.Cut(s, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case len(word) == 1 && word[0] >= '0' && word[0] <= '9':
		p.scope.set(word[0], rest)
		if !p.inPart { // it holds in all parts
			p.base.set(word[0], rest)
		}
	case word == "DATASET":
		return p.part(strings.Fields(rest))
	case word == "TIMESTAMP":
		if at, ok := expiry(strings.Fields(rest)); ok && (p.set.Expires.IsZero() || at.Before(p.set.Expires)) {
			p.set.Expires = at
		}
	}
	return nil
}

// part begins a part of a combined file: $DATASET type[:name] subzone...
func (p *parser) part(words []string) error {
	if p.kind != Combined && p.kind != Auto {
		return errors.New("a part in a file that is not combined")
	}
	if len(words) < 2 {
		p.on = false
		return errors.New("a part without type or subzones")
	}
	kind, _, _ := strings.Cut(words[0], ":")
	p.reset()
	p.inPart, p.scope.kind = true, Kind(kind)
	p.on = slices.ContainsFunc(words[1:], func(sub string) bool {
		return sub == "@" || strings.HasPrefix(p.zone, strings.ToLower(strings.TrimSuffix(sub, "."))+".")
	})
	switch p.scope.kind {
	case IP4Set, IP4Trie, IP4TSet, IP6Trie, IP6TSet, DNSet, generic:
		return nil
	}
	p.on = false
	return errors.New("a part of a type that is not known")
}

// expiry reads "2026:01:31:10:00:00 +2d", or a second time in place of the span, and returns
// until when the file is to be believed.
func expiry(words []string) (time.Time, bool) {
	if len(words) < 2 {
		return time.Time{}, false
	}
	const layout = "2006:01:02:15:04:05"
	at, err := time.Parse(layout, words[0])
	if err != nil {
		return time.Time{}, false
	}
	span, relative := strings.CutPrefix(words[1], "+")
	if !relative {
		end, err := time.Parse(layout, words[1])
		return end, err == nil
	}
	unit := time.Second
	if n := len(span) - 1; n > 0 {
		if u, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[span[n]]; ok {
			unit, span = u, span[:n]
		}
	}
	n, err := strconv.ParseUint(span, 10, 31)
	return at.Add(time.Duration(n) * unit), err == nil
}

var errKind = errors.New("of a kind that this type of file does not hold")

// entry adds what one line lists or excludes.
func (p *parser) entry(word string, v uint32) error {
	four, six := looksLike(word)
	switch kind := p.scope.kind; {
	case kind == IP4Set || kind == IP4Trie || kind == IP4TSet || kind == Auto && four:
		from, to, err := range4(word)
		if kind == Auto && !strings.ContainsAny(word, "./") {
			err = errAddress // "10" is more likely a number than a sixteenth part of the world
		}
		if err != nil {
			return err
		}
		p.v4 = append(p.v4, span[uint32]{from, to, uint64(to - from), v})
	case kind == IP6Trie || kind == IP6TSet || kind == Auto && six:
		if kind == IP6TSet && strings.Count(word, ":") == 3 && !strings.Contains(word, "::") {
			word += "::/64"
		}
		from, to, width, err := range6(word)
		if err != nil {
			return err
		}
		p.v6 = append(p.v6, span[wide]{from, to, width, v})
	case kind == DNSet || kind == Auto:
		return p.domain(word, v)
	default:
		return errKind
	}
	p.set.Entries++
	return nil
}

// domain adds a name: "name", "*.name" for all below it, ".name" for both.
func (p *parser) domain(word string, v uint32) error {
	s, star := strings.CutPrefix(strings.ToLower(strings.TrimSuffix(word, ".")), "*.")
	s, dot := strings.CutPrefix(s, ".")
	if !plausible(s) {
		return errors.New("no name, address or range")
	}
	if len(p.set.names.block)+len(s) > maxBlock {
		return errors.New("more names than fit")
	}
	n := p.set.names.add(s)
	put := func(to *uint32) {
		if *to != none && *to != v {
			*to = p.join([]uint32{*to, v})
			return
		}
		*to = v
	}
	if !star {
		put(&n.exact)
	}
	if star || dot {
		put(&n.below)
	}
	p.set.Entries++
	return nil
}

// plausible says whether a name can stand in the DNS (RFC 1035 section 2.3.4).
func plausible(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

func (p *parser) done() (*Set, error) {
	s := p.set
	if s.Skipped*100 > s.Entries {
		if len(s.Bad) > 0 {
			return nil, fmt.Errorf("%d of %d lines, such as %w: %w", s.Skipped, s.Skipped+s.Entries, s.Bad[0], ErrBroken)
		}
		return nil, ErrBroken
	}
	if s.Entries == 0 {
		return nil, ErrEmpty
	}
	s.v4 = cut(p.v4, compare4, next4, p.join)
	p.v4 = nil
	s.makeIndex()
	s.v6 = cut(p.v6, compareWide, nextWide, p.join)
	s.values, s.texts = slices.Clip(s.values), slices.Clip(s.texts)
	s.names.all, s.names.block = slices.Clip(s.names.all), slices.Clip(s.names.block)
	return s, nil
}
