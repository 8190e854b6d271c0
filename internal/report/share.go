package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Share is how one pool stands, for people outside: its customers, and those who manage it. It is
// built of what belongs to the pool's targets and of nothing else, and holds no text from outside, no name of
// a person and no note, so that no renderer of it can give any of these away.
type Share struct {
	Pool  string
	Gone  bool // the pool is not in the configuration any more: there is nothing else here
	Now   time.Time
	Until time.Time // when the link ends

	Watched Watched   // of the pool; without addresses and domains: they are found by their names
	Checked time.Time // end of the last complete round; zero: there was none
	// Unsure is why what is not told here may be so all the same, a sentence without a full stop; empty: it may not.
	Unsure    string
	Incidents []ShareIncident // not over, those that cost mail first
	Over      []ShareIncident // lately over, the latest first
	Refusals  Timeline
	Looked    bool // something is read that could show a refusal
}

// ShareIncident is the part of one incident that is about the targets of a pool.
type ShareIncident struct {
	What     []string // "192.0.2.10: listed on a blocklist (SpamCop)"
	Minor    bool     // for information: it costs no mail
	Since    time.Time
	Ended    time.Time // zero: it is not over
	Refusals int       // mails refused or deferred, of these targets
	Cost     string
	Done     []string  // what is being done, sentence by sentence
	Unknown  time.Time // since when nothing can be said of any of it; zero: it can
}

// ShareInput is what a [Share] is built from.
type ShareInput struct {
	Pool      string
	Until     time.Time
	Watched   Watched
	Status    Report // of its incidents nothing is read
	Incidents []SharePart
	Refusals  Timeline // of the pool's targets alone, as are its marks
	Looked    bool
}

// SharePart is an incident of which only the members of the pool are left.
type SharePart struct {
	Incident alerts.Incident
	Impact   checks.Impact                // of the pool's targets alone
	Asked    []alerts.Asked               // removals that concern them; List is a name for people
	Name     func(m alerts.Member) string // who says so, for people; empty: it goes without saying
}

// shareOver is how long what is over is still told.
const shareOver = 30 * 24 * time.Hour

// ShareSpan is how much of the past a share tells of.
const ShareSpan = shareOver

// BuildShare is pure.
func BuildShare(in ShareInput, t Term, now time.Time) Share {
	s := Share{Pool: clean(in.Pool), Now: now, Until: in.Until, Watched: in.Watched, Checked: in.Status.Round.Ended, Refusals: in.Refusals, Looked: in.Looked, Unsure: in.Status.unsure()}
	for _, p := range in.Incidents {
		i := p.part(t, now)
		switch {
		case i.Ended.IsZero():
			s.Incidents = append(s.Incidents, i)
		case now.Sub(i.Ended) < shareOver:
			s.Over = append(s.Over, i)
		}
	}
	slices.SortStableFunc(s.Incidents, func(a, b ShareIncident) int {
		minor := func(i ShareIncident) int {
			if i.Minor {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(minor(a), minor(b)), cmp.Compare(b.Refusals, a.Refusals), a.Since.Compare(b.Since))
	})
	slices.SortStableFunc(s.Over, func(a, b ShareIncident) int { return b.Ended.Compare(a.Ended) })
	return s
}

// unsure says in words for people outside why the monitor cannot vouch for what it does not report. The
// words of [Report.Blind] name lists and parts of the monitor.
func (r Report) unsure() string {
	switch {
	case r.Trouble != "":
		return "how things stand could not be read just now"
	case r.Round.Ended.IsZero():
		return "nothing has been checked to the end yet"
	case r.Blind == "" && len(r.ByHand) > 0:
		return "what was closed by hand has not been looked at since"
	case r.Blind == "":
		return ""
	case !r.Daemon.Alive:
		return "the monitor is not running, and what has changed since it stopped is not known"
	case r.Now.Sub(r.Round.Ended) > cmp.Or(r.StaleAfter, staleAfter):
		return "the last complete check is older than it should be"
	}
	return "not everything could be checked lately"
}

// part is what may be told of an incident.
func (p SharePart) part(t Term, now time.Time) ShareIncident {
	i := ShareIncident{Refusals: p.Impact.Refusals(), Minor: true, Ended: p.Incident.Resolved}
	if p.Incident.State != alerts.Resolved {
		i.Ended = time.Time{}
	}
	unknown, open := true, false
	var cleared time.Time
	for _, m := range p.Incident.Members {
		if i.Since.IsZero() || m.First.Before(i.Since) {
			i.Since = m.First
		}
		if m.ClearSince.After(cleared) {
			cleared = m.ClearSince
		}
		if m.Clear {
			continue
		}
		open = true
		if m.Unknown.IsZero() {
			unknown = false
		} else if i.Unknown.IsZero() || m.Unknown.After(i.Unknown) {
			i.Unknown = m.Unknown
		}
	}
	if !unknown || !open {
		i.Unknown = time.Time{}
	}
	if !open && i.Ended.IsZero() { // the rest of it is about others
		i.Ended = cleared
	}
	over := !i.Ended.IsZero()
	i.What, i.Minor = p.what(over)
	i.Minor = i.Minor && i.Refusals == 0
	costs := p.Incident
	costs.Impact = p.Impact
	if !i.Minor && costs.CostsMail() {
		i.Cost = t.Cost(p.Impact, now)
	}
	i.Done = p.done(t, now, over, i.Minor)
	return i
}

// what says what the members are, put together by what they say; minor: none of them costs mail.
// Of what is not over, only what is so still.
func (p SharePart) what(over bool) (all []string, minor bool) {
	minor = true
	type kind struct {
		code checks.Code
		name string
	}
	type of struct {
		kind
		target string
	}
	var kinds []kind
	targets, said := map[kind][]string{}, map[of]bool{}
	for _, m := range p.Incident.Members {
		if m.Clear && !over {
			continue
		}
		minor = minor && m.Finding.Severity.Rank() <= checks.Informational.Rank()
		k, target := kind{m.Finding.Code, checks.Line(p.Name(m), 80)}, m.Finding.Target.String()
		if said[of{k, target}] {
			continue
		}
		said[of{k, target}] = true
		if targets[k] == nil {
			kinds = append(kinds, k)
		}
		targets[k] = append(targets[k], target)
	}
	for _, k := range kinds {
		title := k.code.Title()
		s := some(targets[k], 3) + ": " + strings.ToLower(title[:1]) + title[1:]
		if k.name != "" {
			s += " (" + k.name + ")"
		}
		all = append(all, s)
	}
	return all, minor
}

// done says what is being done, without saying by whom.
func (p SharePart) done(t Term, now time.Time, over, minor bool) []string {
	var all []string
	i := p.Incident
	for _, a := range p.Asked {
		s := "removal requested of " + checks.Line(a.List, 80) + " " + t.clock(a.At, now)
		switch {
		case !a.Cleared.IsZero():
			s += ", and granted " + t.clock(a.Cleared, now)
		case over:
		case a.Promised > 0:
			s += "; it takes about " + span(a.Promised) + " as they say"
		default:
			s += "; no answer yet"
		}
		all = append(all, s)
	}
	if over {
		return all
	}
	switch {
	case i.State == alerts.Silenced:
		all = append(all, "known, and watched without alarms until "+t.clock(i.Silence.Until, now))
	case !i.AckedAt.IsZero():
		all = append(all, "acknowledged "+t.since(i.AckedAt, now))
	case !minor:
		all = append(all, "not acknowledged yet")
	}
	if i.State == alerts.Clearing {
		all = append(all, "no longer seen, and watched until that is certain")
	}
	return all
}

// Level is how the pool stands: critical if mail is refused, warning if something is wrong.
func (s Share) Level() Level {
	worst := LevelOK
	if s.Unsure != "" {
		worst = LevelUnknown
	}
	for _, i := range s.Incidents {
		switch {
		case i.Minor:
		case i.Refusals > 0:
			return LevelCritical
		default:
			worst = LevelWarning
		}
	}
	return worst
}

// Verdict is how the pool stands, in one sentence without a full stop.
func (s Share) Verdict() string {
	problems, refused := 0, false
	for _, i := range s.Incidents {
		if !i.Minor {
			problems, refused = problems+1, refused || i.Refusals > 0
		}
	}
	switch {
	case problems > 0 && refused: // how many, each says: one mail may count for two of them
		return plural(problems, "problem", "problems") + " now; mail was refused or deferred"
	case problems > 0 && !s.Looked:
		return plural(problems, "problem", "problems") + " now; refused mail is not counted here"
	case problems > 0:
		return plural(problems, "problem", "problems") + " now; no mail that was refused for it is known"
	case s.Unsure != "":
		return "Nothing is known to be wrong, but " + s.Unsure
	}
	return "All is well: nothing is known to be wrong"
}

// Checks says what was checked and when.
func (s Share) Checks() string {
	what := "the addresses of this pool"
	if s.Watched.Addresses+s.Watched.Domains > 0 {
		what = s.Watched.subject()
	}
	if s.Checked.IsZero() {
		return what + ", not checked to the end yet"
	}
	return what + " on " + plural(s.Watched.Lists, "list", "lists") + ", checked " + ago(s.Checked, s.Now)
}

// ShareLink is a share link as those see it who make them.
type ShareLink struct {
	ID        int64
	Pool      string
	Note      string
	By        string
	Made      time.Time
	Expires   time.Time
	Revoked   time.Time // zero: it is not
	RevokedBy string
	Used      time.Time // zero: never
	Uses      int
}

// State is "open", "expired" or "revoked".
func (l ShareLink) State(now time.Time) string {
	switch {
	case !l.Revoked.IsZero():
		return "revoked"
	case !l.Expires.After(now):
		return "expired"
	}
	return "open"
}

// linkJSON is a link of `share list --format json`. Field names are a promise: docs/json.md.
type linkJSON struct {
	ID        int64   `json:"id"`
	Pool      string  `json:"pool"`
	State     string  `json:"state"`
	Note      string  `json:"note"`
	By        string  `json:"made_by"`
	Made      *string `json:"made"`
	Expires   *string `json:"expires"`
	Revoked   *string `json:"revoked"`
	RevokedBy string  `json:"revoked_by"`
	Used      *string `json:"last_opened"`
	Uses      int     `json:"opened"`
}

// WriteLinks writes share links as text or JSON.
func WriteLinks(w io.Writer, t Term, f Format, all []ShareLink, now time.Time) error {
	if f == JSON {
		out := struct {
			Schema int        `json:"schema"`
			Links  []linkJSON `json:"links"`
		}{1, []linkJSON{}}
		for _, l := range all {
			out.Links = append(out.Links, linkJSON{l.ID, l.Pool, l.State(now), l.Note, l.By, utc(l.Made), utc(l.Expires), utc(l.Revoked), l.RevokedBy, utc(l.Used), l.Uses})
		}
		return writeJSON(w, out)
	}
	p := &page{Term: t}
	if len(all) == 0 {
		p.line("No share links.")
		return p.writeTo(w)
	}
	var rows [][]cell
	for _, l := range all {
		ends := cell{text: ahead(l.Expires, now)}
		switch l.State(now) {
		case "expired":
			ends = cell{"expired " + ago(l.Expires, now), faint}
		case "revoked":
			ends = cell{"revoked by " + checks.Line(l.RevokedBy, 30) + " " + ago(l.Revoked, now), faint}
		}
		used := "never"
		if l.Uses > 0 {
			used = number(l.Uses) + "x, " + ago(l.Used, now)
		}
		rows = append(rows, []cell{{text: strconv.FormatInt(l.ID, 10)}, {text: clean(l.Pool)}, {text: checks.Line(l.By, 30) + ", " + ago(l.Made, now)}, ends, {text: used}, {text: clean(l.Note)}})
	}
	p.grid(0, []column{{title: "ID", right: true}, {title: "POOL", flex: true}, {title: "MADE", flex: true}, {title: "ENDS", flex: true}, {title: "OPENED"}, {title: "FOR", flex: true}}, rows)
	return p.writeTo(w)
}
