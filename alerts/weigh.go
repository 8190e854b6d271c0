package alerts

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// WideReceivers and checks.MinMails say when refusals are wide: so many
// receivers, or so many mails.
const WideReceivers = 3

// weigh gives the incident the impact of its targets and the severity that
// follows, and says whether the impact differs from what it was.
//
// Severity starts from the worst member that is not clear. Harm raises it one
// step: a listing together with refusals, or refusals that are wide. Only
// counted deliveries lower it: a listing of a target whose mail is taken
// everywhere is one step less. Where nothing is counted, reach alone decides.
// Something informational is never raised: its refusals are members of their own.
func (f *folder) weigh(inc *Incident) (moved bool) {
	impact := checks.Impact{Since: inc.Opened, Before: inc.Impact.Before}
	unwatched, fresh := false, impact.Before.Span == 0
	addresses := slices.ContainsFunc(inc.targets(), isAddress)
	var ofAddresses, ofOthers []checks.ReceiverImpact
	var delivered byKind
	var counted time.Time // since when what is delivered is counted
	for _, t := range inc.targets() {
		one, ok := f.impacts[t]
		unwatched = unwatched || one.Watched.IsZero()
		impact.Watched = later(impact.Watched, one.Watched)
		impact.Unread = impact.Unread || one.Unread
		if !ok {
			continue
		}
		impact.Target = t
		delivered.add(t, one.Delivered)
		if one.Delivered.Counted {
			counted = later(counted, one.Since)
		}
		if fresh && one.Before.Span > 0 && isAddress(t) == addresses { // what was before is known best when it begins, and does not change
			impact.Before.Span = max(impact.Before.Span, one.Before.Span)
			impact.Before.Delivered += one.Before.Delivered
			impact.Before.Deferred += one.Before.Deferred
			impact.Before.Refused += one.Before.Refused
		}
		if isAddress(t) {
			ofAddresses = append(ofAddresses, one.Receivers...)
		} else {
			ofOthers = append(ofOthers, one.Receivers...)
		}
		if !one.Since.IsZero() && one.Since.Before(impact.Since) {
			impact.Since = one.Since
		}
	}
	if len(inc.targets()) > 1 {
		impact.Target = "" // several
	}
	if unwatched {
		impact.Watched = time.Time{}
	}
	impact.Receivers = merge(append(merge(ofAddresses, addCounts), merge(ofOthers, addCounts)...), larger)
	if impact.Delivered = delivered.count(); len(impact.Receivers) == 0 && impact.Delivered.Counted {
		impact.Since = counted // no refusal since then: not since a time of which nothing is counted
	}
	if inc.allClear() {
		return false // keeps the severity and the cost it had
	}
	moved = impact.Refusals() != inc.Impact.Refusals() || len(impact.Receivers) != len(inc.Impact.Receivers)
	inc.Impact = impact

	var base checks.Severity
	listing, refusal := false, false
	for _, m := range inc.Members {
		if m.Clear {
			continue
		}
		base = checks.Worse(base, m.Finding.Severity)
		switch m.Finding.Code {
		case checks.CodeListed, checks.CodePolicy:
			listing = listing || m.Finding.Severity.Rank() > checks.Informational.Rank()
		case checks.CodeRefused, checks.CodeShut:
			refusal = true
		}
	}
	harm := inc.Impact.Refusals()
	raised, lowered := inc.Severity.Rank() > base.Rank(), inc.Severity != "" && inc.Severity.Rank() < base.Rank()
	switch {
	case harm > 0 && refusal && (listing || wide(inc.Impact, raised)):
		base = step(base, +1)
	case listing && !refusal && harm == 0 && inc.Impact.Deliveries() >= least(checks.MinMails, lowered):
		base = step(base, -1)
	}
	inc.Severity = base
	return moved
}

// drifted says whether what is known of deliveries has changed, or whether anybody looks at refusals: worth keeping, and
// no news. What opens while mailboxes are still being connected would else read as if mail were never counted.
func drifted(before, now checks.Impact) bool {
	return before.Watched.IsZero() != now.Watched.IsZero() || before.Unread != now.Unread || before.Delivered != now.Delivered || before.Before != now.Before || !slices.EqualFunc(before.Receivers, now.Receivers, func(a, b checks.ReceiverImpact) bool {
		return a.Delivered == b.Delivered && a.Accepted.Equal(b.Accepted)
	})
}

// wide says whether refusals are; already, that they were when last weighed.
func wide(i checks.Impact, already bool) bool {
	n := 0
	for _, r := range i.Receivers {
		if r.Refused.N+r.Deferred.N > 0 {
			n++
		}
	}
	return n >= least(WideReceivers, already) || i.Refusals() >= least(checks.MinMails, already)
}

// least is how many it takes to move a severity, and half of that (rounded up) to
// keep it moved: counts of a sliding window go up and down by one all day, and each
// rise is told.
func least(n int, already bool) int {
	if already {
		return (n + 1) / 2
	}
	return n
}

// byKind adds up what was delivered for targets. A mail leaves from an address and is sent as a
// domain, and counts for both if both are watched, so that only the larger of the two sums
// is a number of mails.
type byKind struct{ addresses, domains checks.Count }

func (k *byKind) add(target string, c checks.Count) {
	sum := &k.domains
	if isAddress(target) {
		sum = &k.addresses
	}
	*sum = addCounts(*sum, c)
}

func (k byKind) count() checks.Count { return larger(k.addresses, k.domains) }

func larger(a, b checks.Count) checks.Count {
	return checks.Count{N: max(a.N, b.N), Counted: a.Counted || b.Counted}
}

func isAddress(target string) bool {
	t, err := checks.ParseID(target)
	return err == nil && t.Kind == checks.KindAddress
}

// step moves a severity up or down, never above critical nor below minor, and
// leaves what is informational alone.
func step(s checks.Severity, by int) checks.Severity {
	scale := []checks.Severity{checks.Minor, checks.Major, checks.Critical}
	i := slices.Index(scale, s)
	if i < 0 {
		return s
	}
	return scale[min(max(i+by, 0), len(scale)-1)]
}

// merge adds up what several targets met at one receiver, most refusals first. Delivered says
// how two numbers of deliveries become one.
func merge(rs []checks.ReceiverImpact, delivered func(a, b checks.Count) checks.Count) []checks.ReceiverImpact {
	type key struct{ receiver, vendor string }
	at := map[key]int{}
	var out []checks.ReceiverImpact
	for _, r := range rs {
		k := key{r.Receiver, r.Vendor}
		i, ok := at[k]
		if !ok {
			at[k] = len(out)
			out = append(out, r)
			continue
		}
		o := &out[i]
		o.Refused = addCounts(o.Refused, r.Refused)
		o.Deferred = addCounts(o.Deferred, r.Deferred)
		o.Delivered = delivered(o.Delivered, r.Delivered)
		o.Accepted = acceptedAgain(*o, r)
		o.Last = later(o.Last, r.Last)
		if o.First.IsZero() || !r.First.IsZero() && r.First.Before(o.First) {
			o.First = r.First
		}
	}
	slices.SortStableFunc(out, func(a, b checks.ReceiverImpact) int {
		return cmp.Or(-cmp.Compare(a.Refused.N+a.Deferred.N, b.Refused.N+b.Deferred.N), cmp.Compare(a.Receiver, b.Receiver))
	})
	return out
}

// acceptedAgain is when a receiver took mail of two targets again: once it takes mail of
// both, and of each that it refused.
func acceptedAgain(a, b checks.ReceiverImpact) time.Time {
	if a.Accepted.IsZero() || b.Accepted.IsZero() {
		return time.Time{}
	}
	return later(a.Accepted, b.Accepted)
}

func addCounts(a, b checks.Count) checks.Count {
	return checks.Count{N: a.N + b.N, Counted: a.Counted || b.Counted}
}

// clone copies what Fold changes, so that its input stays as it was.
func (inc Incident) clone() Incident {
	inc.Members = slices.Clone(inc.Members)
	return inc
}

// targets are the ids of the targets of all members that are not clear, or of
// all members if every one is, in the order of the members.
func (inc *Incident) targets() []string {
	all := inc.allClear()
	seen := map[string]bool{}
	var out []string
	for _, m := range inc.Members {
		if (all || !m.Clear) && !seen[m.Finding.Key.Target] {
			seen[m.Finding.Key.Target] = true
			out = append(out, m.Finding.Key.Target)
		}
	}
	return out
}

// allClear says whether every member is closed.
func (inc *Incident) allClear() bool {
	return len(inc.Members) > 0 && !slices.ContainsFunc(inc.Members, func(m Member) bool { return !m.Clear })
}

// clearingNow says whether every member has been clean at least once since it was bad.
func (inc *Incident) clearingNow() bool {
	return len(inc.Members) > 0 && !slices.ContainsFunc(inc.Members, func(m Member) bool { return !m.Clear && m.ClearSince.IsZero() })
}

// blind says whether no open question of the incident has an answer at present.
func (inc *Incident) blind() bool {
	open := slices.DeleteFunc(slices.Clone(inc.Members), func(m Member) bool { return m.Clear })
	return len(open) > 0 && !slices.ContainsFunc(open, func(m Member) bool { return m.Unknown.IsZero() })
}

// Brief is the incident with its first max members, which are the worst, for a
// notice that is stored for each channel; and how many targets the whole is about:
// those of members that are not clear, or of all if every one is.
func (inc Incident) Brief(max int) (brief Incident, targets int) {
	targets = len(inc.targets())
	if len(inc.Members) > max {
		inc.Members = inc.Members[:max:max]
	}
	return inc, targets
}

// CostsMail says whether there is anything to say of what an incident costs in mail. What is wrong with the
// monitor, a list or a server of our own refuses none, and what is wrong with an identity is told of only where mail was.
func (inc Incident) CostsMail() bool {
	for _, m := range inc.Members {
		of, _, _ := strings.Cut(string(m.Finding.Code), ".")
		switch kind := m.Finding.Target.Kind; {
		case kind == checks.KindMonitor, kind == checks.KindList, of == "own", of == "monitor", of == "list":
		case of == "identity" && inc.Impact.Refusals() == 0:
		default:
			return true
		}
	}
	return len(inc.Members) == 0 && inc.Impact.Counted()
}

// Since is when the trouble began as far as anyone knows: the first sight of the
// oldest member that is not clear.
func (inc Incident) Since() time.Time {
	since := inc.Opened
	for _, m := range inc.Members {
		if !m.Clear && !m.First.IsZero() && m.First.Before(since) {
			since = m.First
		}
	}
	return since
}
