package acceptance

import (
	"fmt"
	"strings"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/probes"
)

// maxEvidence is how many knocks, or forms, are shown of one problem.
const maxEvidence = 5

// evidence is each conversation with the reply that decided, from where and with whom.
func evidence(k Knock) (all []checks.Evidence) {
	for _, v := range k.Visits {
		if v.Greeting.Code == 0 {
			continue // that proves nothing
		}
		reply, stage := negative(v)
		if reply.Code == 0 {
			reply, stage = v.Last(), v.Stage
		}
		all = append(all, checks.Evidence{
			Question: checks.Line(fmt.Sprintf("%s at %s for %s", stage, v.Door, k.Receiver.Domain), 300),
			Answer:   bounce.MaskText(checks.Line(reply.String(), 1000)),
			Reason:   transcript(v),
			Via:      "SMTP from " + from(k, v),
			At:       v.Began.UTC(),
		})
	}
	return all
}

// from is where a conversation came from.
func from(k Knock, v probes.Visit) string {
	switch {
	case v.Via != "":
		return k.Origin.String() + " by the proxy " + checks.Line(v.Via, 100)
	case v.From.IsValid() && v.From.String() != k.Origin.String():
		return k.Origin.String() + " (here " + v.From.String() + ")"
	}
	return k.Origin.String()
}

// transcript is a conversation in one line: "S: 554 ... / C: QUIT / S: 221 ...".
func transcript(v probes.Visit) string {
	var b strings.Builder
	for i, said := range v.Transcript {
		if i > 0 {
			b.WriteString(" / ")
		}
		who := "S: "
		if said.Ours {
			who = "C: "
		}
		b.WriteString(who + said.Text)
	}
	return bounce.MaskText(checks.Line(b.String(), 1500))
}
