package daemon

import (
	"iter"
	"math"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/checks/dnsbl"
	"reputed/internal/monitor"
	"reputed/internal/store"
)

const (
	// A round takes at most so much of the time until the next one: it must be over
	// when that begins.
	shareOfSpan = 0.8
	// perTurn is what a round asks of a list besides its targets: controls, twice, and
	// reasons.
	perTurn = 12
)

// Turns says which lists cannot be asked about every target in one round, because
// their operators' limits leave no time for it, and whose turn it is: about as many
// as the limits allow, from where the last round stopped. Without it a round over
// 65,536 addresses at five questions a second would last for hours, and every other
// list would wait for it.
func Turns(zones []blocklists.Zone, targets iter.Seq[checks.Target], span time.Duration, last store.Summary) map[string]dnsbl.Turn {
	n := map[blocklists.Family]int{}
	total := 0
	for t := range targets {
		total++
		if t.Kind == checks.KindAddress {
			n[blocklists.FamilyOf(t.Addr)]++
		} else {
			n[blocklists.Name]++
		}
	}
	from := map[string]int{}
	for _, l := range last.Lists {
		from[l.List] = l.Next
	}
	// The lists of one operator share its limits.
	type budget struct {
		questions float64 // of one round
		lists     int
	}
	budgets := map[string]*budget{}
	served := func(z blocklists.Zone) (sum int) {
		for _, f := range z.Families {
			sum += n[f]
		}
		return sum
	}
	for _, z := range zones {
		if served(z) == 0 || z.Rate <= 0 && z.PerDay <= 0 {
			continue
		}
		b := budgets[z.Operator]
		if b == nil {
			b = &budget{questions: math.Inf(1)}
			budgets[z.Operator] = b
		}
		b.lists++
		if z.Rate > 0 {
			b.questions = min(b.questions, z.Rate*span.Seconds()*shareOfSpan)
		}
		if z.PerDay > 0 {
			b.questions = min(b.questions, float64(z.PerDay)*min(span.Hours()/24, 1)*shareOfSpan)
		}
	}
	out := map[string]dnsbl.Turn{}
	for _, z := range zones {
		b := budgets[z.Operator]
		if b == nil || z.Rate <= 0 && z.PerDay <= 0 {
			continue
		}
		if most := max(int(b.questions)/b.lists-perTurn, 1); most < served(z) {
			out[z.ID] = dnsbl.Turn{From: from[z.ID], Most: min(most, total)}
		}
	}
	return out
}

// Span is how long a round may take: from one slot to the next, and never longer
// than roundTimeout.
func Span(s monitor.Schedule, now time.Time) time.Duration {
	next := s.Next(now)
	if next.IsZero() {
		return RoundTimeout
	}
	after := s.Next(next)
	if after.IsZero() {
		return RoundTimeout
	}
	return min(after.Sub(next), RoundTimeout)
}
