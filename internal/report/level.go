package report

import "reputed/checks"

// Level is a state of the monitoring-plugin convention, and as a number the exit code of
// check, status and "lists test".
type Level int

const (
	LevelOK       Level = 0 // asked, answered, nothing wrong
	LevelWarning  Level = 1 // something minor or policy
	LevelCritical Level = 2 // something critical or major
	LevelUnknown  Level = 3 // could not tell
)

// String is the word that a monitoring plugin prints.
func (l Level) String() string {
	switch l {
	case LevelOK:
		return "OK"
	case LevelWarning:
		return "WARNING"
	case LevelCritical:
		return "CRITICAL"
	}
	return "UNKNOWN"
}

// style is the colour of a sentence that says it in words.
func (l Level) style() style {
	switch l {
	case LevelOK:
		return good
	case LevelWarning:
		return warn
	case LevelCritical:
		return bad
	}
	return unknown
}

// Tally is all that decides a [Level], whatever the report is about.
type Tally struct {
	// Worst is the highest severity found, of problems that are not mere policy statements.
	Worst checks.Severity
	// Policy says that a policy list holds a target. It weighs as something minor
	// whatever its severity: nobody accuses the sender of anything.
	Policy bool
	// CriticalUnknown says that a list of severity critical, or something as
	// important, could not be asked.
	CriticalUnknown bool
	Asked           int // questions asked
	Unknown         int // of these, without a usable answer: unknown, refused or unusable
}

// Level applies the convention of the design in its order: what is known comes before what
// is not, so 2 and 1 always mean that something was found, and 3 that nothing was
// found and the asking was not good enough to say "nothing is there". Whoever asks nothing
// cannot tell.
func (t Tally) Level() Level {
	switch {
	case t.Worst.Rank() >= checks.Major.Rank():
		return LevelCritical
	case t.Worst == checks.Minor || t.Policy:
		return LevelWarning
	case t.CriticalUnknown || t.Asked == 0 || 2*t.Unknown > t.Asked:
		return LevelUnknown
	}
	return LevelOK
}
