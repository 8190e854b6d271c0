package report

import (
	"cmp"
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// Pair is the report of `reputed explain TARGET LIST`: what is known of one target on one
// list, how we know, and what would change it.
type Pair struct {
	Target  checks.Target
	List    blocklists.Zone
	Watched bool // the target is in the configuration
	Asked   bool // the list is asked in each round
	Confirm time.Duration

	// What is stored. A pair of which nothing is was never a problem.
	Trouble   string // why nothing could be read; empty: it could
	Status    checks.Status
	Code      checks.Code
	Severity  checks.Severity
	Since     time.Time
	Seen      time.Time
	Unknown   time.Time // since when there has been no answer; zero: there is one
	Proofs    []Proof   // answers that changed what is known, oldest first
	Turns     []Turn    // oldest first
	Named     *Proof    // the latest answer of the list, in any round, since a refusal named it
	Incidents []int64   // latest first
	Round     time.Time // end of the last complete round
	Aside     string    // why the list gave no usable answer in it; empty: it did

	Now      time.Time
	Paths    []PathAnswer // asked now; none: nobody asked
	AskedWhy string       // why it was asked now
	OnePath  string       // why there is no second one of Paths; empty: there is, or there need not be one
}

// Proof is an answer with how we know.
type Proof struct {
	At       time.Time
	Summary  string
	Code     checks.Code
	Facts    map[string]string
	Evidence []checks.Evidence
}

// PathAnswer is what a list answered now, by one path.
type PathAnswer struct {
	Path     string // "resolver", "authoritative", "forwarder"
	Verdict  blocklists.Class
	Severity checks.Severity
	Why      string // why there is no usable answer, or why "clean" proves nothing
	Other    string // why another path could not be taken; empty: none was tried
	Proof    Proof
	Controls []ControlResult
}

// Verdict is how the pair stands: what was answered now counts more than what is stored.
func (e Pair) Verdict() blocklists.Class {
	if v := e.fresh(); v != "" {
		return v
	}
	switch {
	case e.Status == "":
		return blocklists.Unknown
	case e.Status == checks.OK:
		return blocklists.Clean
	case e.Code == checks.CodePolicy:
		return blocklists.Policy
	case e.Code == checks.CodeInformational:
		return blocklists.Informational
	}
	return blocklists.Listed
}

// fresh is the gravest of the answers had now that say anything; without such, of all.
func (e Pair) fresh() (v blocklists.Class) {
	for _, usable := range []bool{true, false} {
		for _, a := range e.Paths {
			says := a.Verdict != blocklists.Unknown && a.Verdict != blocklists.Refused && a.Verdict != blocklists.Unusable
			if says == usable && (v == "" || a.Verdict.Rank() > v.Rank()) {
				v = a.Verdict
			}
		}
		if v != "" {
			return v
		}
	}
	return v
}

// severity is what it costs before anything is counted; empty for what is no entry.
func (e Pair) severity() checks.Severity {
	if e.fresh() == "" {
		return e.Severity
	}
	var s checks.Severity
	for _, a := range e.Paths {
		s = checks.Worse(s, a.Severity)
	}
	return s
}

// Level is the exit code, by the rules of check.
func (e Pair) Level() Level {
	v := e.Verdict()
	t := Tally{Asked: 1}
	switch v {
	case blocklists.Listed:
		t.Worst = cmp.Or(e.severity(), checks.Minor)
	case blocklists.Policy:
		t.Policy = true
	case blocklists.Unknown, blocklists.Refused, blocklists.Unusable:
		t.Unknown = 1
	}
	return t.Level()
}

// Sentence is the first line, without a full stop.
func (e Pair) Sentence() string {
	name, target := clean(cmp.Or(e.List.Title, e.List.ID)), clean(e.Target.String())
	now := ""
	if e.fresh() != "" {
		now = ", asked now"
	}
	switch v := e.Verdict(); v {
	case blocklists.Listed:
		return target + " is listed by " + name + now
	case blocklists.Policy:
		return target + " is in a policy list of " + name + now
	case blocklists.Informational:
		return target + " is mentioned by " + name + now
	case blocklists.Good:
		return name + " speaks well of " + target + now
	case blocklists.Clean:
		return target + " is not listed by " + name + now
	case blocklists.Refused, blocklists.Unusable:
		return "Nothing is known about " + target + " on " + name + ": it is " + string(v) + now
	}
	return "Nothing is known about " + target + " on " + name + now
}
