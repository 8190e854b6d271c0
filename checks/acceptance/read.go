package acceptance

import (
	"errors"
	"fmt"
	"strings"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/probes"
)

// Reading is how one visit reads.
type Reading struct {
	Outcome    Outcome
	Diagnostic bounce.Diagnostic // the reply that decided; zero where there was none
	Judgement  bounce.Judgement  // of a reply that says no
	Reason     string            // for everything but a plain yes or a refusal
}

// Read says what a visit came to. It is pure. A refusal is judged by the rules that bounces are judged by, so that a
// door and a bounce tell of the same vendor in the same words.
func Read(rules *bounce.Rules, v probes.Visit) Reading {
	reply, stage := negative(v)
	if reply.Code == 0 {
		return unrefused(v)
	}
	d := diagnose(reply, stage)
	j := rules.Classify(d, v.Door.Host)
	out := Reading{Outcome: NoAnswer, Diagnostic: d, Judgement: j}
	switch {
	case j.Reputation, faceless(d, j):
		out.Outcome = Refused
	case reply.Code == 421:
		out.Outcome, out.Reason = Busy, "told 421: it is busy, or has enough of us"
	case stage == probes.StageMail || stage == probes.StageRcpt: // greeted, and let in so far
		out.Outcome, out.Reason = Accepted, fmt.Sprintf("the door is open; then it says %s, which is no refusal for who we are", checks.Line(reply.String(), 200))
	default:
		out.Reason = "a fault of its own: " + checks.Line(reply.String(), 200)
	}
	return out
}

// named is who refused, by the reply itself.
func (r Reading) named() string {
	if r.Outcome != Refused || r.Judgement.Blocklist != "" {
		return "" // the operator of a list stands before nobody
	}
	return r.Judgement.Vendor
}

// faceless says whether a server refuses with 5yz in the greeting and gives no reason: at that point only our
// address can have been judged. A reply that calls itself a fault of the system is no such refusal.
func faceless(d bounce.Diagnostic, j bounce.Judgement) bool {
	return d.Stage == "greeting" && strings.HasPrefix(d.Reply, "5") && (j.Category == bounce.Policy || j.Category == bounce.Other) && j.Certainty == bounce.Guess
}

// unrefused reads a visit in which nothing said no.
func unrefused(v probes.Visit) Reading {
	let := v.Greeting.Code == 220 && v.EHLO.Positive()
	switch {
	case v.Err == nil && let:
		return Reading{Outcome: Accepted}
	case let && errors.Is(v.Err, probes.ErrTLS):
		return Reading{Outcome: Accepted, Reason: "the door is open; TLS fails, which is no refusal: " + fault(v.Err)}
	case let && answered(v):
		return Reading{Outcome: Accepted}
	case v.Err == nil:
		return Reading{Outcome: NoAnswer, Reason: "an answer that nobody expects: " + checks.Line(v.Last().String(), 200)}
	}
	return Reading{Outcome: NoAnswer, Reason: fault(v.Err)}
}

// answered says whether everything was answered that the door was asked for, and only the farewell failed.
func answered(v probes.Visit) bool {
	if len(v.Asked) != len(v.Door.Envelopes) || len(v.Asked) == 0 {
		return false
	}
	for _, a := range v.Asked {
		if len(a.Rcpts) != len(a.Envelope.Recipients) {
			return false
		}
	}
	return true
}

func fault(err error) string { return checks.Line(err.Error(), 200) }

// negative is the first reply that says no, and where.
func negative(v probes.Visit) (probes.Reply, probes.Stage) {
	no := func(r probes.Reply) bool { return r.Code >= 400 }
	switch {
	case no(v.Greeting):
		return v.Greeting, probes.StageGreeting
	case no(v.EHLO):
		return v.EHLO, probes.StageEHLO
	}
	for _, a := range v.Asked {
		if no(a.Mail) {
			return a.Mail, probes.StageMail
		}
		for _, r := range a.Rcpts {
			if no(r) {
				return r, probes.StageRcpt
			}
		}
	}
	return probes.Reply{}, ""
}

// diagnose gives a reply the form that refusals are classified in.
func diagnose(r probes.Reply, stage probes.Stage) bounce.Diagnostic {
	d, _, _ := bounce.Diagnose(checks.Line(r.String(), 4000))
	d.Reply, d.Stage = fmt.Sprint(r.Code), string(stage)
	return d
}
