package mirror

import "hash/maphash"

// names are domain names, each with a value of its own and one for all names below it. The
// names stand one after the other in one block of bytes; a hash table with open addressing
// holds their numbers. So a million names are four blocks of memory: a map would take several
// times as much, and the garbage collector would visit every string.
type names struct {
	seed   maphash.Seed
	block  []byte
	all    []name
	places []uint32 // the hash table: indices of all. Its length is a power of two, and at least twice that of all
	tags   []uint8  // of each place: 0 if it is free, else bits of the hash, so that hardly any other name is compared
}

type name struct {
	at    uint32 // in block
	size  uint8
	exact uint32 // value of the name itself
	below uint32 // value of all names below it
}

func (n *names) exact(s string) uint32 {
	if i, ok := n.lookUp(s); ok {
		return n.all[i].exact
	}
	return none
}

func (n *names) below(s string) uint32 {
	if i, ok := n.lookUp(s); ok {
		return n.all[i].below
	}
	return none
}

func (n *names) lookUp(s string) (int, bool) {
	if len(n.places) == 0 {
		return 0, false
	}
	i, tag := n.place(s)
	for ; n.tags[i] != 0; i = (i + 1) & (len(n.places) - 1) {
		if n.tags[i] != tag {
			continue
		}
		if x := n.all[n.places[i]]; string(n.block[x.at:x.at+uint32(x.size)]) == s {
			return int(n.places[i]), true
		}
	}
	return 0, false
}

// place returns where to look for a name first, and its tag.
func (n *names) place(s string) (int, uint8) {
	h := maphash.String(n.seed, s)
	return int(h & uint64(len(n.places)-1)), uint8(h>>56) | 1
}

// add returns the entry of a name of at most 253 bytes, after making one if there is none.
func (n *names) add(s string) *name {
	if i, ok := n.lookUp(s); ok {
		return &n.all[i]
	}
	if 2*len(n.all) >= len(n.places) {
		n.grow()
	}
	n.all = append(n.all, name{at: uint32(len(n.block)), size: uint8(len(s))})
	n.block = append(n.block, s...)
	n.put(s, uint32(len(n.all)-1))
	return &n.all[len(n.all)-1]
}

func (n *names) put(s string, number uint32) {
	i, tag := n.place(s)
	for n.tags[i] != 0 {
		i = (i + 1) & (len(n.places) - 1)
	}
	n.places[i], n.tags[i] = number, tag
}

func (n *names) grow() {
	if n.places == nil {
		n.seed = maphash.MakeSeed()
	}
	n.places = make([]uint32, max(16, 2*len(n.places)))
	n.tags = make([]uint8, len(n.places))
	for i, x := range n.all {
		n.put(string(n.block[x.at:x.at+uint32(x.size)]), uint32(i))
	}
}
