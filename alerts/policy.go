package alerts

import (
	"fmt"
	"slices"
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
	Routes         []Route  // in order; the first that fits says whom to tell
	Channels       []string // whom to tell where no route fits
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

// Route says whom to tell of some incidents. An incident fits if each of Pools, Tags,
// Lists, Severities and Classes that is not empty holds something of it: of a finding
// that is not clear, or of any if all are. Of Lists the worst finding decides, which the
// incident is named after: who sends a small list to nobody has not meant the refusals
// that joined it.
type Route struct {
	Pools      []string
	Tags       []string
	Lists      []string // ids of lists, or who refused as a key's Source has it
	Severities []checks.Severity
	Classes    []Class
	Channels   []string // may be empty: nobody, and the reason is on record
}

// route gives whom to tell of a change, and the reason where that is nobody. The end of
// an incident, and all that comes in between, goes to those who heard of it before.
func (p Policy) route(inc *Incident, kind ChangeKind) (channels []string, why string) {
	switch kind {
	case Ended, SilenceEnding:
		return inc.Told, "no channel has told of it"
	case Escalated:
		return union(nil, p.Escalate.Channels), "no channel to escalate to"
	}
	class := p.Class(inc)
	for i, r := range p.Routes {
		if r.fits(inc, class) {
			return union(inc.Told, r.Channels), fmt.Sprintf("route %d sends it to no channel", i+1)
		}
	}
	return union(inc.Told, p.Channels), "no channel is configured to tell"
}

func (r Route) fits(inc *Incident, class Class) bool {
	if len(r.Severities) > 0 && !slices.Contains(r.Severities, inc.Severity) || len(r.Classes) > 0 && !slices.Contains(r.Classes, class) {
		return false
	}
	all := inc.allClear()
	match := func(want []string, of func(checks.Finding) []string) bool {
		return len(want) == 0 || slices.ContainsFunc(inc.Members, func(m Member) bool {
			return (all || !m.Clear) && slices.ContainsFunc(of(m.Finding), func(have string) bool { return slices.Contains(want, have) })
		})
	}
	return match(r.Pools, func(f checks.Finding) []string { return []string{f.Target.Pool} }) &&
		match(r.Tags, func(f checks.Finding) []string { return f.Target.Tags }) &&
		(len(r.Lists) == 0 || len(inc.Members) > 0 && slices.Contains(r.Lists, slices.MinFunc(inc.Members, compareMembers).Finding.Key.Source))
}

// union is all of both, each once, in order of name.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
