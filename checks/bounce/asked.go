package bounce

import (
	"fmt"
	"time"

	"reputed/checks"
)

// Answer is what a list said of a target when it was asked because a refusal named it.
type Answer struct {
	Status   checks.Status // Problem: listed; OK: not listed; Unknown: no usable answer
	Evidence []checks.Evidence
	At       time.Time
}

// checkLists is the [checks.Key].Check of questions to lists: that of package dnsbl.
const checkLists = "dnsbl"

// asked is the other half of the evidence of a refusal that names a list: what the list says when we
// ask it. It is worth knowing if the two disagree: the receiver may use an older or newer
// copy, ask the list another way, or name a list that it does not use.
func (o JudgeOptions) asked(target, list string) []checks.Evidence {
	a, ok := o.Answers(checks.Key{Check: checkLists, Target: target, Source: list})
	if !ok {
		return nil
	}
	e := checks.Evidence{Question: "is " + target + " on the list " + list + "?", At: a.At}
	if len(a.Evidence) > 0 {
		e = a.Evidence[0]
	}
	name := checks.Line(o.ListName(list), 80)
	switch a.Status {
	case checks.Problem:
		e.Reason = fmt.Sprintf("asked ourselves at %s: listed by %s, as the refusal says", clock(a.At), name)
	case checks.OK:
		e.Reason = fmt.Sprintf("contradiction: the refusal names %s, and asked ourselves at %s it does not list this; the receiver may have an older answer, or ask another way", name, clock(a.At))
	default:
		e.Reason = fmt.Sprintf("asked ourselves at %s: %s gave no usable answer, so the refusal alone says it", clock(a.At), name)
	}
	return []checks.Evidence{e}
}
