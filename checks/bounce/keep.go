package bounce

import "strings"

// keeper holds the texts of one report: they are copied out of the mail, which
// may then be forgotten, into one piece of memory.
type keeper struct{ b strings.Builder }

// keep returns a copy of s.
func (k *keeper) keep(s string) string {
	k.room()
	start := k.b.Len()
	k.b.WriteString(s)
	return k.b.String()[start:] // stays as it is when the builder grows: what was written is never changed
}

// unfolded returns a copy of a header field's value as one line.
func (k *keeper) unfolded(value string) string {
	k.room()
	start := k.b.Len()
	writeUnfolded(&k.b, value)
	return k.b.String()[start:]
}

func (k *keeper) room() {
	if k.b.Cap() == 0 {
		k.b.Grow(1000) // enough for most reports
	}
}
