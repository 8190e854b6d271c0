package dnsbl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"reputed/blocklists"
	"reputed/checks"
	"reputed/probes"
)

// outcome is how one pair of a target and a list reads.
type outcome struct {
	verdict  blocklists.Verdict // Why is set for everything that proves nothing
	proved   bool               // of class clean: it may close
	settle   time.Duration      // of class clean: how long the answer may be a cached one
	asked    bool
	controls string // that stood when the answer came
	family   blocklists.Family
	q        probes.Question
	a        probes.Answer
	err      error
	at       time.Time
	other    *outcome // of class clean and a domain with two names: the same for the other name
}

// read judges one answer of a list that stands as s for the family asked. It is
// a pure function: what the answer says about the list itself is for the caller.
func read(zone *blocklists.Zone, s *standing, a probes.Answer, err error) (v blocklists.Verdict, proved bool) {
	switch {
	case s.state != Working:
		// The controls failed, or the list was set aside since: whatever it says, it does not count.
		return blocklists.Verdict{Class: blocklists.Class(s.state), Why: s.why}, false
	case errors.Is(err, probes.ErrRefused):
		return blocklists.Verdict{Class: blocklists.Refused, Why: refuses(zone).why}, false
	case err != nil:
		return blocklists.Verdict{Class: blocklists.Unknown, Why: title(zone) + ": " + said(a, err)}, false
	}
	v = zone.Judge(a.Addrs())
	if v.Class != blocklists.Clean {
		return v, false
	}
	if s.proved || ownServers(zone, a) {
		return v, true
	}
	v.Why = title(zone) + " publishes no test entry, so that having no entry there proves nothing."
	return v, false
}

// ownServers says whether the list's own name servers gave a negative answer: a
// resolver does not set AA, and the servers of a parent zone send another SOA.
func ownServers(zone *blocklists.Zone, a probes.Answer) bool {
	return a.Authoritative && zoneSeen(zone, a)
}

// Bounds of how long a negative answer may be a cached one. Without an SOA it must
// not be cached, and is by some; no cache keeps one longer than three hours by default
// (RFC 2308 section 5 advises one to three).
const (
	unknownSettle = 5 * time.Minute
	leastSettle   = time.Second
	mostSettle    = 3 * time.Hour
)

// settle is how far apart two clean answers must be so that they are not one.
// A cached answer shows only what is left of its time, so the MINIMUM field counts, and the
// most seen of this list.
func settle(zone *blocklists.Zone, a probes.Answer, longest time.Duration) time.Duration {
	if ownServers(zone, a) {
		return 0
	}
	if zoneSeen(zone, a) {
		longest = max(longest, a.SOA.Ceiling, leastSettle)
	}
	if longest == 0 {
		longest = unknownSettle
	}
	return min(longest, mostSettle)
}

// outcome reads an answer about a target, and draws what it says about the list
// itself: one that refuses or misbehaves in the middle of a run is set aside for the
// rest of it, and so is one that has fallen silent.
func (r *run) outcome(l *list, f blocklists.Family, q probes.Question, a probes.Answer, err error) outcome {
	s := l.standing(f)
	if l.forwarder != nil {
		a.Authoritative = false // a mirror speaks for its copy, not for the list
	}
	o := outcome{asked: true, controls: s.controls, family: f, q: q, a: a, err: err, at: r.at()}
	o.verdict, o.proved = read(l.zone, s, a, err)
	l.noteSOA(a)
	if o.verdict.Class == blocklists.Clean {
		o.settle = settle(l.zone, a, l.longest)
	}
	l.put++
	if err != nil && !errors.Is(err, probes.ErrName) {
		l.failed++
	}
	if err != nil && len(r.errs) < maxErrors {
		r.evidence(q, a, err) // kept for the case that most of the run goes like this
	}
	switch {
	case s.state != Working:
	case o.verdict.Class == blocklists.Refused || o.verdict.Class == blocklists.Unusable:
		l.setAside(standing{state: State(o.verdict.Class), rcode: err != nil, why: o.verdict.Why, controls: s.controls, evidence: []checks.Evidence{r.evidenceOf(o)}})
	case err == nil:
		l.silent = 0
	case !errors.Is(err, probes.ErrName):
		if l.silent++; l.silent == silenceLimit {
			l.setAside(standing{state: Unknown, controls: s.controls, evidence: []checks.Evidence{r.evidenceOf(o)},
				why: fmt.Sprintf("%s fell silent: %d questions in a row had no answer. Nothing to do unless it lasts.", title(l.zone), silenceLimit)})
		}
	}
	return o
}

// silenceLimit is after how many questions in a row without an answer a list is
// left alone. Each costs several timeouts, and a list that dies in the middle of 65,536
// addresses would hold up all others.
const silenceLimit = 20

// notAsked is the outcome of a pair whose list has no verdict in this run. Names are those
// by which a domain would have been asked about; none: those for it alone.
func (r *run) notAsked(l *list, f blocklists.Family, t checks.Target, names []string) outcome {
	name := ""
	switch {
	case f != blocklists.Name:
		name = l.zone.QueryName(t.Addr)
	case len(names) > 0:
		name = l.zone.QueryDomain(names[0])
	default:
		name = l.zone.QueryDomain(l.zone.NamesFor(t.Name, t.Organisational())[0])
	}
	s := l.standing(f)
	return outcome{controls: s.controls, family: f, q: probes.Question{Name: name, Type: probes.TypeA}, at: r.at(),
		verdict: blocklists.Verdict{Class: blocklists.Class(s.state), Why: s.why}}
}

// evidenceOf is how we know an outcome.
func (r *run) evidenceOf(o outcome) checks.Evidence {
	ev := checks.Evidence{Question: r.redact(o.q.String()), Answer: "not asked"}
	if o.asked {
		ev = r.evidence(o.q, o.a, o.err)
	}
	ev.At, ev.Controls = o.at, o.controls
	return ev
}

// graver says which of two outcomes, for two names of one domain, stands for the domain: an
// entry before anything else, then not knowing, then praise, then nothing.
func graver(a, b outcome) outcome {
	if weight(b) > weight(a) {
		a, b = b, a
	}
	if a.verdict.Class == blocklists.Clean && b.verdict.Class == blocklists.Clean {
		a.settle, a.other = max(a.settle, b.settle), &b
	}
	return a
}

func weight(o outcome) int {
	switch o.verdict.Class {
	case blocklists.Listed:
		return 9
	case blocklists.Policy:
		return 8
	case blocklists.Informational:
		return 7
	case blocklists.Unusable:
		return 6
	case blocklists.Refused:
		return 5
	case blocklists.Unknown:
		return 4
	case blocklists.Good:
		return 3
	}
	if !o.proved {
		return 2
	}
	return 1
}

// isEntry says whether a class is an entry that becomes a problem finding.
func isEntry(c blocklists.Class) bool {
	return c == blocklists.Listed || c == blocklists.Policy || c == blocklists.Informational
}

// cutShort says whether a question ended because the run did; that says nothing about any list.
func cutShort(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}
