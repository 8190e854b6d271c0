package bounce

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"reputed/checks"
)

// impacts sums up what became of the mail of each target, by receiver, most refusals
// first. Since says when the trouble of a target began, as far as it is known; before
// that nothing is its cost.
func impacts(c Counts, since func(target string) time.Time, now time.Time, window time.Duration) []checks.Impact {
	byTarget := map[string]*checks.Impact{}
	of := func(target string) *checks.Impact {
		i := byTarget[target]
		if i == nil {
			i = &checks.Impact{Target: target}
			byTarget[target] = i
		}
		return i
	}
	for _, r := range refusing(c.Tallies) {
		i := of(r.target)
		i.Receivers = append(i.Receivers, r.ReceiverImpact)
		if i.Since.IsZero() || r.First.Before(i.Since) {
			i.Since = r.First
		}
	}
	hours := map[receiverOf][]Hour{}
	for _, h := range c.Hours {
		k := receiverOf{h.Target, h.Receiver}
		hours[k] = append(hours[k], h)
	}
	accepted := map[receiverOf]Acceptance{}
	for _, a := range c.Acceptances {
		accepted[receiverOf{a.Target, a.Receiver}] = a
	}
	for k, all := range hours {
		if k.receiver == "" {
			addDeliveries(of(k.target), all, since(k.target), now, window)
		}
	}
	var out []checks.Impact
	for _, id := range slices.Sorted(maps.Keys(byTarget)) {
		i := byTarget[id]
		began := map[string]time.Time{} // by vendor
		for _, r := range i.Receivers {
			if t, ok := began[r.Vendor]; !ok || r.First.Before(t) {
				began[r.Vendor] = r.First
			}
		}
		for n := range i.Receivers {
			r := &i.Receivers[n]
			k := receiverOf{id, r.Receiver}
			from := r.First
			if r.Vendor != "" {
				from = began[r.Vendor]
			}
			r.Delivered = deliveredSince(hours[k], from)
			if a := accepted[k]; !a.First.IsZero() && !a.Refused.Before(r.Last) {
				r.Accepted = a.First
			}
		}
		slices.SortFunc(i.Receivers, func(a, b checks.ReceiverImpact) int {
			return cmp.Or(cmp.Compare(b.Refused.N+b.Deferred.N, a.Refused.N+a.Deferred.N), cmp.Compare(a.Receiver, b.Receiver), cmp.Compare(a.Vendor, b.Vendor))
		})
		out = append(out, *i)
	}
	return out
}

type receiverOf struct{ target, receiver string }
