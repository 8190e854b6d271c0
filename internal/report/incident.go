package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Event is one step in the life of an incident: what reputed saw or did, or what a person did.
type Event struct {
	At       time.Time
	What     string          // "opened", "worsened", "acknowledged", "answer", ...
	By       string          // the person; empty: reputed
	Severity checks.Severity // of the incident, then; may be empty
	Note     string          // a person's words, or the summary of an answer
	Until    time.Time       // end of a silence; zero: it has none
}

// said is the event's note in words, and with it the end of a silence, which the clock writes; empty: nothing.
func (e Event) said(clock func(time.Time) string) string {
	switch note := clean(e.Note); {
	case e.Until.IsZero():
		return note
	case note == "":
		return "until " + clock(e.Until)
	default:
		return "until " + clock(e.Until) + ": " + note
	}
}

// Untold is a decision not to tell, and how often it was made.
type Untold struct {
	What        string // kind of the change
	Why         string
	First, Last time.Time
	Times       int
}

// Delivery is one notice to one channel.
type Delivery struct {
	Channel string
	What    string // kind of the notice
	Queued  time.Time
	Sent    time.Time // zero: not yet, or never
	Tries   int       // attempts that failed
	Next    time.Time // when it is tried again
	State   string    // "sent", "waiting", "refused"
	Error   string    // of the last attempt; untrusted
}

// Refusal is one mail that was refused or deferred for its sender's reputation.
type Refusal struct {
	At       time.Time // the last try
	Target   string    // Target.ID that it is laid at
	Receiver string
	Action   string // "failed", "delayed"
	Tries    int
	Outcome  string // what was heard of it last: "delivered" if it got through later
	List     string // that it names, by its id; may be empty
	Text     string // literal, without addresses of people; untrusted
	Via      string // mailbox and UID, or log and queue id
}

// Incident is everything about one incident: what `incident show` shows.
type Incident struct {
	IncidentView
	Refusals   []Refusal      // of mail from its targets, latest first
	Events     []Event        // oldest first
	Untold     []Untold       // oldest first
	Deliveries []Delivery     // oldest first
	Asked      []alerts.Asked // removals that were asked for, the latest first
	Withheld   int            // suspects that are left out because nobody knows who looks
	// Changes are those of what our targets publish, from some days before it on, oldest first.
	Changes []IdentityChange
	Now     time.Time
}

// WriteIncidents renders a list of incidents, in the order given.
func WriteIncidents(w io.Writer, t Term, f Format, all []IncidentView, now time.Time) error {
	switch f {
	case JSON:
		out := incidentsJSON{Schema: 1, Incidents: []incidentJSON{}}
		for _, i := range all {
			out.Incidents = append(out.Incidents, incidentOf(i, now))
		}
		return writeJSON(w, out)
	case TSV:
		rows := newTSV(w, t.TTY, "id severity state opened resolved title")
		for _, v := range all {
			i := v.Incident
			rows.row(strconv.FormatInt(i.ID, 10), string(i.Severity), string(i.State), rfc3339(i.Opened), rfc3339(i.Resolved), i.Title)
		}
		return rows.close()
	}
	p := &page{Term: t}
	if len(all) == 0 {
		p.line("No incidents.")
		return p.writeTo(w)
	}
	columns := []column{{title: "ID", right: true}, {title: "SEVERITY"}, {title: "STATE"}, {title: "SINCE"}, {title: "WHAT", flex: true}, {title: "COST", flex: true}}
	if t.Width > 0 && t.Width < 120 { // half a title and half a cost say less than a title
		columns = columns[:len(columns)-1]
	}
	var rows [][]cell
	for _, v := range all {
		i := v.Incident
		word, s := severityWord(i.Severity)
		cost := ""
		if i.CostsMail() {
			cost = t.Cost(i.Impact, now)
		}
		at := ago(i.Opened, now)
		if i.State == alerts.Resolved {
			s, at = faint, ago(i.Resolved, now)
		}
		row := []cell{{text: strconv.FormatInt(i.ID, 10)}, {word, s}, {text: clean(string(i.State))}, {text: at}, {text: clean(i.Title)}, {text: cost}}
		rows = append(rows, row[:len(columns)])
	}
	p.grid(0, columns, rows)
	return p.writeTo(w)
}

func rfc3339(at time.Time) string {
	if s := utc(at); s != nil {
		return *s
	}
	return ""
}

// Write renders one incident whole.
func (i Incident) Write(w io.Writer, t Term, f Format) error {
	if f == JSON {
		return writeJSON(w, incidentShowOf(i))
	}
	p := &page{Term: t}
	inc := i.Incident
	p.headline(inc)
	p.field("state", p.state(inc, i.Now), plain)
	since := p.stamp(inc.Opened) + ", " + ago(inc.Opened, i.Now)
	if already := inc.Already(); already != "" {
		since += " (" + already + ")"
	}
	p.field("since", since, plain)
	p.field("seen", p.stamp(inc.LastSeen)+", "+ago(inc.LastSeen, i.Now), plain)
	if inc.Relapses > 0 {
		p.field("relapse", "came back "+plural(inc.Relapses, "time", "times")+" within 30 days", plain)
	}
	i.costs(p)
	i.recovery(p)
	i.requests(p)
	i.suspects(p)
	i.changes(p)
	p.heading("How we know")
	for n, m := range inc.Members {
		if n == mostShown {
			p.blank()
			p.para(2, "", plain, number(len(inc.Members)-n)+" more: --format json has all", faint)
			break
		}
		if n > 0 {
			p.blank()
		}
		i.member(p, m)
	}
	i.refusals(p)
	said := map[checks.Step]bool{}
	for _, r := range i.Remediation {
		i.runbook(p, r, said)
	}
	i.history(p)
	return p.writeTo(w)
}

// mostShown is how many findings of an incident, and how many of its latest events, people read: of a
// network that is listed there are 65,536.
const mostShown = 100

// costs is what each receiver did with our mail.
func (i Incident) costs(p *page) {
	if !i.Incident.CostsMail() {
		return
	}
	p.field("cost", p.Cost(i.Incident.Impact, i.Now), plain)
	if before := i.Incident.Impact.Before.String(); before != "" {
		p.field("before", before, plain)
	}
	receivers := i.Incident.Impact.Receivers
	if len(receivers) == 0 {
		return
	}
	p.heading("What it costs")
	number := func(c checks.Count) cell {
		if !c.Counted {
			return cell{"not counted", faint}
		}
		return cell{text: number(c.N)}
	}
	var rows [][]cell
	for _, r := range receivers {
		rows = append(rows, []cell{{text: checks.Line(r.Receiver, 80)}, {text: checks.Line(r.Vendor, 60)}, number(r.Refused), number(r.Deferred), number(r.Delivered), {text: ago(r.Last, i.Now)}})
	}
	p.grid(2, []column{{title: "RECEIVER", flex: true}, {title: "REFUSED BY", flex: true}, {title: "REFUSED", right: true},
		{title: "DEFERRED", right: true}, {title: "DELIVERED", right: true}, {title: "LAST"}}, rows)
}

// refusals are some of the mails that it costs, in the receivers' own words.
func (i Incident) refusals(p *page) {
	if len(i.Refusals) == 0 {
		return
	}
	p.heading("Refused mail, the latest")
	for _, r := range p.Refused(i.Refusals) {
		p.para(2, p.stamp(r.At)+"  ", faint, r.What+": "+r.Text+" ("+r.Via+")", plain)
	}
}

// Refused is a refused mail in words, each of them clean.
type Refused struct {
	At     time.Time
	Target string // Target.ID
	What   string // "to example.net, deferred after 3 tries, delivered later"
	Text   string // literal
	Via    string
}

// Refused are refused mails in words.
func (t Term) Refused(all []Refusal) []Refused {
	var out []Refused
	for _, r := range all {
		s := "to " + checks.Line(r.Receiver, 80) + ", refused"
		if r.Action == "delayed" {
			s = "to " + checks.Line(r.Receiver, 80) + ", deferred"
		}
		if r.Tries > 1 {
			s += " after " + plural(r.Tries, "try", "tries")
		}
		if r.Outcome == "delivered" {
			s += ", delivered later"
		}
		if r.List != "" {
			s += ", names " + checks.Line(r.List, 60)
		}
		out = append(out, Refused{r.At, checks.Line(r.Target, 100), s, clean(r.Text), clean(r.Via)})
	}
	return out
}

// recovery is which receivers take our mail again: all that can be seen of a score that nobody
// can look up.
func (i Incident) recovery(p *page) {
	all := i.Incident.Impact.Recoveries()
	if len(all) == 0 {
		return
	}
	p.heading("Recovery")
	for _, v := range all {
		s := plain
		if v.Over() {
			s = good
		}
		p.para(2, "", plain, p.recovered(v, i.Now), s)
		if v.Receivers > 1 && len(v.Waiting) > 0 && v.Counted {
			p.para(4, "", plain, "not yet: "+some(v.Waiting, 8), plain)
		}
	}
}

// recovered is "Cisco Talos: 3 of 5 receivers take us again, last refusal 09:40".
func (t Term) recovered(v checks.Recovery, now time.Time) string {
	s := v.String()
	if !v.Last.IsZero() {
		s += ", last refusal " + t.clock(v.Last, now)
	}
	if !v.First.IsZero() {
		s += ", first taken again " + t.clock(v.First, now)
	}
	return s
}

// member is one finding with its evidence, literally.
func (i Incident) member(p *page, m alerts.Member) {
	f := m.Finding
	word, s := severityWord(f.Severity)
	if m.Clear {
		word, s = "clear", good
	}
	p.para(2, fmt.Sprintf("%-9s", word), s, clean(f.Summary), plain)
	row := func(label, text string) {
		if text != "" {
			p.para(11, fmt.Sprintf("%-9s", label), faint, text, plain)
		}
	}
	seen := p.stamp(m.First)
	if !m.Last.Equal(m.First) {
		seen += " to " + p.stamp(m.Last)
	}
	row("seen", seen)
	if p, ok := f.Target.Scope(); ok && f.Key.Check == "dnsbl" {
		row("scope", "many lists judge it as "+p.String())
	}
	row("means", meaning(f.Summary, f.Facts, f.Evidence))
	for _, e := range checks.Distinct(f.Evidence) {
		row("asked", clean(e.Question))
		row("answer", clean(e.Answer))
		row("says", clean(e.Reason))
		row("via", clean(e.Via))
		row("controls", clean(e.Controls))
		row("proof", clean(e.Proof))
	}
	if !m.Unknown.IsZero() {
		p.para(11, "unknown  ", unknown, "no answer "+p.since(m.Unknown, i.Now)+"; that closes nothing", plain)
	}
}

// runbook is what to do, in order, with everything that can be pasted on a line of its own.
// A step that an earlier runbook said already is only named: the cause is looked for once.
func (i Incident) runbook(p *page, r checks.Remediation, said map[checks.Step]bool) {
	p.heading("What to do: " + clean(r.Title))
	for n, s := range r.Steps {
		if said[s] {
			name, _, _ := strings.Cut(clean(s.Text), ". ")
			p.para(2, fmt.Sprintf("%d. ", n+1), plain, "As above: "+strings.TrimRight(name, ".:")+".", faint)
			continue
		}
		said[s] = true
		p.para(2, fmt.Sprintf("%d. ", n+1), plain, clean(s.Text), plain)
		if s.URL != "" {
			p.para(5, "", plain, clean(s.URL), plain)
		}
		if s.Command != "" {
			p.command(5, s.Command)
		}
	}
	if r.WhoAsk != "" {
		p.para(2, "Who may ask: ", faint, clean(r.WhoAsk), plain)
	}
	if r.Takes != "" {
		p.para(2, "It takes: ", faint, clean(r.Takes), plain)
	}
	if r.Again != "" {
		p.para(2, "Asking again: ", faint, clean(r.Again), plain)
	}
	for _, s := range r.Never {
		p.para(2, "", plain, clean(s), warn) // a whole sentence: "Never ask before ..."
	}
}

// history is what happened, what was told to whom, and what was not and why.
func (i Incident) history(p *page) {
	if len(i.Events) > 0 {
		p.heading("What happened")
		earlier := max(0, len(i.Events)-mostShown)
		if earlier > 0 {
			p.para(2, "", plain, number(earlier)+" earlier: --format json has all", faint)
		}
		for _, e := range i.Events[earlier:] {
			s := clean(e.What)
			if e.By != "" {
				s += " by " + checks.Line(e.By, 60)
			}
			if said := e.said(p.clockAt(i.Now)); said != "" {
				s += ": " + said
			}
			p.para(2, p.stamp(e.At)+"  ", faint, s, plain)
		}
	}
	if len(i.Untold) > 0 {
		p.heading("What was not told, and why")
		for _, u := range i.Untold {
			times := ""
			if u.Times > 1 {
				times = ", " + plural(u.Times, "time", "times") + ", last " + ago(u.Last, i.Now)
			}
			p.para(2, p.stamp(u.First)+"  ", faint, clean(u.What)+": "+clean(u.Why)+times, plain)
		}
	}
	if len(i.Deliveries) > 0 {
		p.heading("Who was told")
		for _, d := range i.Deliveries {
			s := checks.Line(d.Channel, 60) + ": " + clean(d.What) + ", "
			switch {
			case !d.Sent.IsZero():
				s += "delivered " + ago(d.Sent, i.Now)
			case d.State == "refused":
				s += "refused for good"
			default:
				s += "waiting"
				if d.Tries > 0 {
					s += ", tried " + plural(d.Tries, "time", "times") + ", next " + ahead(d.Next, i.Now)
				}
			}
			if d.Error != "" && d.Sent.IsZero() {
				s += ": " + clean(d.Error)
			}
			p.para(2, p.stamp(d.Queued)+"  ", faint, s, plain)
		}
	}
}
