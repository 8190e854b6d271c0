package alerts

import (
	"slices"
	"time"

	"reputed/checks"
)

// Past is what was observed, for [Replay].
type Past struct {
	Known    []checks.Finding // what was a problem already when it begins
	Findings []checks.Finding // how answers changed since, in order of At
	Actions  []PastAction     // what people did, in order of At
	// Impacts gives what the problems of these targets cost at a time.
	Impacts func(targets []string, now time.Time) []checks.Impact
}

// PastAction is what a person did, and the questions of the incident that it was about:
// another policy makes other incidents of them.
type PastAction struct {
	Action
	Keys []checks.Key
}

// How a past is cut into steps: what was answered within one step was decided together,
// and time alone is looked at as often as the daemon does while something is open.
const (
	replayBatch = 2 * time.Minute
	replayTick  = 5 * time.Minute
)

// Replay decides over the past as [Fold] would have done it with this policy, and gives
// every change in order, those of what was known before it begins not among them. It is
// pure, and neither stores nor tells anything.
//
// A past holds each change of an answer once; that an answer stayed clean, as it takes to
// close, is taken from the next answer being another one.
func Replay(past Past, p Policy, from, to time.Time) []Change {
	r := replay{past: past, policy: p}
	r.fold(Input{Findings: past.Known, FirstRun: true, Now: from})
	r.out = nil
	findings := withSettled(past.Findings, to)
	actions := past.Actions
	for now := from; !now.After(to); {
		next := now.Add(replayTick)
		if len(r.open) == 0 {
			next = to.Add(1) // nothing happens by itself
		}
		if len(findings) > 0 {
			next = earlier(next, findings[0].At.Add(replayBatch))
		}
		if len(actions) > 0 {
			next = earlier(next, actions[0].At)
		}
		if next.After(to) {
			break
		}
		now = later(next, now.Add(1))
		n := 0
		for n < len(findings) && !findings[n].At.After(now) {
			n++
		}
		r.fold(Input{Findings: findings[:n], Now: now})
		findings = findings[n:]
		for len(actions) > 0 && !actions[0].At.After(now) {
			r.act(actions[0])
			actions = actions[1:]
		}
	}
	return r.out
}

// withSettled adds, to each answer that became clean and stayed so, the second one that
// closes. It comes when the answer has been clean for as long as it takes.
func withSettled(findings []checks.Finding, to time.Time) []checks.Finding {
	next := map[checks.Key]time.Time{}
	var all []checks.Finding
	for _, f := range slices.Backward(findings) {
		all = append(all, f)
		at := f.At.Add(f.Settle)
		if other, changed := next[f.Key]; f.Status == checks.OK && f.Settle > 0 && !at.After(to) && (!changed || at.Before(other)) {
			again := f
			again.At = at
			all = append(all, again)
		}
		next[f.Key] = f.At
	}
	slices.SortStableFunc(all, func(a, b checks.Finding) int { return a.At.Compare(b.At) })
	return all
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// replay is the memory that the store is in life.
type replay struct {
	past   Past
	policy Policy
	lastID int64
	open   []Incident
	recent []Incident
	out    []Change
}

func (r *replay) fold(in Input) {
	in.Open, in.Policy = r.open, r.policy
	r.recent = slices.DeleteFunc(r.recent, func(i Incident) bool { return in.Now.Sub(i.Resolved) > RelapseWindow })
	in.Recent = r.recent
	if r.past.Impacts != nil {
		targets := map[string]bool{}
		for _, f := range in.Findings {
			targets[f.Key.Target] = true
		}
		for _, inc := range r.open {
			for _, t := range inc.targets() {
				targets[t] = true
			}
		}
		names := make([]string, 0, len(targets))
		for t := range targets {
			names = append(names, t)
		}
		slices.Sort(names)
		in.Impacts = r.past.Impacts(names, in.Now)
	}
	for _, c := range Fold(in) {
		if c.Incident.ID == 0 {
			r.lastID++
			c.Incident.ID = r.lastID
		}
		r.keep(c.Incident)
		r.out = append(r.out, c)
	}
}

func (r *replay) keep(inc Incident) {
	same := func(x Incident) bool { return x.ID == inc.ID }
	r.open = slices.DeleteFunc(r.open, same)
	r.recent = slices.DeleteFunc(r.recent, same)
	if inc.State == Resolved {
		r.recent = append(r.recent, inc)
	} else {
		r.open = append(r.open, inc)
	}
}

// act does to the incidents that hold what a person acted on as that person did.
func (r *replay) act(a PastAction) {
	for _, inc := range slices.Clone(r.open) {
		if !slices.ContainsFunc(inc.Members, func(m Member) bool { return slices.Contains(a.Keys, m.Finding.Key) }) {
			continue
		}
		if after, err := inc.Apply(a.Action); err == nil {
			r.keep(after)
		}
	}
}
