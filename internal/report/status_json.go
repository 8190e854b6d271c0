package report

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// writeJSON writes a value indented, with <, > and & as they are.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// statusJSON is `status --format json`. Field names are a promise: docs/json.md.
type statusJSON struct {
	Schema     int              `json:"schema"`
	At         *string          `json:"at"`
	Verdict    string           `json:"verdict"`
	Health     string           `json:"health"`
	State      string           `json:"state"`
	ExitCode   int              `json:"exit_code"`
	LookedAt   *string          `json:"looked_at"`
	Kept       *string          `json:"stored_since"`
	Config     string           `json:"configuration_trouble"`
	Daemon     daemonJSON       `json:"daemon"`
	Watched    watchedJSON      `json:"watched"`
	Round      roundJSON        `json:"last_round"`
	Running    *string          `json:"round_running_since"`
	NextRound  *string          `json:"next_round"`
	Incidents  []incidentJSON   `json:"incidents"`
	Quiet      []quietJSON      `json:"quiet"`
	Resolved   []incidentJSON   `json:"resolved"`
	Flapping   []unreliableJSON `json:"unreliable"`
	Silent     []silentListJSON `json:"lists_without_answer"`
	Mailboxes  []mailboxJSON    `json:"mailboxes"`
	Logs       []logJSON        `json:"logs"`
	Channels   []channelJSON    `json:"channels"`
	Own        []ownTroubleJSON `json:"daemon_troubles"`
	Ratings    []ratingJSON     `json:"ratings"`
	Unanswered []unansweredJSON `json:"identity_unanswered"`
}

type unansweredJSON struct {
	Target string  `json:"target"`
	What   string  `json:"what"`
	Since  *string `json:"since"`
}

type ownTroubleJSON struct {
	Part  string  `json:"part"`
	Since *string `json:"since"`
	What  string  `json:"what"`
}

type unreliableJSON struct {
	Source   string `json:"source"`
	Incident int64  `json:"incident"`
}

type daemonJSON struct {
	Alive   bool    `json:"alive"`
	Host    string  `json:"host"`
	PID     int     `json:"pid"`
	Started *string `json:"started"`
	Beat    *string `json:"last_sign_of_life"`
}

type watchedJSON struct {
	Addresses int `json:"addresses"`
	Domains   int `json:"domains"`
	Lists     int `json:"lists"`
}

type roundJSON struct {
	Started    *string `json:"started"`
	Ended      *string `json:"ended"`
	Questions  int     `json:"questions"`
	Unanswered int     `json:"unanswered"`
	Problems   int     `json:"problems"`
}

type silentListJSON struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Operator string          `json:"operator"`
	Severity checks.Severity `json:"severity"`
	Verdict  string          `json:"verdict"`
	Since    *string         `json:"since"`
	Why      string          `json:"why"`
	Advice   string          `json:"advice"`
}

type mailboxJSON struct {
	Name        string  `json:"name"`
	UIDValidity uint32  `json:"uidvalidity"`
	UID         uint32  `json:"uid"`
	ReadAt      *string `json:"read_at"`
	Failing     *string `json:"failing_since"`
	Error       string  `json:"error"`
	Proved      int     `json:"proved"`
	Unproved    int     `json:"unproved"`
}

type logJSON struct {
	Name    string  `json:"name"`
	ReadAt  *string `json:"read_at"`
	Failing *string `json:"failing_since"`
	Error   string  `json:"error"`
	Began   *string `json:"counted_since"`
	Upto    *string `json:"last_event"`
	Lines   int     `json:"lines"`
	Mail    int     `json:"mail_lines"`
	Told    int     `json:"events"`
	Unread  int     `json:"not_understood"`
	Gap     string  `json:"gap"`
	GapAt   *string `json:"gap_at"`
}

type channelJSON struct {
	Name    string  `json:"name"`
	Queued  int     `json:"queued"`
	Oldest  *string `json:"oldest_queued"`
	Failing *string `json:"failing_since"`
	Error   string  `json:"error"`
	SentAt  *string `json:"last_sent"`
}

type quietJSON struct {
	Incident int64   `json:"incident"`
	Title    string  `json:"title"`
	Why      string  `json:"why"`
	At       *string `json:"at"`
}

func statusOf(r Report) statusJSON {
	s := statusJSON{
		Schema: 1, At: utc(r.Now), Verdict: r.Verdict(), Health: r.Health(), State: r.Level().String(), ExitCode: int(r.Level()),
		LookedAt: utc(r.LookedAt), Kept: utc(r.Kept), Config: checks.Line(r.Config, 0), Flapping: []unreliableJSON{},
		Daemon:    daemonJSON{r.Daemon.Alive, checks.Line(r.Daemon.Host, 0), r.Daemon.PID, utc(r.Daemon.Started), utc(r.Daemon.Beat)},
		Watched:   watchedJSON(r.Watched),
		Round:     roundJSON{utc(r.Round.Started), utc(r.Round.Ended), r.Round.Questions, r.Round.Unanswered, r.Round.Problems},
		Running:   utc(r.Running),
		NextRound: utc(r.NextRound), Incidents: []incidentJSON{}, Quiet: []quietJSON{}, Resolved: []incidentJSON{},
		Silent: []silentListJSON{}, Mailboxes: []mailboxJSON{}, Logs: []logJSON{}, Channels: []channelJSON{}, Own: []ownTroubleJSON{}, Ratings: []ratingJSON{}, Unanswered: []unansweredJSON{},
	}
	for _, u := range r.Unreliable {
		s.Flapping = append(s.Flapping, unreliableJSON{checks.Line(u.Source, 0), u.Incident})
	}
	for _, v := range slices.Concat(r.Loud, r.Silence) {
		s.Incidents = append(s.Incidents, incidentOf(v, r.Now))
	}
	for _, i := range r.Resolved {
		s.Resolved = append(s.Resolved, incidentOf(IncidentView{Incident: i}, r.Now))
	}
	for _, q := range r.Quiet {
		s.Quiet = append(s.Quiet, quietJSON{q.Incident, checks.Line(q.Title, 0), checks.Line(q.Why, 0), utc(q.At)})
	}
	for _, l := range r.Silent {
		s.Silent = append(s.Silent, silentListJSON{l.ID, checks.Line(l.Name, 0), checks.Line(l.Operator, 0), l.Severity, string(l.Verdict), utc(l.Since), checks.Line(l.Why, 0), checks.Line(l.Advice, 0)})
	}
	for _, m := range r.Mailboxes {
		s.Mailboxes = append(s.Mailboxes, mailboxJSON{checks.Line(m.Name, 0), m.UIDValidity, m.UID, utc(m.ReadAt), utc(m.Failing), checks.Line(cmp.Or(m.Error, m.After), 0), m.Proved, m.Unproved})
	}
	for _, l := range r.Logs {
		s.Logs = append(s.Logs, logJSON{checks.Line(l.Name, 0), utc(l.ReadAt), utc(l.Failing), checks.Line(l.Error, 0), utc(l.Began), utc(l.Upto), l.Lines, l.Mail, l.Told, l.Unread, checks.Line(l.Gap, 0), utc(l.GapAt)})
	}
	for _, c := range r.Channels {
		s.Channels = append(s.Channels, channelJSON{checks.Line(c.Name, 0), c.Queued, utc(c.Oldest), utc(c.Failing), checks.Line(c.Error, 0), utc(c.SentAt)})
	}
	for _, o := range r.Own {
		s.Own = append(s.Own, ownTroubleJSON{checks.Line(o.Part, 0), utc(o.Since), checks.Line(o.What, 0)})
	}
	for _, u := range r.Unanswered {
		s.Unanswered = append(s.Unanswered, unansweredJSON{checks.Line(u.Target, 0), checks.Line(u.What, 0), utc(u.Since)})
	}
	for _, x := range r.Ratings {
		s.Ratings = append(s.Ratings, ratingOf(x))
	}
	return s
}

// incidentJSON is an incident wherever JSON shows one.
type incidentJSON struct {
	ID            int64             `json:"id"`
	Title         string            `json:"title"`
	State         alerts.State      `json:"state"`
	Severity      checks.Severity   `json:"severity"`
	Cause         string            `json:"cause"`
	Opened        *string           `json:"opened"`
	Changed       *string           `json:"changed"`
	LastSeen      *string           `json:"last_seen"`
	Resolved      *string           `json:"resolved"`
	AckedBy       string            `json:"acknowledged_by"`
	AckedAt       *string           `json:"acknowledged_at"`
	SilencedUntil *string           `json:"silenced_until"`
	SilencedBy    string            `json:"silenced_by"`
	SilencedFor   string            `json:"silence_reason"`
	FlappingSince *string           `json:"flapping_since"`
	Told          []string          `json:"told_by"`
	Escalated     *string           `json:"escalated"`
	Note          string            `json:"note"`
	Existing      bool              `json:"already_listed"`
	Relapses      int               `json:"relapses"`
	Cost          string            `json:"cost"`
	Impact        impactJSON        `json:"impact"`
	Findings      []findingJSON     `json:"findings"`
	Open          int               `json:"open_findings"`
	Remediation   []remediationJSON `json:"remediation"`
}

type impactJSON struct {
	Counted   bool           `json:"counted"`
	Since     *string        `json:"since"`
	Refusals  int            `json:"refusals"`
	Delivered *int           `json:"delivered"`
	Before    *beforeJSON    `json:"before"`
	Receivers []receiverJSON `json:"receivers"`
	Recovery  []recoveryJSON `json:"recovery"`
}

// beforeJSON is what became of mail before the trouble began; null if that is not known.
type beforeJSON struct {
	Seconds   int `json:"seconds"`
	Delivered int `json:"delivered"`
	Deferred  int `json:"deferred"`
	Refused   int `json:"refused"`
}

func beforeOf(b checks.Before) *beforeJSON {
	if b.Span <= 0 {
		return nil
	}
	return &beforeJSON{int(b.Span / time.Second), b.Delivered, b.Deferred, b.Refused}
}

// recoveryJSON is how far the receivers behind one vendor have come back; Again is null where
// no log tells.
type recoveryJSON struct {
	Vendor    string   `json:"vendor"`
	Receivers int      `json:"receivers"`
	Again     *int     `json:"take_again"`
	Last      *string  `json:"last_refusal"`
	First     *string  `json:"first_taken"`
	Waiting   []string `json:"waiting"`
}

// receiverJSON has null for what nobody counted, which is not the same as 0.
type receiverJSON struct {
	Receiver  string  `json:"receiver"`
	Vendor    string  `json:"vendor"`
	Refused   *int    `json:"refused"`
	Deferred  *int    `json:"deferred"`
	Delivered *int    `json:"delivered"`
	First     *string `json:"first"`
	Last      *string `json:"last"`
	Accepted  *string `json:"accepted_again"`
}

type findingJSON struct {
	Check        string            `json:"check"`
	Target       string            `json:"target"`
	Source       string            `json:"source"`
	Code         checks.Code       `json:"code"`
	Status       checks.Status     `json:"status"`
	Severity     checks.Severity   `json:"severity"`
	Summary      string            `json:"summary"`
	Facts        map[string]string `json:"facts"`
	Evidence     []evidenceJSON    `json:"evidence"`
	First        *string           `json:"first_seen"`
	Last         *string           `json:"last_seen"`
	Clear        bool              `json:"clear"`
	UnknownSince *string           `json:"unknown_since"`
}

type remediationJSON struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	Steps []stepJSON `json:"steps"`
	Who   string     `json:"who_may_ask"`
	Takes string     `json:"takes"`
	Never []string   `json:"never"`
	Again string     `json:"again"`
	// Whole seconds; 0: nobody says.
	Promised int64 `json:"promised_seconds"`
	CoolDown int64 `json:"cool_down_seconds"`
}

type stepJSON struct {
	Text    string `json:"text"`
	URL     string `json:"url"`
	Command string `json:"command"`
}

// IncidentJSON is an incident as every JSON shows it (docs/json.md), for whoever sends one on.
func IncidentJSON(v IncidentView, now time.Time) (json.RawMessage, error) {
	return json.Marshal(incidentOf(v, now))
}

func incidentOf(v IncidentView, now time.Time) incidentJSON {
	i := v.Incident
	out := incidentJSON{
		ID: i.ID, Title: checks.Line(i.Title, 0), State: i.State, Severity: i.Severity, Cause: checks.Line(i.Cause, 0),
		Opened: utc(i.Opened), Changed: utc(i.Changed), LastSeen: utc(i.LastSeen), Resolved: utc(i.Resolved),
		AckedBy: checks.Line(i.AckedBy, 0), AckedAt: utc(i.AckedAt), SilencedUntil: utc(i.Silence.Until),
		SilencedBy: checks.Line(i.Silence.By, 0), SilencedFor: checks.Line(i.Silence.Reason, 0), FlappingSince: utc(i.Flapping),
		Told: append([]string{}, i.Told...), Escalated: utc(i.Escalated), Note: checks.Line(i.Note, 0),
		Existing: i.Existing, Relapses: i.Relapses,
		Impact:   impactJSON{Counted: i.Impact.Counted(), Since: utc(i.Impact.Since), Refusals: i.Impact.Refusals(), Delivered: counted(i.Impact.Delivered), Before: beforeOf(i.Impact.Before), Receivers: []receiverJSON{}, Recovery: []recoveryJSON{}},
		Findings: []findingJSON{}, Open: v.open(), Remediation: []remediationJSON{},
	}
	if i.CostsMail() {
		out.Cost = Term{}.Cost(i.Impact, now)
	}
	for _, r := range i.Impact.Receivers {
		out.Impact.Receivers = append(out.Impact.Receivers, receiverJSON{checks.Line(r.Receiver, 0), checks.Line(r.Vendor, 0),
			counted(r.Refused), counted(r.Deferred), counted(r.Delivered), utc(r.First), utc(r.Last), utc(r.Accepted)})
	}
	for _, v := range i.Impact.Recoveries() {
		out.Impact.Recovery = append(out.Impact.Recovery, recoveryJSON{v.Vendor, v.Receivers, counted(checks.Count{N: v.Again, Counted: v.Counted}), utc(v.Last), utc(v.First), lines(v.Waiting)})
	}
	for _, m := range i.Members {
		out.Findings = append(out.Findings, findingOf(m))
	}
	for _, r := range v.Remediation {
		x := remediationJSON{ID: r.ID, Title: checks.Line(r.Title, 0), Steps: []stepJSON{}, Who: checks.Line(r.WhoAsk, 0), Takes: checks.Line(r.Takes, 0), Never: lines(r.Never),
			Again: checks.Line(r.Again, 0), Promised: int64(r.Promised / time.Second), CoolDown: int64(r.CoolDown / time.Second)}
		for _, s := range r.Steps {
			x.Steps = append(x.Steps, stepJSON{checks.Line(s.Text, 0), checks.Line(s.URL, 0), checks.Line(s.Command, 0)})
		}
		out.Remediation = append(out.Remediation, x)
	}
	return out
}

func findingOf(m alerts.Member) findingJSON {
	f, facts := m.Finding, map[string]string{}
	for k, v := range f.Facts {
		facts[k] = checks.Line(v, 0)
	}
	return findingJSON{
		Check: f.Key.Check, Target: f.Key.Target, Source: f.Key.Source, Code: f.Code, Status: f.Status, Severity: f.Severity, Summary: checks.Line(f.Summary, 0),
		Facts: facts, Evidence: evidenceOf(f.Evidence), First: utc(m.First), Last: utc(m.Last), Clear: m.Clear, UnknownSince: utc(m.Unknown),
	}
}

// counted is a number, or null if nobody counted.
func counted(c checks.Count) *int {
	if !c.Counted {
		return nil
	}
	return &c.N
}
