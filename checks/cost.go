package checks

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Cost is one sentence of what a problem costs, without its time, which each
// sink writes in its own way: "41 of 212 mails to Microsoft refused" since Since.
type Cost struct {
	Text  string    // one clean line, no full stop
	Since time.Time // zero: no time belongs to it
}

// Costs says what a problem costs, as far as it is known: one sentence for each receiver that refused
// or deferred mail, most refused first. Receivers behind one vendor share a sentence ("41 of 212
// mails to Microsoft (14 domains) refused"). After max sentences (max <= 0 means no limit) one more
// stands for the rest, unless the rest is a single receiver, which is named. Without refusals there is one
// sentence that says so, and another where nothing was counted.
func (i Impact) Costs(max int) []Cost {
	switch {
	case i.Counted():
	case i.Unread:
		return []Cost{{Text: "not known yet: mailboxes and logs have not been read to their end"}}
	case i.Watched.IsZero():
		return []Cost{{Text: "mail is not counted here"}}
	default:
		return []Cost{{Text: "deliveries are not counted here; no refusal has come back", Since: i.Watched}}
	}
	refusing := i.refusing()
	counted := i.DeliveriesCounted()
	delivered := i.Deliveries()
	switch {
	case len(refusing) == 0 && counted && delivered == 0 && i.Before.Delivered > 0:
		return []Cost{{Text: "no refusal seen, and not enough mail since to tell; " + i.Before.String()}}
	case len(refusing) == 0 && counted && delivered == 0: // that none was refused says nothing
		return []Cost{{Text: "no mail counted", Since: i.Since}}
	case len(refusing) == 0 && counted:
		return []Cost{{Text: Plural(delivered, "mail") + " delivered, no refusal", Since: i.Since}}
	case len(refusing) == 0:
		return []Cost{{Text: "no refusal seen", Since: i.Since}}
	}
	var costs []Cost
	for k, r := range refusing {
		if max > 0 && k == max && k+1 < len(refusing) { // a single one is no shorter without its name
			rest, receivers := 0, 0
			for _, r := range refusing[k:] {
				rest += r.Refused.N + r.Deferred.N
				receivers += r.domains
			}
			costs = append(costs, Cost{Text: Plural(rest, "mail") + " to " + Plural(receivers, "other receiver")})
			break
		}
		costs = append(costs, Cost{Text: r.sentence(), Since: firstTime(r.First, i.Since)})
	}
	return costs
}

// refusers is a single receiver that refused or deferred mail, or all of them behind one vendor added up.
type refusers struct {
	ReceiverImpact
	domains int
}

// refusing lists those that refused or deferred mail, most refused first: refused mail is lost, deferred
// mail is only late.
func (i Impact) refusing() []refusers {
	several := map[string]int{}
	for _, r := range i.Receivers {
		if r.Vendor != "" && r.Refused.N+r.Deferred.N > 0 {
			several[r.Vendor]++
		}
	}
	var all []refusers
	at := map[string]int{}
	for _, r := range i.Receivers {
		if r.Refused.N+r.Deferred.N == 0 {
			continue
		}
		k, ok := at[r.Vendor]
		if several[r.Vendor] < 2 || !ok {
			at[r.Vendor] = len(all)
			all = append(all, refusers{r, 1})
			continue
		}
		o := &all[k]
		o.domains++
		o.Receiver = r.Vendor
		for _, sum := range []struct {
			of  *Count
			add Count
		}{{&o.Refused, r.Refused}, {&o.Deferred, r.Deferred}, {&o.Delivered, r.Delivered}} {
			sum.of.N += sum.add.N
			sum.of.Counted = sum.of.Counted || sum.add.Counted
		}
		if o.First.IsZero() || !r.First.IsZero() && r.First.Before(o.First) {
			o.First = r.First
		}
	}
	slices.SortStableFunc(all, func(a, b refusers) int {
		return cmp.Or(cmp.Compare(b.Refused.N, a.Refused.N), cmp.Compare(b.Deferred.N, a.Deferred.N))
	})
	return all
}

// sentence is what one receiver did: "2 mails to example.net refused (Cisco Talos)".
// No share is given of fewer than [MinMails] mails.
func (r refusers) sentence() string {
	n := r.Refused.N + r.Deferred.N
	verb := "refused"
	switch {
	case r.Refused.N == 0:
		verb = "deferred"
	case r.Deferred.N > 0:
		verb = "refused or deferred"
	}
	what := Plural(n, "mail")
	if total := n + r.Delivered.N; r.Delivered.Counted && total >= MinMails {
		what = Number(n) + " of " + Plural(total, "mail")
	}
	receiver := Line(cmp.Or(r.Receiver, r.Vendor, "a receiver without a name"), 80)
	if r.domains > 1 {
		receiver += " (" + Plural(r.domains, "domain") + ")"
		return what + " to " + receiver + " " + verb
	}
	s := what + " to " + receiver + " " + verb
	if vendor := Line(r.Vendor, 80); vendor != "" && vendor != receiver {
		s += " (" + vendor + ")"
	}
	return s
}

// String is "3,120 mails delivered in the 24 hours before", "in the 24 hours before 9 of 3,120
// mails refused or deferred"; empty if nothing is known.
func (b Before) String() string {
	n := b.Deferred + b.Refused
	if b.Span <= 0 || n+b.Delivered == 0 {
		return ""
	}
	before := " in the " + Plural(int(b.Span.Round(time.Hour)/time.Hour), "hour") + " before"
	switch {
	case n == 0:
		return Plural(b.Delivered, "mail") + " delivered" + before
	case n+b.Delivered < MinMails:
		return Plural(n, "mail") + " refused or deferred" + before
	}
	return Number(n) + " of " + Plural(n+b.Delivered, "mail") + " refused or deferred" + before
}

func firstTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// Plural is "1 mail", "3,120 mails" or "2 addresses".
func Plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		noun += "e"
	}
	return Number(n) + " " + noun + "s"
}

// Number writes a number with commas: 3,120.
func Number(n int) string {
	s := strconv.Itoa(n)
	sign, digits := "", s
	if n < 0 {
		sign, digits = "-", s[1:]
	}
	var b strings.Builder
	for i, c := range []byte(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(c)
	}
	return sign + b.String()
}
