package bounce

import (
	"time"

	"reputed/checks"
)

// refusing sums refusals up by target, receiver and vendor.
func refusing(tallies []Tally) []refusingReceiver {
	type at struct{ target, receiver, vendor string }
	where := map[at]int{}
	var out []refusingReceiver
	for _, t := range tallies {
		if t.Refused+t.Deferred <= 0 {
			continue
		}
		k := at{t.Target, t.Receiver, t.Vendor}
		n, ok := where[k]
		if !ok {
			n = len(out)
			where[k] = n
			r := refusingReceiver{target: t.Target, ReceiverImpact: checks.ReceiverImpact{Receiver: t.Receiver, Vendor: t.Vendor, First: t.First, Last: t.Last}}
			r.Refused.Counted, r.Deferred.Counted = true, true
			out = append(out, r)
		}
		r := &out[n]
		r.Refused.N += t.Refused
		r.Deferred.N += t.Deferred
		if t.First.Before(r.First) {
			r.First = t.First
		}
		if t.Last.After(r.Last) {
			r.Last = t.Last
		}
	}
	return out
}

type refusingReceiver struct {
	target string
	checks.ReceiverImpact
}

// deliveredSince is how much a receiver accepted since a time. The whole hour of that time counts:
// the share of refusals then is a little too low rather than too high, which would wake somebody for nothing.
func deliveredSince(hours []Hour, from time.Time) checks.Count {
	c := checks.Count{Counted: len(hours) > 0}
	for _, h := range hours {
		if !h.At.Before(from.Truncate(time.Hour)) {
			c.N += h.Delivered
		}
	}
	return c
}

// addDeliveries puts into an impact what all receivers together accepted. Onset is when the trouble
// began; zero: it is only beginning. Hours that ended before it are the time before, and only hours
// that began after it show what the trouble costs.
func addDeliveries(i *checks.Impact, hours []Hour, onset, now time.Time, window time.Duration) {
	start := now.Add(-window)
	if onset.IsZero() {
		onset = now
	}
	if !i.Since.IsZero() && i.Since.Before(onset) {
		onset = i.Since // the first refusal is where it began, whenever it was found
	}
	i.Delivered.Counted = true
	for _, h := range hours {
		switch {
		case !h.At.Add(time.Hour).After(onset):
			i.Before.Delivered += h.Delivered
			i.Before.Deferred += h.Deferred
			i.Before.Refused += h.Refused
		case !h.At.Before(onset):
			i.Delivered.N += h.Delivered
		} // the hour in which it began is neither
	}
	if span := onset.Sub(start); span > 0 {
		i.Before.Span = span
	} else {
		i.Before = checks.Before{}
	}
	if since := laterOf(onset, start); i.Since.IsZero() {
		i.Since = since
	}
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
