// Package mirror is a blocklist as a file on this machine: the zone files of rbldnsd, which
// operators hand out by rsync, and plain files of addresses, ranges and domains, one a line.
//
// [Parse] reads such a file into a [Set], which answers in well under a microsecond and keeps a
// million entries in a few dozen megabytes: ranges are cut into pieces that do not overlap,
// sorted, and names stand in one block of bytes with a table of hashes. [File] keeps the Set
// of a file up to date. A file that is gone, empty, expired or broken has no Set: from then on nothing
// is known, which is not the same as clean.
package mirror

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Set is what one file lists. It does not change, and may be used by several goroutines at once.
type Set struct {
	v4     table[uint32]
	index  []uint32 // of v4: where the pieces of each 16 bits begin; nil: there are few
	v6     table[wide]
	names  names
	values []value
	combos [][]uint32 // values of entries that several lines give
	texts  []byte     // of values, one behind the other

	Entries int         // lines that list or exclude something
	Skipped int         // lines that could not be read
	Bad     []LineError // the first few of them
	Expires time.Time   // as the file says ($TIMESTAMP); zero: it does not
}

// Answer is one value that an entry has: a code of 127.0.0.0/8 and what it says, with the
// address or name that was asked about filled in.
type Answer struct {
	Code netip.Addr
	Text string // may be empty
}

// Addr says what the file has for an address; none means that it is not listed. Of ranges that
// hold it the narrowest counts, and of several as narrow all of their values.
func (s *Set) Addr(a netip.Addr) []Answer {
	if a.Is4() {
		return s.answers(s.find4(number4(a)), a.String())
	}
	return s.answers(s.v6.find(wideOf(a), compareWide), a.String())
}

// few is below how many pieces of IPv4 no index is worth its 256 kB.
const few = 4096

// makeIndex divides the pieces of IPv4 by their first 16 bits: one look there and a few steps are a
// fifth of the time that a search through a million takes.
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
	starts := s.v4.starts
	low, high := 0, len(starts)
	if s.index != nil {
		low, high = int(s.index[a>>16]), int(s.index[a>>16+1])
	}
	for low < high { // the first piece that begins behind a
		if mid := int(uint(low+high) >> 1); starts[mid] <= a {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return none
	}
	return s.v4.values[low-1]
}

// Name says the same for a name in lower case without final dot: for itself, else for the
// nearest name above it that is listed with all below.
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

// Values that stand for no value; those that are some begin behind them.
const (
	none     uint32 = 0
	excluded uint32 = 1
	combined uint32 = 1 << 31 // the rest is a number of combos
)

// value is a code and a text of the block of texts.
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

// table are pieces of a row of addresses, each from its start to the next: sorted, without
// overlaps, and with the value that holds there.
type table[K any] struct {
	starts []K
	values []uint32
}

func (t table[K]) find(k K, compare func(a, b K) int) uint32 {
	i, found := slices.BinarySearchFunc(t.starts, k, compare)
	if !found {
		i--
	}
	if i < 0 {
		return none
	}
	return t.values[i]
}

// span is one line about addresses.
type span[K any] struct {
	from, to K
	width    uint64 // grows with the range
	value    uint32
}

// cut makes a table of ranges that may overlap: everywhere the narrowest counts. Of several as narrow
// an exclusion, else all their values together, by join. Next is the address behind one, false behind the last.
func cut[K any](spans []span[K], compare func(a, b K) int, next func(K) (K, bool), join func([]uint32) uint32) table[K] {
	slices.SortFunc(spans, func(a, b span[K]) int { return compare(a.from, b.from) })
	var t table[K]
	emit := func(at K, v uint32) {
		n := len(t.starts)
		switch {
		case n == 0 && v == none || n > 0 && t.values[n-1] == v:
			return
		case n > 0 && compare(t.starts[n-1], at) == 0:
			t.values[n-1] = v
			return
		}
		t.starts, t.values = append(t.starts, at), append(t.values, v)
	}
	var open heap[K]
	i := 0
	var at K
	for i < len(spans) || len(open) > 0 {
		if len(open) == 0 {
			at = spans[i].from
		}
		for i < len(spans) && compare(spans[i].from, at) <= 0 {
			open.push(spans[i])
			i++
		}
		for len(open) > 0 && compare(open[0].to, at) < 0 {
			open.pop()
		}
		if len(open) == 0 {
			emit(at, none)
			continue
		}
		v, last := open.narrowest(at, compare, join)
		emit(at, v)
		behind, more := next(last)
		if i < len(spans) && compare(spans[i].from, last) <= 0 {
			behind, more = spans[i].from, true
		}
		if !more {
			break // nothing lies behind the last address
		}
		at = behind
	}
	t.starts, t.values = slices.Clip(t.starts), slices.Clip(t.values)
	return t
}

// heap holds the ranges that are open where the cut stands, the narrowest first.
type heap[K any] []span[K]

func (h *heap[K]) push(s span[K]) {
	*h = append(*h, s)
	a := *h
	for i := len(a) - 1; i > 0; {
		up := (i - 1) / 2
		if a[up].width <= a[i].width {
			return
		}
		a[i], a[up] = a[up], a[i]
		i = up
	}
}

func (h *heap[K]) pop() {
	a := *h
	n := len(a) - 1
	a[0] = a[n]
	a = a[:n]
	*h = a
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			return
		}
		if down+1 < n && a[down+1].width < a[down].width {
			down++
		}
		if a[i].width <= a[down].width {
			return
		}
		a[i], a[down] = a[down], a[i]
		i = down
	}
}

// narrowest gives the value of the narrowest ranges that are open, and up to where all of them hold.
// The first of the heap has not ended.
func (h heap[K]) narrowest(at K, compare func(a, b K) int, join func([]uint32) uint32) (v uint32, last K) {
	last = h[0].to
	if len(h) == 1 || (len(h) < 2 || h[1].width > h[0].width) && (len(h) < 3 || h[2].width > h[0].width) {
		return h[0].value, last
	}
	var all []uint32
	var walk func(i int)
	walk = func(i int) {
		if i >= len(h) || h[i].width > h[0].width {
			return
		}
		if compare(h[i].to, at) >= 0 {
			all = append(all, h[i].value)
			if compare(h[i].to, last) < 0 {
				last = h[i].to
			}
		}
		walk(2*i + 1)
		walk(2*i + 2)
	}
	walk(0)
	return join(all), last
}
