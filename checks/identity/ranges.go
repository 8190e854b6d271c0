package identity

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"

	"reputed/checks"
)

// Flat is what an SPF record authorises, written out: the addresses that "pass".
type Flat struct {
	Domain  string
	Ranges  []Range // in the order of the terms, none inside an earlier one
	Open    []Open  // what cannot be written out
	Lookups int     // terms that look something up, of at most 10
}

// Range is a range of addresses, or one, and the term that authorises it.
type Range struct {
	Prefix netip.Prefix
	Term   string // "mx", "ip4:192.0.2.0/28"
	Record string // the domain whose record has the term
}

// Open is a term whose addresses cannot be written out, and why.
type Open struct {
	Term   string
	Record string
	Why    string
}

// String is one line: "exists:%{i}.example.org of example.org: it hangs on the mail".
func (o Open) String() string {
	return fmt.Sprintf("%s of %s: %s", checks.Line(o.Term, 80), o.Record, o.Why)
}

// Bounds of what is asked about one by one. A range that is wider is hardly one
// sender's: it is a mail provider's that the record includes, and 16 million
// questions about it would be nobody's reputation.
const (
	MaxRange = 1 << 12 // addresses of one range
	MaxFlat  = 1 << 16 // addresses of one record
)

// Enumerable divides the ranges into those whose addresses can be asked about one
// by one, and those that are too wide or too many.
func (f Flat) Enumerable() (ask, left []Range) {
	sum := 0
	for _, r := range f.Ranges {
		bits := r.Prefix.Addr().BitLen() - r.Prefix.Bits()
		if bits > 16 || 1<<bits > MaxRange || sum+1<<bits > MaxFlat {
			left = append(left, r)
			continue
		}
		sum += 1 << bits
		ask = append(ask, r)
	}
	return ask, left
}

// without takes addresses out of ranges. What nothing is taken from stays in one piece.
func without(ranges []Range, out *netipx.IPSetBuilder) ([]Range, error) {
	gone, err := out.IPSet()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSPF, err)
	}
	var rest []Range
	for _, r := range ranges {
		if !gone.OverlapsPrefix(r.Prefix) {
			rest = append(rest, r)
			continue
		}
		var b netipx.IPSetBuilder
		b.AddPrefix(r.Prefix)
		b.RemoveSet(gone)
		left, err := b.IPSet()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSPF, err)
		}
		for _, p := range left.Prefixes() {
			rest = append(rest, Range{p, r.Term, r.Record})
		}
	}
	return rest, nil
}

// distinct leaves out what lies inside another range.
func distinct(ranges []Range) []Range {
	seen := map[netip.Prefix]bool{}
	for _, r := range ranges {
		seen[r.Prefix] = true
	}
	var out []Range
	done := map[netip.Prefix]bool{}
	for _, r := range ranges {
		inside := done[r.Prefix]
		for bits := r.Prefix.Bits() - 1; bits >= 0 && !inside; bits-- {
			wider, err := r.Prefix.Addr().Prefix(bits)
			inside = err == nil && seen[wider]
		}
		if !inside {
			done[r.Prefix] = true
			out = append(out, r)
		}
	}
	return out
}
