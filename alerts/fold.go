package alerts

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"reputed/checks"
)

// RelapseWindow is how long after its end a problem that comes back is the same history.
const RelapseWindow = 30 * 24 * time.Hour

// Input is everything that [Fold] decides with.
type Input struct {
	Open     []Incident       // every incident that is not resolved
	Recent   []Incident       // resolved within RelapseWindow
	Findings []checks.Finding // of one run, or of what came in by mail; none on a mere tick
	Impacts  []checks.Impact  // what open problems cost, by target
	Policy   Policy
	FirstRun bool                // these targets are looked at for the first time: what is bad is "already listed"
	Already  map[checks.Key]bool // questions whose problem began before anybody watched, and went on: "already there" too
	Now      time.Time
}

// Fold gives the changes that the findings cause: at most one for each incident,
// known incidents first in the order of their ids, new ones after them, worst first. It is a
// pure function: equal input gives equal output, and nothing is kept between calls.
//
// What moves an incident is knowledge. A Problem opens, joins or worsens; an OK
// closes once it has been given twice, a Settle apart; an Unknown finding marks
// its member as unanswered and moves nothing else, whatever else happens in the
// same run.
func Fold(in Input) []Change {
	f := newFolder(in)
	ended := lastEnds(in.Recent, in.Now)
	var worse, informational []checks.Finding
	for _, finding := range ordered(in.Findings) {
		switch {
		case f.update(finding) || finding.Status != checks.Problem:
		case !finding.At.After(ended[finding.Key]), !finding.At.After(f.over[finding.Key.Target]): // it was seen before the end of the incident that it belonged to
		case finding.Severity.Rank() > checks.Informational.Rank():
			worse = append(worse, finding)
		default:
			informational = append(informational, finding)
		}
	}
	// What is informational comes second: it joins what is worse, never the other way round.
	for _, fresh := range [][]checks.Finding{worse, informational} {
		for _, group := range components(f.join(fresh)) {
			f.open(group)
		}
	}
	return f.changes()
}

// lastEnds says when each question's last incident ended. A refusal that happened
// before somebody resolved its incident does not bring it back; one after it does.
// An end in the future is that of a clock which was wrong, and holds nothing back.
func lastEnds(recent []Incident, now time.Time) map[checks.Key]time.Time {
	ends := map[checks.Key]time.Time{}
	for _, inc := range recent {
		if inc.Resolved.After(now) {
			continue
		}
		for _, m := range inc.Members {
			ends[m.Finding.Key] = later(ends[m.Finding.Key], inc.Resolved)
		}
	}
	return ends
}

// ordered sorts findings by key, so that the order in which answers came plays no part.
func ordered(findings []checks.Finding) []checks.Finding {
	return slices.SortedStableFunc(slices.Values(findings), func(a, b checks.Finding) int { return a.Key.Compare(b.Key) })
}

// folder is the working state of one Fold.
type folder struct {
	in      Input
	work    []*working
	byKey   map[checks.Key]place
	impacts map[string]checks.Impact
	over    map[string]time.Time // by target: when what is open again had ended
}

// place is where a question's member stands while members are only appended.
type place struct {
	w *working
	i int
}

// working is one incident while it is being changed.
type working struct {
	before  Incident
	now     Incident
	fresh   bool            // opened by this fold
	dirty   bool            // something is to be stored, even if it is no news
	joined  []checks.Key    // members that are new or bad again
	left    []checks.Key    // members that became clear
	added   bool            // some of joined are no members of before
	targets map[string]bool // of members that were not clear when the fold began, or joined in it
	nets    map[string]bool // neighbourhoods of the same
}

func newFolder(in Input) *folder {
	f := &folder{in: in, byKey: map[checks.Key]place{}, impacts: map[string]checks.Impact{}, over: map[string]time.Time{}}
	for _, inc := range slices.SortedFunc(slices.Values(in.Open), func(a, b Incident) int { return cmp.Compare(a.ID, b.ID) }) {
		w := &working{before: inc, now: inc.clone(), targets: map[string]bool{}, nets: map[string]bool{}}
		f.work = append(f.work, w)
		for i, m := range inc.Members {
			f.byKey[m.Finding.Key] = place{w, i}
			if !m.Clear {
				w.at(m.Finding)
			}
			if !inc.Ended.After(in.Now) {
				f.over[m.Finding.Key.Target] = later(f.over[m.Finding.Key.Target], inc.Ended)
			}
		}
	}
	for _, impact := range in.Impacts {
		f.impacts[impact.Target] = impact
	}
	return f
}

// at notes where the incident is.
func (w *working) at(finding checks.Finding) {
	w.targets[finding.Key.Target] = true
	if net := neighbourhood(finding); net != "" {
		w.nets[net] = true
	}
}

// update lays a finding at its member, and says whether there is one.
func (f *folder) update(finding checks.Finding) bool {
	at, ok := f.byKey[finding.Key]
	if !ok {
		return false
	}
	w, m := at.w, &at.w.now.Members[at.i]
	if stale(*m, finding, f.in.Now) {
		return true
	}
	w.dirty = true
	switch finding.Status {
	case checks.Unknown:
		if m.Unknown.IsZero() {
			m.Unknown = finding.At
		}
	case checks.OK:
		m.Unknown = time.Time{}
		if m.ClearSince.IsZero() {
			m.ClearSince = finding.At
		}
		if !m.Clear && finding.At.Sub(m.ClearSince) >= finding.Settle {
			m.Clear, m.Turned = true, f.in.Now
			w.left = append(w.left, finding.Key)
		}
	case checks.Problem:
		if m.Clear {
			m.Turned = f.in.Now
			w.joined = append(w.joined, finding.Key)
		}
		m.Finding, m.Last = finding, finding.At
		m.ClearSince, m.Clear, m.Unknown = time.Time{}, false, time.Time{}
		w.now.LastSeen = later(w.now.LastSeen, finding.At)
	}
	return true
}

// stale says whether a clean answer is older than the last sight of the problem. A
// round takes long, and a bounce has its address asked about meanwhile: what the
// round saw before must not close what was seen after. A sight in the future is that
// of a clock which was wrong, and makes nothing stale.
func stale(m Member, finding checks.Finding, now time.Time) bool {
	return finding.Status == checks.OK && finding.At.Before(m.Last) && !m.Last.After(now)
}

// join lays findings at open incidents that share their target, that are about a
// neighbour at the same operator, or that are about several targets of their source
// already, and gives back the rest.
func (f *folder) join(fresh []checks.Finding) []checks.Finding {
	var rest []checks.Finding
	for _, finding := range fresh {
		if w := f.home(finding); w != nil {
			f.add(w, finding)
		} else {
			rest = append(rest, finding)
		}
	}
	return rest
}

// home is the open incident that a new problem belongs to, or nil. An
// informational incident absorbs nothing worse: what nobody is told of must not hide a listing.
func (f *folder) home(finding checks.Finding) *working {
	var best *working
	for _, w := range f.work {
		if !w.fresh && w.now.Severity.Rank() <= checks.Informational.Rank() && finding.Severity.Rank() > checks.Informational.Rank() {
			continue
		}
		// A source that turned against several of us at once goes on doing so.
		mass := len(w.targets) > 1 && w.now.Cause == sourceCause(finding.Key.Source)
		if !mass && !w.targets[finding.Key.Target] && !w.nets[neighbourhood(finding)] {
			continue
		}
		if best == nil || w.now.Severity.Rank() > best.now.Severity.Rank() {
			best = w
		}
	}
	return best
}

// open makes an incident of findings that belong together, or reopens the
// history they continue.
func (f *folder) open(group []checks.Finding) {
	w := &working{fresh: true, targets: map[string]bool{}, nets: map[string]bool{}}
	if old, ok := f.relapse(group); ok {
		w.before, w.now = old, old.clone()
		w.now.Relapses++
		w.now.Ended = old.Resolved
		w.now.Members = nil
		w.now.AckedBy, w.now.AckedAt, w.now.Silence, w.now.Resolved = "", time.Time{}, Silence{}, time.Time{}
		w.now.Existing, w.now.Flapping = false, time.Time{}
	} else {
		w.now = Incident{Cause: cause(group), Existing: f.in.FirstRun || f.already(group)}
	}
	w.now.State, w.now.Opened, w.now.Severity = Open, f.in.Now, ""
	w.now.LastTold, w.now.Said, w.now.Reminded = time.Time{}, time.Time{}, 0
	w.now.Told, w.now.Paged, w.now.Escalated = nil, time.Time{}, time.Time{}
	for _, finding := range group {
		f.add(w, finding)
	}
	f.work = append(f.work, w)
}

// already says whether all of a group was there before anybody watched.
func (f *folder) already(group []checks.Finding) bool {
	return !slices.ContainsFunc(group, func(x checks.Finding) bool { return !f.in.Already[x.Key] })
}

// relapse finds the latest resolved incident, within the window, that holds one
// of the findings' keys, and that no other group has reopened in this fold.
func (f *folder) relapse(group []checks.Finding) (Incident, bool) {
	var best Incident
	found := false
	keys := make(map[checks.Key]bool, len(group)) // a whole network may come back at once
	for _, x := range group {
		keys[x.Key] = true
	}
	for _, old := range f.in.Recent {
		taken := slices.ContainsFunc(f.work, func(w *working) bool { return old.ID != 0 && w.now.ID == old.ID })
		if taken || f.in.Now.Sub(old.Resolved) > RelapseWindow || found && !old.Resolved.After(best.Resolved) {
			continue
		}
		if slices.ContainsFunc(old.Members, func(m Member) bool { return keys[m.Finding.Key] }) {
			best, found = old, true
		}
	}
	return best, found
}

func (f *folder) add(w *working, finding checks.Finding) {
	f.byKey[finding.Key] = place{w, len(w.now.Members)}
	w.now.Members = append(w.now.Members, Member{Finding: finding, First: finding.At, Last: finding.At, Turned: f.in.Now})
	w.now.LastSeen = later(w.now.LastSeen, finding.At)
	w.at(finding)
	w.joined, w.added = append(w.joined, finding.Key), true
}

// components splits new problems into causes: findings that share a target, that share
// a source across several targets, or that are neighbours at one operator, belong together.
func components(findings []checks.Finding) [][]checks.Finding {
	parent := make([]int, len(findings))
	for i := range parent {
		parent[i] = i
	}
	var root func(int) int
	root = func(i int) int {
		if parent[i] != i {
			parent[i] = root(parent[i])
		}
		return parent[i]
	}
	first := map[string]int{}
	link := func(key string, i int) {
		if j, ok := first[key]; ok {
			parent[root(i)] = root(j)
		} else {
			first[key] = i
		}
	}
	for i, x := range findings {
		link("target "+x.Key.Target, i)
		if x.Key.Source != "" {
			link("source "+x.Key.Check+" "+x.Key.Source, i)
		}
		if net := neighbourhood(x); net != "" {
			link(net, i)
		}
	}
	groups := map[int][]checks.Finding{}
	for i, x := range findings {
		groups[root(i)] = append(groups[root(i)], x)
	}
	out := slices.Collect(maps.Values(groups))
	slices.SortFunc(out, func(a, b []checks.Finding) int {
		return cmp.Or(-cmp.Compare(worst(a).Rank(), worst(b).Rank()), a[0].Key.Compare(b[0].Key))
	})
	return out
}

func worst(findings []checks.Finding) checks.Severity {
	var s checks.Severity
	for _, x := range findings {
		s = checks.Worse(s, x.Severity)
	}
	return s
}

// cause names what a group has in common: its one target, else the source of most of it.
func cause(group []checks.Finding) string {
	targets, sources := map[string]bool{}, map[string]int{}
	for _, x := range group {
		targets[x.Key.Target] = true
		sources[x.Key.Source]++
	}
	if len(targets) == 1 {
		return "target:" + group[0].Key.Target
	}
	most := slices.MaxFunc(slices.Sorted(maps.Keys(sources)), func(a, b string) int { return cmp.Compare(sources[a], sources[b]) })
	return sourceCause(most)
}

func sourceCause(source string) string { return "source:" + source }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
