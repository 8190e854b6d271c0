package acceptance

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// WayOutCheck is the [checks.Key].Check of whether anybody can be reached.
const WayOutCheck = "port25"

// leastDoors is how many receivers must be out of reach before it is our own way out that is shut.
const leastDoors = 2

// WayOut says whether any receiver could be reached at all. If none could, that is one finding about this
// machine or its provider, and says nothing about our addresses. False: too little was tried. It is pure.
func WayOut(knocks []Knock, now time.Time) (checks.Finding, bool) {
	t := checks.Monitor("port25")
	f := checks.Finding{Key: checks.Key{Check: WayOutCheck, Target: t.ID()}, Target: t, At: now.UTC(), Status: checks.OK, Code: checks.CodeMonitorWell, Summary: "receivers can be reached"}
	var out []string
	var last error
	for _, k := range knocks {
		v, tried := k.Last()
		if !tried {
			continue
		}
		if v.Stage != probes.StageConnect || v.Err == nil || errors.Is(v.Err, probes.ErrCut) {
			return f, true
		}
		if !slices.Contains(out, k.Receiver.Domain) {
			out = append(out, k.Receiver.Domain)
			f.Evidence = append(f.Evidence, checks.Evidence{Question: checks.Line(fmt.Sprintf("connect to %s for %s", v.Door, k.Receiver.Domain), 300), Answer: checks.Line(v.Err.Error(), 300), Via: "SMTP from " + from(k, v), At: v.Began.UTC()})
		}
		last = v.Err
	}
	if len(out) < leastDoors {
		return f, false
	}
	f.Status, f.Code, f.Severity = checks.Problem, checks.CodeNoWayOut, checks.Minor
	f.Summary = checks.Line(fmt.Sprintf("none of %s can be reached from here, so that nothing is known of their doors: %v", checks.Plural(len(out), "receiver"), last), 300)
	f.Facts = map[string]string{checks.FactInstruction: checks.Line(last.Error(), 300)}
	f.Evidence = f.Evidence[:min(len(f.Evidence), maxEvidence)]
	return f, true
}
