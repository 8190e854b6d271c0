package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// Cost is what a problem costs in one line, as far as it is known: "41 of 212 mails
// to Microsoft refused since 09:40", or "mail is not counted here". The sentences
// are those of [checks.Impact.Costs]; the times are this terminal's.
func (t Term) Cost(i checks.Impact, now time.Time) string {
	var parts []string
	for _, c := range i.Costs(2) {
		s := c.Text
		if !c.Since.IsZero() {
			s += " since " + t.clock(c.Since, now)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

// refusing are the receivers that refused or deferred anything, most refused first.
func refusing(i checks.Impact) []checks.ReceiverImpact {
	rs := slices.DeleteFunc(slices.Clone(i.Receivers), func(r checks.ReceiverImpact) bool { return r.Refused.N+r.Deferred.N == 0 })
	slices.SortStableFunc(rs, func(a, b checks.ReceiverImpact) int {
		return cmp.Or(cmp.Compare(b.Refused.N, a.Refused.N), cmp.Compare(b.Deferred.N, a.Deferred.N))
	})
	return rs
}

// receiverName is who refuses, for a person.
func receiverName(r checks.ReceiverImpact) string {
	return checks.Line(cmp.Or(r.Receiver, r.Vendor, "a receiver without a name"), 80)
}
