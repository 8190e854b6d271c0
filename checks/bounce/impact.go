package bounce

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"reputed/checks"
)

// impacts sums the refusals up by target and receiver, most refusals first.
func impacts(tallies []Tally) []checks.Impact {
	type at struct{ target, receiver, vendor string }
	sums := map[at]*checks.ReceiverImpact{}
	since := map[string]time.Time{}
	for _, t := range tallies {
		if t.Refused+t.Deferred <= 0 {
			continue
		}
		k := at{t.Target, t.Receiver, t.Vendor}
		r := sums[k]
		if r == nil {
			r = &checks.ReceiverImpact{Receiver: t.Receiver, Vendor: t.Vendor, First: t.First, Last: t.Last}
			r.Refused.Counted, r.Deferred.Counted = true, true
			sums[k] = r
		}
		r.Refused.N += t.Refused
		r.Deferred.N += t.Deferred
		if t.First.Before(r.First) {
			r.First = t.First
		}
		if t.Last.After(r.Last) {
			r.Last = t.Last
		}
		if s, ok := since[t.Target]; !ok || t.First.Before(s) {
			since[t.Target] = t.First
		}
	}
	byTarget := map[string]*checks.Impact{}
	for k, r := range sums {
		i := byTarget[k.target]
		if i == nil {
			i = &checks.Impact{Target: k.target, Since: since[k.target]}
			byTarget[k.target] = i
		}
		i.Receivers = append(i.Receivers, *r)
	}
	var out []checks.Impact
	for _, id := range slices.Sorted(maps.Keys(byTarget)) {
		i := byTarget[id]
		slices.SortFunc(i.Receivers, func(a, b checks.ReceiverImpact) int {
			return cmp.Or(cmp.Compare(b.Refused.N+b.Deferred.N, a.Refused.N+a.Deferred.N), cmp.Compare(a.Receiver, b.Receiver), cmp.Compare(a.Vendor, b.Vendor))
		})
		out = append(out, *i)
	}
	return out
}
