package reputation

import (
	"strconv"
	"time"

	"reputed/checks"
)

// CheckName is the check part of the keys of this package's findings.
const CheckName = "reputation"

// Level is a rating on a ladder that all sources share. Each source says which of its
// own words and numbers are which.
type Level string

const (
	Good    Level = "good"
	Neutral Level = "neutral" // neither: little mail, or nothing to be said
	Poor    Level = "poor"    // some receivers defer or filter for it
	Bad     Level = "bad"     // receivers refuse for it
	None    Level = "none"    // the source has no data or no entry
)

// Rank orders levels from good, 4, to bad, 1; none and any other text are 0.
func (l Level) Rank() int {
	switch l {
	case Good:
		return 4
	case Neutral:
		return 3
	case Poor:
		return 2
	case Bad:
		return 1
	}
	return 0
}

// How is how a reading was had.
type How string

const (
	Measured How = "measured" // the source was asked
	Recorded How = "recorded" // a person read a page and wrote it down
	Inferred How = "inferred" // receivers that use the source refuse mail; it is never stored
)

// Reading is what one source says of one target at one time.
type Reading struct {
	Source   string // [Source].ID
	Target   checks.Target
	Value    string  // in the words of the source, one line: "62, poor", "RED", "0.34 %"
	Number   float64 // where it is one, in the unit of the source
	Numbered bool
	Level    Level
	How      How
	By       string // who recorded it; empty for the other two
	Note     string // of that person, or what the source says besides; one line
	At       time.Time
	Evidence checks.Evidence // of a measured one
}

// Span is a run of equal readings, without a gap.
type Span struct {
	Reading           // the latest of them
	First   time.Time // of the earliest
	Count   int       // how many
}

// MaxGap is how far apart two equal readings are still one run.
const MaxGap = 4 * 24 * time.Hour

// Same says whether two readings say the same, so that one span holds both. The evidence
// and the time play no part; what a person wrote does.
func (r Reading) Same(o Reading) bool {
	return r.Source == o.Source && r.Target.ID() == o.Target.ID() && r.Value == o.Value && r.Level == o.Level &&
		r.How == o.How && r.By == o.By && r.Note == o.Note
}

// Continues says whether r belongs to the span: it says the same, comes later, and not
// much later. A reading of the same instant is the same reading, and belongs to it too.
func (r Reading) Continues(s Span) bool {
	return r.Same(s.Reading) && !r.At.Before(s.At) && r.At.Sub(s.At) <= MaxGap
}

// number is how numbers stand in values: without digits that say nothing.
func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
