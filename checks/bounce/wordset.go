package bounce

// wordSet finds any of some phrases in a text without regard to ASCII case, in
// one pass whatever their number: by the first four bytes, then in full. A blank of a phrase may
// be the end of a line in the text, as notices are folded anywhere. It is
// the small sibling of [matcher], for the words of sending MTAs that the reader
// itself knows. It is never changed after newWordSet.
type wordSet struct {
	words []string // lower case
	heads [1 << setLog]int16
	next  []int16
}

const setLog = 11

// newWordSet makes a set of phrases of at least four bytes, in lower case.
func newWordSet(words ...string) *wordSet {
	s := &wordSet{words: words, next: make([]int16, len(words))}
	for i := range s.heads {
		s.heads[i] = -1
	}
	for i := len(words) - 1; i >= 0; i-- { // so that a chain is in the order given
		h := setHash(word(words[i], 0))
		s.next[i] = s.heads[h]
		s.heads[h] = int16(i)
	}
	return s
}

// fold is what a byte of a text is compared as: letters in lower case, a line's end as a blank.
var fold = func() (t [256]byte) {
	for i := range t {
		t[i] = lower(byte(i))
	}
	t['\n'] = ' '
	return t
}()

// setHash hashes four bytes that are folded already.
func setHash(w uint32) uint32 { return w * 2654435761 >> (32 - setLog) }

// find returns the first phrase in text at or behind from, by its number, and
// where it begins; -1 if there is none. Of several at one place the first in order wins.
func (s *wordSet) find(text string, from int) (number, at int) {
	if len(text)-from < gram {
		return -1, -1
	}
	w := uint32(fold[text[from]])<<8 | uint32(fold[text[from+1]])<<16 | uint32(fold[text[from+2]])<<24
	for i := from; i+gram <= len(text); i++ {
		w = w>>8 | uint32(fold[text[i+3]])<<24
		for n := s.heads[setHash(w)]; n >= 0; n = s.next[n] {
			if w := s.words[n]; len(text)-i >= len(w) && foldEqual(text[i:i+len(w)], w) {
				return int(n), i
			}
		}
	}
	return -1, -1
}

// in says whether any phrase of the set is in text.
func (s *wordSet) in(text string) bool {
	n, _ := s.find(text, 0)
	return n >= 0
}
