package alerts

import "time"

// Review is what happened in a time that is over: the report that is told once in each of them. It
// is written out already, so that every channel says the same.
type Review struct {
	Since, Until time.Time
	Title        string // in one sentence, without a full stop
	Zone         string // of the times in the lines: "CET"; empty: UTC
	Sections     []ReviewSection
}

// ReviewSection is one subject of a review.
type ReviewSection struct {
	Title string
	// Lines are clean ([checks.Line]), the most important first. They may hold text from outside.
	Lines []string
}

// General says whether a notification is about no single incident: a digest or a review.
func (n Notification) General() bool { return n.Digest != nil || n.Review != nil }
