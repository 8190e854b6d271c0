package report

import (
	"time"

	"reputed/checks"
)

// EndedByHand is something that was wrong when it was last looked at, and whose incident a person has ended since: until the
// next look nobody knows whether it still is.
type EndedByHand struct {
	Incident int64
	Target   string // Target.String
	What     string // what stood there, after "192.0.2.10": "was listed by SpamCop"
	Seen     time.Time
}

// ended says what stands though its incident was ended by hand; empty: nothing does.
func (r Report) ended() string {
	if len(r.ByHand) == 0 {
		return ""
	}
	s := r.ByHand[0]
	for _, other := range r.ByHand[1:] {
		if other.Seen.After(s.Seen) {
			s = other
		}
	}
	text := checks.Line(s.Target, 80) + " " + clean(s.What)
	if rest := len(r.ByHand) - 1; rest > 0 {
		text += ", and " + plural(rest, "more finding was so", "more findings were so") + ","
	}
	return text + " when last asked, " + r.moment(s.Seen) + ", and incident " + number(int(s.Incident)) + " was ended by hand"
}
