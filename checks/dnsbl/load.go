package dnsbl

import (
	"iter"
	"slices"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// Load is what one run asks of one list that works and lists nothing. What it asks besides is
// little: an entry that it finds is asked for once more and for its reason, and after entries the
// controls come again; a list that refuses on one path is asked its controls on the other.
type Load struct {
	ID        string
	Served    int  // targets that the list serves
	Targets   int  // of them, whose turn it is ([Options.Turns])
	Questions int  // about these: a domain may be two, and one that lies within another none
	Controls  int  // before them; with the question for the zone, where it has no test entry
	Path      Path // where it is asked whatever happens: forwarder or file, else empty
}

// Loads are what [Check.Run] would ask, counted by the same code, in the order of the lists. It
// asks nothing and reads no file.
func (c Check) Loads(targets iter.Seq[checks.Target]) []Load {
	files := c.Options.Mirrors
	c.Options.Mirrors = nil
	r := newRun(c, time.Time{}, nil, nil)
	r.count(targets)
	families := map[blocklists.Family]int{}
	for t := range targets {
		families[familyOf(t)]++
	}
	var all []Load
	for _, l := range r.lists {
		load := Load{ID: l.zone.ID}
		for _, f := range l.zone.Families {
			load.Served += families[f]
		}
		switch {
		case files[l.zone.ID] != nil:
			load.Path = PathFile
		case l.forwarder != nil:
			load.Path = PathForwarder
		}
		if l.needed() {
			e := newExam(l, "")
			load.Controls = len(e.answers)
			if unproved(e.families, e.answers) {
				load.Controls++
			}
			r.load(&load, l, targets, families)
		}
		all = append(all, load)
	}
	return all
}

// load counts the targets of one list and the questions about them.
func (r *run) load(load *Load, l *list, targets iter.Seq[checks.Target], families map[blocklists.Family]int) {
	turn := r.Options.Turns[l.zone.ID]
	if whole := turn.Most <= 0 || turn.Most >= r.targets; whole && !l.zone.Serves(blocklists.Name) {
		load.Targets, load.Questions = load.Served, load.Served // no need to walk a million addresses
		return
	} else if whole {
		load.Targets = load.Served
		load.Questions = load.Served - families[blocklists.Name]
		for _, t := range r.named(targets) {
			load.Questions += len(r.namesFor(l, t))
		}
		return
	}
	for t := range turn.of(targets, r.targets) {
		f := familyOf(t)
		if f == "" || *l.families.of(f) == nil {
			continue
		}
		load.Targets++
		if f == blocklists.Name {
			load.Questions += len(r.namesFor(l, t))
		} else {
			load.Questions++
		}
	}
}

// named are the targets that are names, which are few.
func (r *run) named(targets iter.Seq[checks.Target]) []checks.Target {
	if r.names == nil {
		r.names = []checks.Target{}
		for t := range targets {
			if familyOf(t) == blocklists.Name {
				r.names = append(r.names, t)
			}
		}
	}
	return r.names
}

// unproved says whether a family has no entry by which a list could prove itself, so that the zone itself
// is asked for.
func unproved(families []blocklists.Family, answers []controlAnswer) bool {
	return slices.ContainsFunc(families, func(f blocklists.Family) bool { return !hasEntry(f, answers) })
}

// ResolverQuestions is how many questions a run puts to the resolver itself.
func (c Check) ResolverQuestions() int { return len(c.resolverNames()) }
