// Package mirror looks things up in a blocklist that is a file on this machine: a zone file of
// rbldnsd, as operators hand them out by rsync, or a plain file of addresses, ranges and
// domains, one on each line.
//
// [Parse] reads such a file into a [Set], which answers within about a microsecond and keeps a
// million entries in a few dozen megabytes: ranges are cut into sorted pieces that do not
// overlap, and names stand in one block of bytes with a table of hashes. [File] keeps the Set
// of a file up to date. A file that is gone, empty, expired or broken has no Set: from then on
// nothing is known, which is not the same as clean.
package mirror

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Set is what one file lists. It does not change, and is safe for concurrent use.
type Set struct {
	v4     table[uint32]
	index  []uint32 // the piece of v4 with which each 16 leading bits begin; nil: there are few pieces
	v6     table[wide]
	names  names
	values []value
	combos [][]uint32 // values of entries that several lines have
	texts  []byte     // of the values, one after the other

	Entries int         // lines that list or exclude something
	Skipped int         // lines that could not be read
	Bad     []LineError // the first few of them
	Expires time.Time   // as the file says ($TIMESTAMP); zero: it does not
}

// Answer is one value of an entry: a return code, in 127.0.0.0/8 if the file is sound, and a
// text, with the address or name that was asked about filled in.
type Answer struct {
	Code netip.Addr
	Text string // may be empty
}

// Addr returns what the file has for an address; nothing means that it is not listed. Of the
// ranges that hold the address the narrowest counts; of several that are equally narrow all of
// their values are returned.
func (s *Set) Addr(a netip.Addr) []Answer {
	if a.Is4() {
		return s.answers(s.find4(number4(a)), a.String())
	}
	return s.answers(s.v6.find(wideOf(a), compareWide), a.String())
}

// few is how many pieces of IPv4 there must be before an index is worth its 256 kB.
const few = 4096

// makeIndex divides the pieces of IPv4 by their first 16 bits: a look there and a short search
// take a fifth of the time of a search through a million pieces.
func (s *Set) makeIndex() {
	if len(s.v4.starts) < few {
		return
	}
	s.index = make([]uint32, 1<<16+1)
	i := 0
	for top := range s.index {
		for i < len(s.v4.starts) && int(s.v4.starts[i]>>16) < top {
			i++
		}
		s.index[top] = uint32(i)
	}
}

func (s *Set) find4(a uint32) uint32 {
	low, high := 0, len(s.v4.starts)
	if s.index != nil {
		low, high = int(s.index[a>>16]), int(s.index[a>>16+1])
	}
	i, begins := slices.BinarySearch(s.v4.starts[low:high], a)
	if i += low; begins {
		i++
	}
	if i == 0 {
		return none
	}
	return s.v4.values[i-1]
}

// Name returns what the file has for a name in lower case without final dot: for the name
// itself, else for the nearest name above it that is listed with everything below it.
func (s *Set) Name(name string) []Answer {
	if v := s.names.exact(name); v != none {
		return s.answers(v, name)
	}
	for rest := name; ; {
		_, above, ok := strings.Cut(rest, ".")
		if !ok {
			return nil
		}
		if v := s.names.below(above); v != none {
			return s.answers(v, name)
		}
		rest = above
	}
}

// What the number of a value can be, besides an index of values that begins after excluded.
const (
	none     uint32 = 0
	excluded uint32 = 1
	combined uint32 = 1 << 31 // the rest is an index of combos
)

// value is a code, and the place of its text in texts.
type value struct {
	code [4]byte
	at   uint32
	size uint16
}

func (s *Set) answers(v uint32, subject string) []Answer {
	switch {
	case v <= excluded:
		return nil
	case v&combined != 0:
		var all []Answer
		for _, one := range s.combos[v&^combined] {
			all = append(all, s.answers(one, subject)...)
		}
		return all
	}
	x := s.values[v-excluded-1]
	return []Answer{{netip.AddrFrom4(x.code), expand(string(s.texts[x.at:x.at+uint32(x.size)]), subject)}}
}
