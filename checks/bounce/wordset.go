package bounce

// wordSet finds any of some phrases in a text without regard to ASCII case, in
// one pass whatever their number: by the first four bytes, then in full. It is
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

// setHash hashes four bytes so that a letter's case does not matter: setting bit
// 5 folds the letters, and what it does to other bytes it does on both sides.
func setHash(w uint32) uint32 { return (w | 0x20202020) * 2654435761 >> (32 - setLog) }

// find returns the first phrase in text at or behind from, by its number, and
// where it begins; -1 if there is none. Of several at one place the first in order wins.
func (s *wordSet) find(text string, from int) (number, at int) {
	for i := from; i+gram <= len(text); i++ {
		for n := s.heads[setHash(word(text, i))]; n >= 0; n = s.next[n] {
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
