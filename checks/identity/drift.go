package identity

import (
	"time"

	"reputed/checks"
)

// Drift is a change of what is published. It is the cause of many a refusal, and by itself
// nothing to wake anybody for.
type Drift struct {
	Target      checks.Target
	What        string // [Published.What]
	Before, Now string // empty: nothing
	Since       time.Time
	At          time.Time // it changed between Since, when it was last seen as it was before, and At
}

// Unanswered is something that should be published, and of which nothing has been known for some time.
type Unanswered struct {
	Target checks.Target
	What   string
	Since  time.Time // of the first question without an answer in a row
}
