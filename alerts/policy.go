package alerts

import (
	"time"

	"reputed/checks"
)

// Policy is how calm or loud to be, and whom to tell.
type Policy struct {
	RemindCritical time.Duration   // how often an unacknowledged critical incident is told again; 0 never
	RemindMajor    time.Duration   // the same for major; minor and informational are never repeated
	MinSeverity    checks.Severity // the least that is told at once, the rest is for the digest; empty means all
	Quiet          QuietHours      // in which only pages are told
	Escalate       Escalation
	Routes         []Route  // in order; for each finding the first that fits says whom to tell
	Channels       []string // whom to tell of what no route fits
	Threads        []string // channels that can answer their own message and call nobody by it ([News])
}

// Class is how loudly something is told.
type Class string

const (
	Page     Class = "page"   // at any hour
	Notice   Class = "notice" // at once, in quiet hours when they are over
	Digested Class = "digest" // once a day, in a summary
)

// Class is how loudly an incident is told: a page is what is critical, or costs mail
// that was counted, and more of it than a few of very many.
func (p Policy) Class(inc *Incident) Class {
	rank := inc.Severity.Rank()
	switch {
	case rank < p.MinSeverity.Rank() || rank <= checks.Informational.Rank():
		return Digested
	case inc.Severity == checks.Critical, rank >= checks.Major.Rank() && inc.Impact.Refusals() > 0 && !few(inc.Impact):
		return Page
	}
	return Notice
}

// A single refusal is what every large sender sees every night: fewer than so many mails, and less than one in so many of
// those that were counted, wake nobody. Where nothing is counted, any refusal does.
const (
	fewMails = 5
	ofMany   = 100
)

// few says whether the mails that are refused are few of very many.
func few(i checks.Impact) bool {
	n := i.Refusals()
	return n < fewMails && n*ofMany < i.Deliveries()+i.Before.Delivered
}

// QuietHours are hours of each day, in the zone of those who sleep. The zero value is none.
type QuietHours struct {
	From, To int            // minutes after midnight; From after To is over midnight, equal is never
	Zone     *time.Location // nil: UTC
}

// Until says whether now is in quiet hours, and when they end. On a day whose clock
// is put forward or back they end by that clock.
func (q QuietHours) Until(now time.Time) (end time.Time, quiet bool) {
	if q.From == q.To {
		return time.Time{}, false
	}
	zone := q.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	y, m, d := local.Date()
	at := func(day, minute int) time.Time { return time.Date(y, m, day, minute/60, minute%60, 0, 0, zone) }
	// Those that began yesterday, and those of today.
	for _, day := range []int{d - 1, d} {
		from, to := at(day, q.From), at(day, q.To)
		if q.From > q.To {
			to = at(day+1, q.To)
		}
		if !local.Before(from) && local.Before(to) {
			return to.UTC(), true
		}
	}
	return time.Time{}, false
}

// Escalation is whom to tell of a page that nobody has acknowledged.
type Escalation struct {
	After    time.Duration // 0: never
	Channels []string
}
