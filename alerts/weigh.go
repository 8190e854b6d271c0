package alerts

import (
	"cmp"
	"slices"
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
	impact := checks.Impact{Since: inc.Opened}
	unwatched := false
	for _, t := range inc.targets() {
		one, ok := f.impacts[t]
		unwatched = unwatched || one.Watched.IsZero()
		impact.Watched = later(impact.Watched, one.Watched)
		if !ok {
			continue
		}
		impact.Target = t
		impact.Receivers = append(impact.Receivers, one.Receivers...)
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
	impact.Receivers = merge(impact.Receivers)
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
		case checks.CodeRefused:
			refusal = true
		}
	}
	harm := inc.Impact.Refusals()
	raised, lowered := inc.Severity.Rank() > base.Rank(), inc.Severity != "" && inc.Severity.Rank() < base.Rank()
	switch {
	case harm > 0 && refusal && (listing || wide(inc.Impact, raised)):
		base = step(base, +1)
	case listing && !refusal && harm == 0 && delivered(inc.Impact) >= least(checks.MinMails, lowered):
		base = step(base, -1)
	}
	inc.Severity = base
	return moved
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

// delivered counts mails that were seen to be accepted.
func delivered(i checks.Impact) int {
	n := 0
	for _, r := range i.Receivers {
		if r.Delivered.Counted {
			n += r.Delivered.N
		}
	}
	return n
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

// merge adds up what several targets met at one receiver, most refusals first.
func merge(rs []checks.ReceiverImpact) []checks.ReceiverImpact {
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
		o.Delivered = addCounts(o.Delivered, r.Delivered)
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
