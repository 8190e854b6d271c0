package alerts

import (
	"time"

	"reputed/checks"
)

// Policy is how calm or loud to be.
type Policy struct {
	RemindCritical time.Duration   // how often an unacknowledged critical incident is told again; 0 never
	RemindMajor    time.Duration   // the same for major; minor and informational are never repeated
	MinSeverity    checks.Severity // the least that is told
	FirstRun       bool            // targets are looked at for the first time: what is bad is "already listed"
}

// Input is everything that [Fold] decides with.
type Input struct {
	Open     []Incident // every incident that is not resolved
	Recent   []Incident // resolved within RelapseWindow
	Findings []checks.Finding
	Impacts  []checks.Impact // what open problems cost, by target
	Policy   Policy
	Now      time.Time
}

// RelapseWindow is how long after its end a problem that comes back is the same history.
const RelapseWindow = 30 * 24 * time.Hour

// Fold gives the changes that the findings cause, in an order that can be
// written as it is: at most one change for each incident. It is a pure function:
// equal input gives equal output, and nothing is kept between calls.
func Fold(in Input) []Change { return nil }
