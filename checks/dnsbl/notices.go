package dnsbl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// resolverKey is the one question about the resolver: can it be asked, and does
// it tell the truth?
func resolverKey() checks.Key {
	return checks.Key{Check: "resolver", Target: checks.Monitor("resolver").ID()}
}

// notices tells what the run showed about the resolver and the lists.
func (r *run) notices() {
	needed, through, unknown := 0, 0, 0
	for _, l := range r.lists {
		s := l.state()
		if s.state == NotNeeded {
			continue
		}
		needed++
		if l.forwarder != nil { // it says nothing about the resolver
			continue
		}
		through++
		if s.state == Unknown || s.rcode {
			unknown++
		}
	}
	r.blind = unknown*2 > through && r.rewriting == nil
	switch {
	case needed == 0:
		return
	case r.rewriting != nil:
		r.resolver(checks.CodeRewriting, fmt.Sprintf("The resolver invents answers: %s for a name that does not exist", r.rewriting.Answer),
			"Use a recursive resolver of your own: name it under [dns] servers.", []checks.Evidence{*r.rewriting})
	case r.blind:
		at := ""
		if len(r.Servers) > 0 {
			at = " at " + strings.Join(r.Servers, ", ")
		}
		r.resolver(checks.CodeBlind, fmt.Sprintf("%d of %d lists had no answer: nothing is known about anything they list", unknown, through),
			"See whether the resolver"+at+" runs and this host reaches it, or name another under [dns] servers.", r.errs)
	case r.known(resolverKey()):
		r.note(checks.Finding{Key: resolverKey(), Target: checks.Monitor("resolver"), Code: checks.CodeMonitorWell, Status: checks.OK,
			Summary: "The resolver answers again", At: r.at()})
	}
	r.refusals()
	for _, l := range r.lists {
		switch s := l.state(); s.state {
		case Unusable:
			r.notice(l, s, checks.CodeListUnusable, title(l.zone)+" is unusable", nil)
		case Unknown:
			if l.forwarder != nil || !r.blind && r.rewriting == nil {
				r.notice(l, s, checks.CodeListUnknown, title(l.zone)+" does not answer", nil)
			}
		case Working:
			if r.known(listKey(l)) {
				r.note(r.listFinding(l, checks.Finding{Code: checks.CodeMonitorWell, Status: checks.OK, Summary: title(l.zone) + " works again", At: r.at()}))
			}
		}
	}
}

// refusals tells of the lists that refuse us, once for each operator: one limit
// and one remedy stand behind all lists of one. If an earlier run told it about one
// list, it stays with that one.
func (r *run) refusals() {
	byOperator := map[string][]*list{}
	var operators []string
	for _, l := range r.lists {
		if s := l.state(); s.state != Refused || s.rcode && r.blind && l.forwarder == nil {
			continue
		}
		op := l.zone.Operator
		if op == "" || l.forwarder != nil {
			op = "\x00" + l.zone.ID // nobody named, or somebody else asked: each list is on its own
		}
		if byOperator[op] == nil {
			operators = append(operators, op)
		}
		byOperator[op] = append(byOperator[op], l)
	}
	for _, op := range operators {
		lists := byOperator[op]
		told := slices.DeleteFunc(slices.Clone(lists), func(l *list) bool { return !r.known(listKey(l)) })
		if len(told) == 0 {
			told = lists[:1]
		}
		for _, l := range told {
			who := title(l.zone)
			if l.zone.Operator != "" {
				who = l.zone.Operator
			}
			whom := "our resolver"
			if l.forwarder != nil {
				whom = "us at the forwarder " + l.forwarderNames()
			}
			var names []string
			for _, other := range lists {
				names = append(names, title(other.zone))
			}
			r.notice(l, l.state(), checks.CodeListRefused, fmt.Sprintf("%s refuses %s; nothing is known from %s", who, whom, strings.Join(names, ", ")), names)
		}
	}
}

// notice emits a problem of a list.
func (r *run) notice(l *list, s standing, code checks.Code, summary string, names []string) {
	evidence := s.evidence
	if len(evidence) == 0 {
		for _, c := range l.result.Controls {
			if !c.Passed {
				evidence = append(evidence, c.Evidence)
			}
		}
	}
	f := r.listFinding(l, checks.Finding{Code: code, Status: checks.Problem, Severity: r.noticeSeverity(l, s),
		Summary: checks.Line(summary, maxSummary), Evidence: evidence, At: r.at()})
	f.SetFact(checks.FactInstruction, s.why, maxFact)
	if len(names) > 1 {
		f.SetFact(checks.FactListName, strings.Join(names, ", "), maxFact)
	}
	r.note(f)
}

// listKey is the question whether a list works. It has no source, so that it is
// never taken for a problem that the list has with one of our addresses.
func listKey(l *list) checks.Key {
	return checks.Key{Check: checkName, Target: checks.List(l.zone.ID).ID()}
}

func (r *run) listFinding(l *list, f checks.Finding) checks.Finding {
	f.Key, f.Target, f.Facts = listKey(l), checks.List(l.zone.ID), map[string]string{}
	r.listFacts(&f, l)
	return f
}

func (r *run) resolver(code checks.Code, summary, instruction string, evidence []checks.Evidence) {
	f := checks.Finding{Key: resolverKey(), Target: checks.Monitor("resolver"), Code: code, Status: checks.Problem, Severity: checks.Major,
		Summary: checks.Line(summary, maxSummary), Facts: map[string]string{}, Evidence: evidence, At: r.at()}
	f.SetFact(checks.FactServers, strings.Join(r.Servers, ", "), maxFact)
	f.SetFact(checks.FactInstruction, instruction, maxFact)
	r.note(f)
}

// note emits a finding about a list or the resolver, and keeps it for the result.
func (r *run) note(f checks.Finding) {
	r.told = append(r.told, f)
	r.emit(f)
}

// finish puts the result together.
func (r *run) finish() Result {
	res := Result{Targets: r.targets, Domains: len(r.domains), Questions: r.questions, Rewriting: r.rewriting != nil, Blind: r.blind, Notices: r.told, Duration: time.Since(r.started)}
	for _, l := range r.lists {
		s := l.state()
		l.result.State, l.result.Why = s.state, s.why
		if r.blind && l.forwarder == nil { // it is not about the list
			l.result.Why = strings.TrimSuffix(s.why, unlessItLasts)
		}
		res.Asked += l.result.Asked
		res.Answered += l.result.Answered
		res.Lists = append(res.Lists, l.result)
	}
	return res
}
