package mirror

import (
	"container/heap"
	"slices"
)

// table divides a row of addresses into pieces, each from its start to the start of the next.
// They are sorted and do not overlap, and one value holds in each.
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

// cut makes a table of ranges that may overlap. Everywhere the narrowest range counts; of
// several that are equally narrow an exclusion, else all their values together, as join makes
// them one. Next returns the address after one; it is false after the last.
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
	var open openSpans[K]
	i := 0
	var at K
	for i < len(spans) || len(open) > 0 {
		if len(open) == 0 {
			at = spans[i].from
		}
		for i < len(spans) && compare(spans[i].from, at) <= 0 {
			heap.Push(&open, spans[i])
			i++
		}
		for len(open) > 0 && compare(open[0].to, at) < 0 {
			heap.Pop(&open)
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
			break // there is no address after the last
		}
		at = behind
	}
	t.starts, t.values = slices.Clip(t.starts), slices.Clip(t.values)
	return t
}

// openSpans is a heap of the ranges that are open at some address, the narrowest first.
type openSpans[K any] []span[K]

func (o openSpans[K]) Len() int           { return len(o) }
func (o openSpans[K]) Less(i, j int) bool { return o[i].width < o[j].width }
func (o openSpans[K]) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *openSpans[K]) Push(x any)        { *o = append(*o, x.(span[K])) }

func (o *openSpans[K]) Pop() any {
	last := len(*o) - 1
	x := (*o)[last]
	*o = (*o)[:last]
	return x
}

// narrowest returns the value of the narrowest ranges that are open at an address, and the last
// address at which all of them still are. The first of the heap must be open there; others may
// have ended.
func (o openSpans[K]) narrowest(at K, compare func(a, b K) int, join func([]uint32) uint32) (v uint32, last K) {
	last = o[0].to
	if len(o) == 1 || (len(o) < 2 || o[1].width > o[0].width) && (len(o) < 3 || o[2].width > o[0].width) {
		return o[0].value, last
	}
	var all []uint32
	var walk func(i int)
	walk = func(i int) {
		if i >= len(o) || o[i].width > o[0].width {
			return
		}
		if compare(o[i].to, at) >= 0 {
			all = append(all, o[i].value)
			if compare(o[i].to, last) < 0 {
				last = o[i].to
			}
		}
		walk(2*i + 1)
		walk(2*i + 2)
	}
	walk(0)
	return join(all), last
}
