package dnsbl

import (
	"slices"

	"reputed/blocklists"
	"reputed/checks"
)

// within is the target's organisational domain if that is a target itself, and is therefore asked
// about anyway; else empty.
func (r *run) within(t checks.Target) string {
	if org := t.Organisational(); org != t.Name && r.domains[org] {
		return org
	}
	return ""
}

// namesFor are the names by which a list is asked about a domain. Its organisational domain is
// left out if that is a target itself: an entry of that would be told twice. None is
// left for a list that wants nothing else, unless something is known that has to be answered.
func (r *run) namesFor(l *list, t checks.Target) []string {
	names := l.zone.NamesFor(t.Name, t.Organisational())
	if org := r.within(t); org != "" && !(l.zone.Names == blocklists.Organisational && r.known(r.key(t, l))) {
		names = slices.DeleteFunc(names, func(name string) bool { return name == org })
	}
	return names
}
