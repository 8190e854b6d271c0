package alerts

import (
	"cmp"
	"slices"
	"time"

	"reputed/checks"
)

// Digest is what nobody was told at once, once a day: the small things, and what has
// become of them.
type Digest struct {
	Since, Until time.Time
	New          []Brief // opened in that time, and told to nobody
	Changed      []Brief // told before; something joined or left in that time, made it no worse, and was said nowhere
	Ended        []Brief // opened and told to nobody, ended in that time
	Open         []Brief // whatever else is not resolved
}

// Brief is one incident in a digest, worst first.
type Brief struct {
	ID       int64
	Title    string
	State    State
	Severity checks.Severity
	Opened   time.Time
	Resolved time.Time
	AckedBy  string
	Refusals int    // mails refused or deferred, as far as they were counted
	News     string // of what changed: [News] in one line
}

// NewDigest gathers the incidents of a time, and says whether there is anything to say:
// what is only still open says nothing new. It is pure.
func NewDigest(open, recent []Incident, since, until time.Time) (Digest, bool) {
	d := Digest{Since: since, Until: until}
	within := func(t time.Time) bool { return !t.Before(since) && t.Before(until) }
	for _, inc := range slices.Concat(open, recent) {
		untold := inc.LastTold.IsZero()
		switch {
		case inc.State != Resolved && untold && within(inc.Opened):
			d.New = append(d.New, inc.inBrief())
		case inc.State != Resolved && within(inc.Changed) && !inc.Silence.Holds(until) && inc.Changed.After(inc.said()):
			b := inc.inBrief()
			if n, _ := inc.news(); !n.Empty() {
				b.News = n.String()
				d.Changed = append(d.Changed, b)
				continue
			}
			d.Open = append(d.Open, b)
		case inc.State != Resolved:
			d.Open = append(d.Open, inc.inBrief())
		case untold && within(inc.Resolved):
			d.Ended = append(d.Ended, inc.inBrief())
		}
	}
	for _, all := range [][]Brief{d.New, d.Changed, d.Ended, d.Open} {
		slices.SortStableFunc(all, func(a, b Brief) int {
			return cmp.Or(-cmp.Compare(a.Severity.Rank(), b.Severity.Rank()), -cmp.Compare(a.Refusals, b.Refusals), cmp.Compare(a.ID, b.ID))
		})
	}
	return d, len(d.New)+len(d.Changed)+len(d.Ended) > 0
}

func (inc *Incident) inBrief() Brief {
	return Brief{ID: inc.ID, Title: inc.Title, State: inc.State, Severity: inc.Severity, Opened: inc.Opened, Resolved: inc.Resolved,
		AckedBy: inc.AckedBy, Refusals: inc.Impact.Refusals()}
}

// DigestAt is when the last digest was due, for one that is due each day at so many
// minutes after midnight in a zone (nil: UTC).
func DigestAt(now time.Time, minute int, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := now.In(zone).Date()
	at := func(day int) time.Time { return time.Date(y, m, day, minute/60, minute%60, 0, 0, zone).UTC() }
	if today := at(d); !today.After(now) {
		return today
	}
	return at(d - 1)
}
