package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"reputed/checks"
)

// Cost is what a problem costs in one sentence, as far as it is known: "41 of
// 212 mails to Microsoft refused since 09:40", "3,120 mails delivered, no refusal since 09:40", or "mail is
// not counted here". No share is given of fewer than [checks.MinMails] mails.
func (t Term) Cost(i checks.Impact, now time.Time) string {
	if !i.Counted() {
		return "mail is not counted here"
	}
	since := ""
	if !i.Since.IsZero() {
		since = " since " + t.clock(i.Since, now)
	}
	refusing := refusing(i)
	if len(refusing) == 0 {
		delivered, counted := 0, false
		for _, r := range i.Receivers {
			delivered += r.Delivered.N
			counted = counted || r.Delivered.Counted
		}
		if counted {
			return plural(delivered, "mail", "mails") + " delivered, no refusal" + since
		}
		return "no refusal seen" + since
	}
	r := refusing[0]
	n := r.Refused.N + r.Deferred.N
	verb := "refused"
	switch {
	case r.Refused.N == 0:
		verb = "deferred"
	case r.Deferred.N > 0:
		verb = "refused or deferred"
	}
	what := plural(n, "mail", "mails")
	if total := n + r.Delivered.N; r.Delivered.Counted && total >= checks.MinMails {
		what = fmt.Sprintf("%s of %s", number(n), plural(total, "mail", "mails"))
	}
	s := fmt.Sprintf("%s to %s %s%s", what, receiverName(r), verb, since)
	if rest := i.Refusals() - n; rest > 0 {
		s += fmt.Sprintf(", and %s elsewhere", number(rest))
	}
	return s
}

// refusing are the receivers that refused or deferred anything, most first.
func refusing(i checks.Impact) []checks.ReceiverImpact {
	rs := slices.DeleteFunc(slices.Clone(i.Receivers), func(r checks.ReceiverImpact) bool { return r.Refused.N+r.Deferred.N == 0 })
	slices.SortStableFunc(rs, func(a, b checks.ReceiverImpact) int {
		return cmp.Compare(b.Refused.N+b.Deferred.N, a.Refused.N+a.Deferred.N)
	})
	return rs
}

// receiverName is whom a person knows: the vendor before the domain.
func receiverName(r checks.ReceiverImpact) string {
	return checks.Line(cmp.Or(r.Vendor, r.Receiver, "an unnamed receiver"), 80)
}
