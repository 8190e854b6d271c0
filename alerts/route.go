package alerts

import (
	"fmt"
	"slices"
	"strings"

	"reputed/checks"
)

// Route says whom to tell of some findings. An incident is told by all whom its findings name: of those that are not
// clear, or of all if all are, each goes by the first route that fits it. So an incident over several pools reaches the owner
// of each, and who sends a small list to nobody has not meant the refusals that joined it. A key that is empty fits all.
type Route struct {
	Pools      []string
	Tags       []string
	Lists      []string          // ids of lists, or who refused as a key's Source has it
	Severities []checks.Severity // of the incident, which may be graver than each of its findings
	Classes    []Class           // of the incident
	Channels   []string          // may be empty: nobody, and the reason is on record
}

// route gives whom to tell of a change, and the reason where that is nobody. The end of
// an incident, and all that comes in between, goes to those who heard of it before.
func (p Policy) route(inc *Incident, kind ChangeKind) (channels []string, why string) {
	switch kind {
	case Ended, SilenceEnding:
		return inc.Told, "no channel has told of it"
	case Escalated:
		return union(nil, p.Escalate.Channels), "no channel to escalate to"
	}
	channels, why = p.owners(inc)
	return union(inc.Told, channels), why
}

// owners are the channels that the findings of an incident name. It looks at each once, and asks the routes once for all
// that are of one pool and list: a network that is listed as a whole has 65,536.
func (p Policy) owners(inc *Incident) (channels []string, why string) {
	const none = "no channel is configured to tell"
	if len(p.Routes) == 0 {
		return p.Channels, none
	}
	type kind struct{ pool, tags, source string }
	seen := map[kind]bool{}
	var watched map[string]checks.Target // made where it is asked for
	all := inc.allClear()
	class := p.Class(inc)
	for i := range inc.Members {
		m := &inc.Members[i]
		if m.Clear && !all {
			continue
		}
		target := m.Finding.Target
		if target.Pool == "" && len(target.Tags) == 0 {
			if watched == nil {
				watched = inc.watched()
			}
			target = watched[m.Finding.Key.Target]
		}
		k := kind{target.Pool, strings.Join(target.Tags, "\x00"), m.Finding.Key.Source}
		if seen[k] {
			continue
		}
		seen[k] = true
		to, muted := p.Channels, none
		for i, r := range p.Routes {
			if r.fits(inc.Severity, class, target, k.source) {
				to, muted = r.Channels, fmt.Sprintf("route %d sends it to no channel", i+1)
				break
			}
		}
		channels = append(channels, to...)
		if why == "" && len(to) == 0 { // of the worst of them, which come first
			why = muted
		}
	}
	return union(nil, channels), why
}

// watched gives the targets of an incident with their pools and tags, by id: a refusal that came back
// names an address and no more.
func (inc *Incident) watched() map[string]checks.Target {
	all := map[string]checks.Target{}
	for i := range inc.Members {
		if f := &inc.Members[i].Finding; f.Target.Pool != "" || len(f.Target.Tags) > 0 {
			all[f.Key.Target] = f.Target
		}
	}
	return all
}

func (r Route) fits(severity checks.Severity, class Class, target checks.Target, source string) bool {
	return among(r.Severities, severity) && among(r.Classes, class) && among(r.Pools, target.Pool) && among(r.Lists, source) &&
		(len(r.Tags) == 0 || slices.ContainsFunc(target.Tags, func(tag string) bool { return slices.Contains(r.Tags, tag) }))
}

func among[T comparable](wanted []T, have T) bool {
	return len(wanted) == 0 || slices.Contains(wanted, have)
}

// union is all of both, each once, in order of name.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// without is what of all is not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(some, name) })
}
