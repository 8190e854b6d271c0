package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
)

// well is a monitor that runs and has nothing to say.
func well() Input {
	return Input{
		Daemon:    Daemon{Alive: true, Host: "mx1.example.org", PID: 4711, Started: ago2(50 * time.Hour), Beat: ago2(5 * time.Second)},
		Watched:   Watched{Addresses: 3, Domains: 1, Lists: 40},
		Round:     Round{Started: ago2(5 * time.Minute), Ended: ago2(4 * time.Minute), Questions: 121},
		NextRound: now.Add(26 * time.Minute),
		Mailboxes: []Mailbox{{Name: "bounces", UIDValidity: 7, UID: 4711, ReadAt: ago2(time.Minute), Proved: 3}},
		Channels:  []Channel{{Name: "slack", SentAt: ago2(time.Hour)}},
	}
}

// listedIncident is the usual one: SpamCop has an address and Cisco-protected receivers refuse.
func listedIncident() IncidentView {
	key := checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"}
	return IncidentView{
		Incident: alerts.Incident{
			ID: 12, Cause: "target:192.0.2.10", Title: "192.0.2.10 is listed by SpamCop", State: alerts.Open, Severity: checks.Major,
			Opened: ago2(time.Hour), Changed: ago2(30 * time.Minute), LastSeen: ago2(4 * time.Minute), Relapses: 1,
			Impact: checks.Impact{Target: "192.0.2.10", Since: ago2(time.Hour), Receivers: []checks.ReceiverImpact{
				{Receiver: "example.net", Vendor: "Cisco Talos", Refused: checks.Count{N: 41, Counted: true}, Delivered: checks.Count{N: 171, Counted: true}},
				{Receiver: "example.com", Refused: checks.Count{N: 2, Counted: true}},
			}},
			Members: []alerts.Member{
				{First: ago2(time.Hour), Last: ago2(4 * time.Minute), Finding: checks.Finding{Key: key, Code: checks.CodeListed, Status: checks.Problem,
					Severity: checks.Major, Summary: "192.0.2.10 is listed by SpamCop", At: ago2(4 * time.Minute),
					Facts: map[string]string{checks.FactReason: hostile},
					Evidence: []checks.Evidence{{Question: "10.2.0.192.bl.spamcop.net. A", Answer: "127.0.0.2", Reason: hostile,
						Via: "192.0.2.53:53", Controls: "127.0.0.2 listed, 127.0.0.1 not", At: ago2(4 * time.Minute)}}}},
				{First: ago2(30 * time.Minute), Last: ago2(20 * time.Minute), Finding: checks.Finding{
					Key: checks.Key{Check: "bounce", Target: "192.0.2.10", Source: "cisco-talos"}, Code: checks.CodeRefused, Status: checks.Problem,
					Severity: checks.Major, Summary: "Cisco Talos refuses mail from 192.0.2.10 for its reputation", At: ago2(20 * time.Minute),
					Evidence: []checks.Evidence{{Question: "mail to example.net at mx.example.net", Answer: "554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor reputation.",
						Via: "mailbox bounces, UID 4711", Proof: "written by mx1.example.org", At: ago2(20 * time.Minute)}}}},
			},
		},
		Remediation: []checks.Remediation{{ID: "spamcop", Title: "Get 192.0.2.10 off SpamCop", WhoAsk: "nobody: it expires", Takes: "about 24 hours after the last report",
			Steps: []checks.Step{
				{Text: "Hold the queue of the sender that the reports name, not all mail.", Command: "postqueue -p"},
				{Text: "See which mails were reported.", URL: "https://www.spamcop.net/w3m?action=checkblock&ip=192.0.2.10&show=every-report"},
				{Text: "Stop the source, then wait: the entry ends about 24 hours after the last report."},
			},
			Never: []string{"Do not move the mail to another address: the listing follows."}}},
	}
}

// bad is a monitor with incidents and troubles of its own.
func badDay() Input {
	in := well()
	blind := IncidentView{Incident: alerts.Incident{ID: 13, Cause: "monitor:mailbox:bounces", Title: "mailbox bounces cannot be read: " + hostile,
		State: alerts.Acknowledged, AckedBy: "kim", AckedAt: ago2(10 * time.Minute), Severity: checks.Major, Opened: ago2(2 * time.Hour), Note: "asked the mail team"}}
	info := IncidentView{Incident: alerts.Incident{ID: 9, Title: "UCEPROTECT-2 lists the network of 192.0.2.10", State: alerts.Open, Severity: checks.Informational, Opened: ago2(9 * 24 * time.Hour),
		Members: []alerts.Member{{Finding: checks.Finding{Target: checks.Address(addr("192.0.2.10")), Code: checks.CodeInformational, Status: checks.Problem}}}}}
	quiet := IncidentView{Incident: alerts.Incident{ID: 10, Title: "192.0.2.11 is listed by PSBL", State: alerts.Silenced, Silence: alerts.Silence{Until: now.Add(20 * time.Hour)}, Severity: checks.Minor, Opened: ago2(3 * time.Hour)}}
	in.Incidents = []IncidentView{info, blind, quiet, listedIncident()}
	in.Silent = []SilentList{
		{ID: "spamhaus-zen", Name: "Spamhaus ZEN", Operator: "Spamhaus Project", Severity: checks.Critical, Verdict: blocklists.Refused, Since: ago2(24 * time.Hour),
			Why: "asked through a public, open or unattributable resolver", Advice: "ask through a resolver of your own, or get a free key"},
		{ID: "silent", Name: "Silent List", Operator: "Silent", Severity: checks.Minor, Verdict: blocklists.Unknown, Why: "no answer " + hostile},
	}
	in.Mailboxes[0].Failing, in.Mailboxes[0].Error = ago2(2*time.Hour), "login refused: "+hostile
	in.Channels = append(in.Channels, Channel{Name: "pager", Queued: 2, Oldest: ago2(50 * time.Minute), Failing: ago2(50 * time.Minute), Error: "500 Internal Server Error"})
	in.Own = []OwnTrouble{{Part: "config", Since: ago2(26 * time.Hour), What: "not reloaded, the daemon goes on with the one before: x.toml:3: " + hostile}}
	in.Resolved = []alerts.Incident{{ID: 11, Title: "198.51.100.7 was listed by SpamCop", State: alerts.Resolved, Opened: ago2(30 * time.Hour), Resolved: ago2(3 * time.Hour)}}
	in.Ratings = []Rating{
		{ID: "192.0.2.10", Target: "192.0.2.10", Source: "senderscore", Name: "Validity Sender Score", Value: "62", Level: "poor", How: "measured", Since: ago2(3 * 24 * time.Hour), At: ago2(2 * time.Hour), Readings: 12, Problem: true,
			Before: []RatingBefore{{Value: "97", Level: "good", Until: ago2(3 * 24 * time.Hour)}}},
		{ID: "192.0.2.10", Target: "192.0.2.10", Source: "talos", Name: "Cisco Talos", Value: "poor " + hostile, Level: "bad", How: "recorded", By: "kim " + hostile, Since: ago2(4 * 24 * time.Hour), At: ago2(4 * 24 * time.Hour), Readings: 1, Problem: true},
	}
	in.Quiet = []QuietNote{{At: ago2(20 * time.Minute), Incident: 12, Title: "Cisco Talos refuses mail from 192.0.2.10", Why: "joined an incident that was told 40 min ago"}}
	return in
}

// past is the bad day looked at an hour later.
func past() Input {
	in := badDay()
	in.LookedAt, in.Kept = now.Add(time.Hour), ago2(30*24*time.Hour)
	in.Daemon, in.Mailboxes, in.Own, in.Quiet, in.Resolved, in.NextRound = Daemon{}, nil, nil, nil, nil, time.Time{}
	return in
}

// flapping is a list whose word comes and goes, and a configuration that is broken.
func flapping() Input {
	in := well()
	v := listedIncident()
	v.Incident.Members, v.Incident.State, v.Incident.Flapping = v.Incident.Members[:1], alerts.Clearing, ago2(time.Hour)
	v.Incident.Turns = []time.Time{ago2(4 * time.Hour), ago2(3 * time.Hour), ago2(2 * time.Hour), ago2(time.Hour)}
	in.Incidents, in.Config = []IncidentView{v}, "the configuration is broken, what could be read of it is used: x.toml:3: "+hostile
	in.Logs = []Log{{Name: "mx1", ReadAt: ago2(time.Second), Upto: ago2(3 * time.Minute), Began: ago2(time.Hour), Lines: 10, Told: 3}}
	return in
}

func TestStatusText(t *testing.T) {
	for name, in := range map[string]Input{"status-clear": well(), "status-bad": badDay(), "status-new": {}, "status-past": past(), "status-flapping": flapping()} {
		goldenText(t, name, func(w *bytes.Buffer, term Term) error { return Build(in, now).Write(w, term, Text) })
	}
}

func TestStatusMachineForms(t *testing.T) {
	for name, f := range map[string]Format{"status-bad.json": JSON, "status-bad.plugin": Plugin} {
		var b bytes.Buffer
		if err := Build(badDay(), now).Write(&b, Term{}, f); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		if f == JSON && !json.Valid(b.Bytes()) {
			t.Error("not JSON")
		}
		if f == Plugin && (strings.Count(b.String(), "\n") != 1 || strings.Count(b.String(), "|") != 1) {
			t.Errorf("not one line with one bar: %q", b.String())
		}
	}
}

func TestStatusVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Input)
		want   string
		level  Level
	}{
		"nothing wrong is all clear": {func(*Input) {},
			"All clear: 3 addresses and 1 domain on 40 lists, last complete round 4 min ago", LevelOK},
		"a dead daemon is said first": {func(in *Input) { in.Daemon.Alive, in.Daemon.Beat = false, ago2(3*time.Hour) },
			"Cannot tell: the daemon is not running, last sign of life 3 h ago; nothing was wrong in the last complete round, 4 min ago", LevelUnknown},
		"a dead daemon does not hide an incident": {func(in *Input) {
			in.Daemon.Alive, in.Daemon.Beat = false, ago2(3*time.Hour)
			in.Incidents = []IncidentView{listedIncident()}
		}, "The daemon is not running; when it stopped: 1 incident, unacknowledged, mail to example.net and example.com is being refused", LevelCritical},
		"nothing was ever asked": {func(in *Input) { in.Round = Round{} },
			"Cannot tell: no round has been finished yet", LevelUnknown},
		"an old round is no all clear": {func(in *Input) { in.Round.Ended = ago2(5 * time.Hour) },
			"Cannot tell: the last complete round was 5 h ago; nothing is wrong as far as is known", LevelUnknown},
		"a critical list without an answer": {func(in *Input) {
			in.Silent = []SilentList{{ID: "spamhaus-zen", Name: "Spamhaus ZEN", Severity: checks.Critical, Verdict: blocklists.Refused}}
		}, "Cannot tell: Spamhaus ZEN could not be asked; nothing is wrong as far as is known", LevelUnknown},
		"of a time before anything is stored nothing is claimed": {func(in *Input) { in.LookedAt, in.Kept, in.Round = now, now.Add(time.Hour), Round{} },
			"Cannot tell: nothing is stored of that time", LevelUnknown},
		"of the past, a daemon that is dead now says nothing": {func(in *Input) { in.LookedAt, in.Kept, in.Daemon = now, ago2(time.Hour), Daemon{} },
			"All clear: 3 addresses and 1 domain on 40 lists, last complete round 4 min ago", LevelOK},
		"a past without a round is no all clear": {func(in *Input) { in.LookedAt, in.Kept, in.Round = now, ago2(time.Hour), Round{} },
			"Cannot tell: no round had been finished by then", LevelUnknown},
		"a minor list without an answer is no alarm": {func(in *Input) {
			in.Silent = []SilentList{{ID: "silent", Severity: checks.Minor, Verdict: blocklists.Unknown}}
		}, "All clear: 3 addresses and 1 domain on 40 lists, last complete round 4 min ago", LevelOK},
		"most questions without an answer": {func(in *Input) { in.Round.Unanswered = 100 },
			"Cannot tell: more than half of what was asked had no answer; nothing is wrong as far as is known", LevelUnknown},
		"a silenced incident is not counted": {func(in *Input) {
			v := listedIncident()
			v.Incident.State = alerts.Silenced
			in.Incidents = []IncidentView{v}
		}, "All clear but for 1 silenced incident: 3 addresses and 1 domain on 40 lists, last complete round 4 min ago", LevelOK},
		"a policy entry is 1": {func(in *Input) {
			in.Incidents = []IncidentView{{Incident: alerts.Incident{State: alerts.Acknowledged, Severity: checks.Major,
				Members: []alerts.Member{{Finding: checks.Finding{Code: checks.CodePolicy}}}}}}
		}, "1 incident, acknowledged", LevelWarning},
		"an incident and blindness": {func(in *Input) {
			in.Incidents, in.Round.Ended = []IncidentView{listedIncident()}, ago2(5*time.Hour)
		}, "1 incident, unacknowledged, mail to example.net and example.com is being refused; for the rest, the last complete round was 5 h ago", LevelCritical},
	} {
		t.Run(name, func(t *testing.T) {
			in := well()
			c.change(&in)
			r := Build(in, now)
			if got := r.Verdict(); got != c.want {
				t.Errorf("verdict\ngot  %s\nwant %s", got, c.want)
			}
			if r.Level() != c.level {
				t.Errorf("level %v, want %v", r.Level(), c.level)
			}
		})
	}
}

func TestCostIsInLocalTime(t *testing.T) {
	i := checks.Impact{Since: ago2(time.Hour), Receivers: []checks.ReceiverImpact{{Receiver: "Microsoft",
		Refused: checks.Count{N: 41, Counted: true}, Delivered: checks.Count{N: 171, Counted: true}}}}
	if got, want := (Term{Location: zone}).Cost(i, now), "41 of 212 mails to Microsoft refused since 10:40"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (Term{}).Cost(checks.Impact{}, now), "mail is not counted here"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
