package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Report is how things stand: what every form of `reputed status` shows.
type Report struct {
	Input
	Now     time.Time
	Loud    []IncidentView // what costs mail or may, worst first
	Silence []IncidentView // quiet on purpose: silenced by a person, or informational
	Blind   string         // why "all clear" cannot be said; empty: it can
	// Unreliable are the sources whose word comes and goes so fast that nobody can act on it.
	Unreliable []Unreliable
	tally      Tally
	clock      func(time.Time) string // writes times as those of the clock, and not as ages; nil: as ages
}

// Unreliable is a source whose word is not to be relied on here, and the incident that shows it.
type Unreliable struct {
	Source   string // a list's id, or who refused
	Incident int64
}

// Build sorts out how things stand. It is a pure function.
func Build(in Input, now time.Time) Report {
	r := Report{Input: in, Now: now}
	for _, v := range in.Incidents {
		if v.Incident.State == alerts.Silenced || v.Incident.Severity.Rank() <= checks.Informational.Rank() {
			r.Silence = append(r.Silence, v)
			continue
		}
		r.Loud = append(r.Loud, v)
	}
	// What is told at once comes first, then what costs most, then what lasts longest.
	slices.SortStableFunc(r.Loud, func(a, b IncidentView) int {
		return cmp.Or(cmp.Compare(b.Incident.Severity.Rank(), a.Incident.Severity.Rank()),
			cmp.Compare(b.Incident.Impact.Refusals(), a.Incident.Impact.Refusals()), a.Incident.Opened.Compare(b.Incident.Opened))
	})
	all := make([]alerts.Incident, 0, len(in.Incidents))
	for _, v := range in.Incidents {
		all = append(all, v.Incident)
	}
	flapping := alerts.Unreliable(all)
	for _, source := range slices.Sorted(maps.Keys(flapping)) {
		r.Unreliable = append(r.Unreliable, Unreliable{source, flapping[source]})
	}
	r.Blind = r.blind()
	r.tally = Tally{Asked: 1, CriticalUnknown: r.Blind != "" || len(r.ByHand) > 0}
	for _, v := range r.Loud {
		if onlyPolicy(v.Incident) {
			r.tally.Policy = true
			continue
		}
		r.tally.Worst = checks.Worse(r.tally.Worst, v.Incident.Severity)
	}
	return r
}

// onlyPolicy says whether nothing but policy lists is behind an incident.
func onlyPolicy(i alerts.Incident) bool {
	return len(i.Members) > 0 && !slices.ContainsFunc(i.Members, func(m alerts.Member) bool {
		return !m.Clear && m.Finding.Code != checks.CodePolicy && m.Finding.Code != checks.CodeInformational
	})
}

// Level is the exit code.
func (r Report) Level() Level { return r.tally.Level() }

// staleAfter is the default of Input.StaleAfter.
const staleAfter = 2 * time.Hour

// blind says why the monitor cannot vouch for what it does not report.
func (r Report) blind() string {
	stale := cmp.Or(r.StaleAfter, staleAfter)
	critical := 0
	var names []string
	for _, l := range r.Silent {
		if l.Severity == checks.Critical {
			critical++
			names = append(names, clean(cmp.Or(l.Name, l.ID)))
		}
	}
	since, why := r.sightless()
	switch {
	case r.Trouble != "":
		return clean(r.Trouble)
	case r.unstored():
		return "nothing is stored of that time"
	case r.past() && r.Round.Ended.IsZero():
		return "no round had been finished by then"
	case r.past(): // whether the daemon ran then, the rounds say
	case !r.Daemon.Alive && r.Daemon.Beat.IsZero():
		return "no daemon runs on this database"
	case !r.Daemon.Alive:
		return "the daemon is not running, last sign of life " + r.moment(r.Daemon.Beat)
	case r.Round.Ended.IsZero():
		return "no round has been finished yet"
	}
	switch {
	case r.Now.Sub(r.Round.Ended) > stale:
		return "the last complete round was " + r.at(r.Round.Ended)
	case why != "":
		return why + " " + r.lasting(since)
	case 2*r.Round.Unanswered > r.Round.Questions || r.Watched.Lists > 0 && 2*len(r.Silent) > r.Watched.Lists:
		return "more than half of what was asked had no answer"
	case critical > 0:
		return some(names, 2) + " could not be asked"
	}
	return ""
}

// unstored says whether the report is about a moment of which nothing is stored.
func (r Report) unstored() bool { return r.past() && (r.Kept.IsZero() || r.Now.Before(r.Kept)) }

// past says whether the report is about a moment that has gone.
func (r Report) past() bool { return !r.LookedAt.IsZero() }

// sightless says since when the lists could not be asked as a whole, and why; empty: they can.
// An open incident says so: the rounds since then are no complete ones, and what
// the last complete one says of the lists holds no longer.
func (r Report) sightless() (since time.Time, why string) {
	for _, v := range r.Incidents {
		for _, m := range v.Incident.Members {
			switch {
			case m.Clear:
			case m.Finding.Code == checks.CodeRewriting:
				return m.First, "the resolver has been inventing answers"
			case m.Finding.Code == checks.CodeBlind:
				return m.First, "most lists have not answered"
			}
		}
	}
	return time.Time{}, ""
}

// Verdict is the first line: how things stand, in one sentence without a full stop.
func (r Report) Verdict() string {
	var s string
	switch {
	case len(r.Loud) > 0:
		s = r.incidents()
		if !r.Daemon.Alive && !r.past() {
			s = "The daemon is not running; when it stopped: " + s
		} else if r.Blind != "" {
			s += "; for the rest, " + r.Blind
		} else if ended := r.ended(); ended != "" {
			s += "; besides, " + ended
		}
	case r.Blind == "" && len(r.ByHand) > 0:
		s = "Cannot tell before the next look: " + r.ended()
	case r.Blind != "":
		s = "Cannot tell: " + r.Blind
		if ended := r.ended(); ended != "" {
			s += "; " + ended
		} else if !r.Round.Ended.IsZero() {
			s += "; nothing was wrong in the last complete round, " + r.moment(r.Round.Ended)
			if r.Daemon.Alive || r.past() {
				s = "Cannot tell: " + r.Blind + "; nothing is wrong as far as is known"
			}
		}
	default:
		clear := "All clear"
		if n := r.silenced(); n > 0 {
			clear += " but for " + plural(n, "silenced incident", "silenced incidents")
		}
		s = fmt.Sprintf(clear+": %s on %s, last complete round %s", r.Watched.subject(), plural(r.Watched.Lists, "list", "lists"), r.moment(r.Round.Ended))
	}
	return s
}

// silenced is how many incidents people have silenced.
func (r Report) silenced() int {
	n := 0
	for _, v := range r.Silence {
		if v.Incident.State == alerts.Silenced {
			n++
		}
	}
	return n
}

// subject is "3 addresses and 1 domain".
func (w Watched) subject() string {
	return subject(w.Addresses, w.Domains)
}

// incidents is "2 incidents, 1 unacknowledged, mail to Microsoft is being refused".
func (r Report) incidents() string {
	unacked, acked := 0, 0
	var refused, deferred []string
	still := map[string]bool{} // receivers that have not taken a mail after their last refusal, as far as is known
	for _, v := range r.Loud {
		switch v.Incident.State {
		case alerts.Open:
			unacked++
		case alerts.Acknowledged:
			acked++
		}
		for _, x := range refusing(v.Incident.Impact) {
			names, name := &refused, receiverName(x)
			if x.Refused.N == 0 {
				names = &deferred
			}
			if !slices.Contains(*names, name) {
				*names = append(*names, name)
			}
			still[name] = still[name] || x.Accepted.IsZero()
		}
	}
	parts := []string{plural(len(r.Loud), "incident", "incidents")}
	switch {
	case unacked == len(r.Loud):
		parts = append(parts, "unacknowledged")
	case unacked > 0:
		parts = append(parts, number(unacked)+" unacknowledged")
	case acked == len(r.Loud):
		parts = append(parts, "acknowledged")
	}
	for _, x := range []struct {
		done  string
		names []string
	}{{"refused", refused}, {"deferred", deferred}} {
		over := slices.DeleteFunc(slices.Clone(x.names), func(name string) bool { return still[name] })
		switch now := slices.DeleteFunc(x.names, func(name string) bool { return !still[name] }); {
		case len(now) > 0: // those that are over say so in their incidents
			parts = append(parts, "mail to "+some(now, 2)+" is being "+x.done)
		case len(over) > 0:
			parts = append(parts, "mail to "+some(over, 2)+" was "+x.done+", and is taken again")
		}
	}
	return strings.Join(parts, ", ")
}

// Health is the second line: how the monitor itself is.
func (r Report) Health() string {
	if r.Trouble != "" {
		return "nothing is known about it"
	}
	var parts []string
	switch {
	case r.past():
		parts = append(parts, "how it was then is not stored")
	case r.Daemon.Alive:
		parts = append(parts, "running "+r.lasting(r.Daemon.Started))
	case r.Daemon.Beat.IsZero() && r.Round.Ended.IsZero():
		parts = append(parts, "not running (systemctl start reputed, or reputed run, starts it)")
	case r.Daemon.Beat.IsZero(): // it was stopped, or did not start again
		parts = append(parts, "not running (journalctl -u reputed, or its log, says why)")
	default:
		parts = append(parts, "NOT RUNNING, last sign of life "+r.moment(r.Daemon.Beat))
	}
	switch {
	case !r.Round.Ended.IsZero():
		parts = append(parts, "last complete round "+r.moment(r.Round.Ended))
	case !r.past():
		parts = append(parts, "no complete round yet")
	default:
		parts = append(parts, "no complete round before")
	}
	switch {
	case !r.Daemon.Alive && !r.past():
	case !r.Running.IsZero():
		parts = append(parts, "one under way "+r.lasting(r.Running))
	case !r.NextRound.IsZero():
		parts = append(parts, "next "+r.coming(r.NextRound))
	}
	_, sightless := r.sightless()
	switch lists := r.Watched.Lists; {
	case r.Round.Ended.IsZero(): // none has been asked to the end
	case sightless != "":
		parts = append(parts, sightless)
	case lists > 1 && len(r.Silent) == 0:
		parts = append(parts, "all "+number(lists)+" lists answer")
	case lists > 0:
		parts = append(parts, fmt.Sprintf("%s of %s answer", number(lists-len(r.Silent)), plural(lists, "list", "lists")))
	}
	parts = append(parts, fraction(len(r.Mailboxes), "mailbox", "mailboxes", "read"+r.mailboxPosition(), "not read yet",
		count(r.Mailboxes, func(m Mailbox) bool { return !m.Failing.IsZero() }),
		count(r.Mailboxes, Mailbox.untried)))
	parts = append(parts, fraction(len(r.Logs), "log", "logs", "read"+r.logPosition(), "not read yet",
		count(r.Logs, func(l Log) bool { return !l.Failing.IsZero() }),
		count(r.Logs, Log.untried)))
	parts = append(parts, fraction(len(r.Channels), "channel", "channels", "working", "idle",
		count(r.Channels, func(c Channel) bool { return !c.Failing.IsZero() }),
		count(r.Channels, func(c Channel) bool { return c.Failing.IsZero() && c.SentAt.IsZero() })))
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// mailboxPosition is how far mailboxes are read, if they are: of one, up to which mail; of several,
// when the one that was looked at longest ago was.
func (r Report) mailboxPosition() string {
	var oldest time.Time
	for _, m := range r.Mailboxes {
		if oldest.IsZero() || m.ReadAt.Before(oldest) {
			oldest = m.ReadAt
		}
	}
	switch {
	case oldest.IsZero():
		return ""
	case len(r.Mailboxes) == 1 && r.Mailboxes[0].UID > 0:
		return fmt.Sprintf(" (UID %d, %s)", r.Mailboxes[0].UID, r.moment(oldest))
	}
	return " (" + r.moment(oldest) + ")"
}

// logPosition is up to which event logs are read, of several that told of any the one that is furthest back.
func (r Report) logPosition() string {
	var upto time.Time
	for _, l := range r.Logs {
		if !l.Upto.IsZero() && (upto.IsZero() || l.Upto.Before(upto)) {
			upto = l.Upto
		}
	}
	if upto.IsZero() {
		return ""
	}
	return " (latest event " + r.moment(upto) + ")"
}

// untried says whether nobody has tried to read the mailbox yet, so that nothing is known of it.
func (m Mailbox) untried() bool { return m.Failing.IsZero() && m.UID == 0 && m.ReadAt.IsZero() }

// fraction is "1 channel working", "1 channel failing" or "1 of 2 channels failing"; empty for none at
// all. Untried are those of which nothing is known, neither good nor bad.
func fraction(n int, one, many, well, unknown string, failing, untried int) string {
	switch {
	case n == 0:
		return ""
	case failing == 0 && untried == n:
		return plural(n, one, many) + " " + unknown
	case failing == 0 && untried > 0:
		return number(untried) + " of " + plural(n, one, many) + " " + unknown
	case failing == 0:
		return plural(n, one, many) + " " + well
	case failing == n:
		return plural(n, one, many) + " failing"
	}
	return number(failing) + " of " + plural(n, one, many) + " failing"
}

func count[T any](in []T, is func(T) bool) int {
	n := 0
	for _, x := range in {
		if is(x) {
			n++
		}
	}
	return n
}

// plugin is the text and the performance data of the one line of a monitoring plugin.
func (r Report) plugin() (string, []perf) {
	queued := 0
	for _, c := range r.Channels {
		queued += c.Queued
	}
	age := 0
	if !r.Round.Ended.IsZero() {
		age = max(int(r.Now.Sub(r.Round.Ended)/time.Second), 0)
	}
	return r.Verdict(), []perf{
		{"incidents", len(r.Loud)},
		{"unacknowledged", count(r.Loud, func(v IncidentView) bool { return v.Incident.State == alerts.Open })},
		{"silent_lists", len(r.Silent)}, {"queued_notices", queued}, {"round_age_seconds", age},
	}
}
