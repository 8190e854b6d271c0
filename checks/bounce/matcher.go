package bounce

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// matcher finds which of many phrases a text holds, in one pass over the text
// whatever their number: each phrase is remembered by four of its bytes, those
// that the fewest others share; at each place of the text the four bytes there
// are looked up, and only a hit is compared in full.
type matcher struct {
	phrases []phrase
	index   map[phrase]int
	uses    [][]int // phrase to the rules that it brings up for trial
	bits    []uint64
	heads   map[uint32][]anchor
}

// phrase is text to find: lower case and white space folded, or a tag, exact.
type phrase struct {
	text string
	tag  bool
}

// anchor is where the four bytes stand in a phrase.
type anchor struct{ phrase, at int }

const (
	gram       = 4
	bitsLog    = 16 // 65,536 bits: 8 kB, stays in the nearest cache
	maxPhrases = 1 << 14
)

func (m *matcher) init() {
	m.index = map[phrase]int{}
}

// add returns the number of a phrase, giving it one if it is new.
func (m *matcher) add(text string, tag bool) (int, error) {
	p := phrase{text, tag}
	if !tag {
		p.text = foldPhrase(text)
	}
	if len(p.text) < gram {
		return 0, fmt.Errorf("phrase %q is shorter than %d bytes", text, gram)
	}
	if n, ok := m.index[p]; ok {
		return n, nil
	}
	if len(m.phrases) >= maxPhrases {
		return 0, fmt.Errorf("more than %d phrases", maxPhrases)
	}
	m.index[p] = len(m.phrases)
	m.phrases = append(m.phrases, p)
	return len(m.phrases) - 1, nil
}

// foldPhrase is what a phrase is compared as; blanks at its ends count.
func foldPhrase(s string) string {
	folded := strings.Join(strings.Fields(strings.ToLower(s)), " ")
	if strings.HasPrefix(s, " ") {
		folded = " " + folded
	}
	if strings.HasSuffix(s, " ") && len(folded) > 1 {
		folded += " "
	}
	return folded
}

// build chooses the anchors.
func (m *matcher) build() {
	count := map[uint32]int{}
	for _, p := range m.phrases {
		low := strings.ToLower(p.text)
		for i := 0; i+gram <= len(low); i++ {
			count[word(low, i)]++
		}
	}
	m.bits = make([]uint64, 1<<bitsLog/64)
	m.heads = make(map[uint32][]anchor, len(m.phrases))
	for n, p := range m.phrases {
		low := strings.ToLower(p.text)
		best := 0
		for i := 1; i+gram <= len(low); i++ {
			if count[word(low, i)] < count[word(low, best)] {
				best = i
			}
		}
		w := word(low, best)
		m.heads[w] = append(m.heads[w], anchor{n, best})
		h := gramHash(w)
		m.bits[h/64] |= 1 << (h % 64)
	}
}

func word(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

func gramHash(w uint32) uint32 { return w * 2654435761 >> (32 - bitsLog) }

// found is the set of phrases that a text holds.
type found struct {
	bits [maxPhrases / 64]uint64
	list []int
}

func (f *found) has(n int) bool { return f.bits[n/64]&(1<<(n%64)) != 0 }

// find looks the phrases up in a text, given as it is and in lower case (of
// equal length).
func (m *matcher) find(exact, low string, f *found) {
	for i := 0; i+gram <= len(low); i++ {
		w := word(low, i)
		h := gramHash(w)
		if m.bits[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, a := range m.heads[w] {
			p := &m.phrases[a.phrase]
			start := i - a.at
			if start < 0 || f.has(a.phrase) {
				continue
			}
			if p.tag {
				if strings.HasPrefix(exact[start:], p.text) && wholeWord(exact, start, start+len(p.text)) {
					f.set(a.phrase)
				}
			} else if strings.HasPrefix(low[start:], p.text) {
				f.set(a.phrase)
			}
		}
	}
}

func (f *found) set(n int) {
	f.bits[n/64] |= 1 << (n % 64)
	f.list = append(f.list, n)
}

// wholeWord says whether s[from:to] is no part of a longer word or number.
func wholeWord(s string, from, to int) bool {
	if from > 0 && wordByte(s[from]) && wordByte(s[from-1]) {
		return false
	}
	return to >= len(s) || !wordByte(s[to-1]) || !wordByte(s[to])
}

// lowerText is the text in lower case, of the same length: a letter whose
// small form takes more or fewer bytes stays as it is.
func lowerText(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' || s[i] >= utf8.RuneSelf {
			b := []byte(s)
			for i < len(b) {
				if b[i] < utf8.RuneSelf {
					b[i] = lower(b[i])
					i++
					continue
				}
				r, n := utf8.DecodeRune(b[i:])
				if small := unicode.ToLower(r); small != r && utf8.RuneLen(small) == n {
					utf8.EncodeRune(b[i:], small)
				}
				i += n
			}
			return string(b)
		}
	}
	return s
}

// withoutNames blanks the local parts of addresses in angle brackets: whose
// mailbox is called "spam" or "policy" says nothing of the refusal.
func withoutNames(low string) string {
	if strings.IndexByte(low, '<') < 0 || strings.IndexByte(low, '@') < 0 {
		return low
	}
	var b []byte
	for i := 0; i < len(low); i++ {
		if low[i] != '<' {
			continue
		}
		n := strings.IndexAny(low[i+1:], "@<> ")
		if n <= 0 || low[i+1+n] != '@' {
			continue
		}
		if b == nil {
			b = []byte(low)
		}
		for j := i + 1; j < i+1+n; j++ {
			b[j] = '.'
		}
		i += n
	}
	if b == nil {
		return low
	}
	return string(b)
}
