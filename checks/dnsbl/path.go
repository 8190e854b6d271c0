package dnsbl

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"reputed/probes"
)

// Path is by which way a list is asked.
type Path string

const (
	// PathResolver is through the resolver. In [Options] it means that nothing else is tried.
	PathResolver Path = "resolver"
	// PathAuthoritative is at the list's own name servers: nothing is cached, and nobody in
	// between refuses or invents anything. In [Options] it means that this way comes first,
	// and the resolver for lists that it does not work for.
	PathAuthoritative Path = "authoritative"
	// PathAuto, in [Options] only, is through the resolver, and at their own name servers for
	// lists that refuse or make no sense there. A list that does not answer through the
	// resolver seldom answers us, and finding out would cost every dead list its time-out twice.
	PathAuto Path = "auto"
	// PathForwarder, in results only, is at the servers that [Options.Forwarders] names.
	PathForwarder Path = "forwarder"
	// PathFile, in results only, is in the file that [Options.Mirrors] names.
	PathFile Path = "file"
)

// NameServers is what an [Asker] also has if lists can be asked at their own name
// servers. It may be called from several goroutines at once. [probes.Resolver] has it.
type NameServers interface {
	NameServers(ctx context.Context, zone string) (*probes.Servers, error)
}

// PathResult is what the controls of a list showed on one path.
type PathResult struct {
	Path     Path
	State    State
	Why      string // what is wrong; empty for one that works
	Controls []ControlResult
}

// path is the path that the list is asked by now.
func (l *list) path() Path {
	switch {
	case l.at == nil:
		return PathResolver
	case l.file:
		return PathFile
	case l.at == l.forwarder:
		return PathForwarder
	}
	return PathAuthoritative
}

// attempt is how a list stood on a path that it was tried on.
type attempt struct {
	at       *probes.Servers
	families standings
	aside    *standing
	controls []ControlResult
	works    int // families that it works for
}

// leave forgets what the controls showed, to ask them at the servers given.
func (l *list) leave(at *probes.Servers) attempt {
	a := attempt{l.at, l.families, l.aside, l.result.Controls, l.works()}
	l.at, l.aside, l.result.Controls = at, nil, nil
	for _, f := range l.zone.Families {
		if *l.families.of(f) != nil {
			l.need(f)
		}
	}
	return a
}

// back goes back to an earlier path.
func (l *list) back(a attempt) {
	l.at, l.families, l.aside, l.result.Controls = a.at, a.families, a.aside, a.controls
}

// works is how many of the families needed the list works for.
func (l *list) works() int {
	n := 0
	for _, s := range l.families {
		if s != nil && s.state == Working && l.aside == nil {
			n++
		}
	}
	return n
}

// tried keeps what the controls showed on the path that the list is asked by now.
func (l *list) tried() {
	s := l.shown()
	l.result.Paths = append(l.result.Paths, PathResult{Path: l.path(), State: s.state, Why: s.why, Controls: l.result.Controls})
}

// finder is who finds name servers, if lists may be asked there; else nil.
func (r *run) finder() NameServers {
	if r.Options.Path != PathAuthoritative && r.Options.Path != PathAuto {
		return nil
	}
	f, _ := r.Asker.(NameServers)
	return f
}

// findAtOnce bounds the sockets that are open while name servers are looked for.
const findAtOnce = 32

// find looks for the name servers of lists, of many at once, and keeps what it found.
func (r *run) find(ctx context.Context, lists []*list) {
	finder := r.finder()
	var wg sync.WaitGroup
	turns := make(chan struct{}, findAtOnce)
	for _, l := range lists {
		if l.servers == nil && l.forwarder == nil && finder != nil {
			turns <- struct{}{}
			wg.Go(func() {
				l.servers, l.notFound = finder.NameServers(ctx, l.zone.Zone)
				<-turns
			})
		}
	}
	wg.Wait()
}

// noServers is the path to name servers that were not found.
func (r *run) noServers(l *list) PathResult {
	return PathResult{Path: PathAuthoritative, State: Unknown, Why: r.redact(fmt.Sprintf("%s cannot be asked at its own name servers: %v.", title(l.zone), l.notFound))}
}

// askLists asks every list about every target, by the path that works for it. The
// error is the context's.
func (r *run) askLists(ctx context.Context, asked func(ctx context.Context, lists []*list, exams []*exam) error) error {
	lists := slices.DeleteFunc(slices.Clone(r.lists), func(l *list) bool { return !l.needed() })
	if r.Options.Path == PathAuthoritative && r.rewriting == nil {
		r.find(ctx, lists)
	}
	for _, l := range lists {
		if l.forwarder != nil { // whoever names one means it: there is no other path
			continue
		}
		l.spare, l.onlyRefused = r.finder() != nil, r.Options.Path == PathAuto
		if l.notFound != nil {
			l.spare = false
			l.result.Paths = append(l.result.Paths, r.noServers(l))
		}
		l.at = l.servers
	}
	if err := asked(ctx, lists, r.exams(lists)); err != nil {
		return err
	}
	lists = slices.DeleteFunc(lists, func(l *list) bool { return !l.undecided })
	if len(lists) == 0 {
		return nil
	}
	r.find(ctx, lists)
	if err := ctx.Err(); err != nil {
		return err
	}
	var exams []*exam
	for _, l := range lists {
		l.undecided = false
		var other *probes.Servers
		if l.at == nil {
			if other = l.servers; other == nil {
				l.result.Paths = append(l.result.Paths, r.noServers(l))
				l.settleFor()
				continue
			}
		}
		a := l.leave(other)
		l.before = &a
		exams = append(exams, newExam(l, ""))
	}
	return asked(ctx, lists, exams)
}

// examineBoth asks the controls of every list by both paths, where there are two. The
// one to be preferred counts, unless the list works for more families on the other. The error is
// the context's.
func (r *run) examineBoth(ctx context.Context) error {
	exams := r.exams(r.lists)
	if r.finder() == nil || len(exams) == 0 {
		err := r.examine(ctx, exams)
		for _, e := range exams {
			e.l.decide()
		}
		return err
	}
	if err := r.examine(ctx, exams); err != nil {
		return err
	}
	var lists []*list
	for _, e := range exams {
		e.l.tried()
		if e.l.forwarder != nil {
			e.l.settleFor()
			continue
		}
		lists = append(lists, e.l)
	}
	r.find(ctx, lists)
	if err := ctx.Err(); err != nil {
		return err
	}
	exams = nil
	for _, l := range lists {
		if l.servers == nil {
			l.settleFor()
			l.result.Paths = append(l.result.Paths, r.noServers(l))
			continue
		}
		a := l.leave(l.servers)
		l.before = &a
		exams = append(exams, newExam(l, ""))
	}
	err := r.examine(ctx, exams)
	for _, e := range exams {
		l := e.l
		l.tried()
		prefer := r.Options.Path == PathAuthoritative && l.works() == l.before.works
		if err != nil || l.works() <= l.before.works && !prefer {
			l.back(*l.before)
		}
		l.settleFor()
	}
	return err
}

// decide looks, once the controls of a list have been answered, whether it is to be
// asked by its other path first, and if both were tried, by which it is asked.
func (l *list) decide() (elsewhere bool) {
	if l.decided {
		return false
	}
	l.tried()
	if s := l.shown().state; s != Working && l.spare && !(s == Unknown && l.onlyRefused) {
		l.spare, l.undecided = false, true
		return true
	}
	if l.before != nil && l.works() <= l.before.works {
		l.back(*l.before)
	}
	l.settleFor()
	return false
}

// settleFor keeps to the path that the list is asked by now.
func (l *list) settleFor() { l.decided, l.result.Path = true, l.path() }

// examineElsewhere asks the controls of lists that were asked through the resolver at
// their own name servers. From then on those that work there are asked there. It
// gives the others. The error is the context's.
func (r *run) examineElsewhere(ctx context.Context, lists []*list) (others []*list, err error) {
	candidates := slices.DeleteFunc(slices.Clone(lists), func(l *list) bool { return l.at != nil || l.before != nil || l.notFound != nil })
	if r.finder() == nil || len(candidates) == 0 {
		return lists, nil
	}
	r.find(ctx, candidates)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	left := map[*list]attempt{}
	var exams []*exam
	for _, l := range candidates {
		if l.servers != nil {
			left[l] = l.leave(l.servers)
			exams = append(exams, newExam(l, ""))
		}
	}
	err = r.examine(ctx, exams)
	for l, a := range left {
		if err != nil || l.works() < a.works {
			l.back(a)
		}
	}
	return slices.DeleteFunc(slices.Clone(lists), func(l *list) bool {
		_, moved := left[l]
		return moved && l.at != nil
	}), err
}

// shown is how the list stands by its controls, and what it said about itself since:
// of its families the worst.
func (l *list) shown() standing {
	if l.aside != nil {
		return *l.aside
	}
	if !l.needed() {
		return standing{state: NotNeeded}
	}
	s := standing{state: Working}
	for _, f := range l.zone.Families {
		if each := *l.families.of(f); each != nil {
			s = worse(s, *each)
		}
	}
	return s
}
