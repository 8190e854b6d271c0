package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
)

// blindness is the incident of a resolver that is gone, or that lies.
func blindness(code checks.Code, clear bool) IncidentView {
	return IncidentView{Incident: alerts.Incident{ID: 3, Title: "36 of 36 lists had no answer", State: alerts.Open, Severity: checks.Major, Opened: ago2(2 * time.Minute),
		Members: []alerts.Member{{First: ago2(2 * time.Minute), Clear: clear, Finding: checks.Finding{Target: checks.Monitor("resolver"), Code: code, Status: checks.Problem}}}}}
}

var byHand = EndedByHand{Incident: 7, Target: "192.0.2.10", What: "was listed by SpamCop", Seen: ago2(5 * time.Minute)}

// What the monitor has not seen, its first two lines do not claim.
func TestStatusClaimsOnlyWhatWasSeen(t *testing.T) {
	for name, c := range map[string]struct {
		change          func(*Input)
		verdict, health string   // that must be in them
		never           []string // that must be in neither
	}{
		"lists that have stopped answering do not answer because they did before": {
			func(in *Input) { in.Incidents = []IncidentView{blindness(checks.CodeBlind, false)} },
			"; for the rest, most lists have not answered for 2 min", "most lists have not answered", []string{"all 40 lists answer"}},
		"a resolver that lies answers for no list": {
			func(in *Input) { in.Incidents = []IncidentView{blindness(checks.CodeRewriting, false)} },
			"the resolver has been inventing answers for 2 min", "the resolver has been inventing answers", []string{"all 40 lists answer"}},
		"sight that has come back is sight": {
			func(in *Input) { in.Incidents = []IncidentView{blindness(checks.CodeBlind, true)} },
			"1 incident", "all 40 lists answer", []string{"not answered"}},
		"before the first round nothing answers, is read or works": {
			func(in *Input) {
				in.Round, in.Mailboxes, in.Channels = Round{}, []Mailbox{{Name: "bounces"}}, []Channel{{Name: "slack"}}
			},
			"no round has been finished yet", "no complete round yet, next in 26 min, 1 mailbox not read yet, 1 channel idle", []string{"answer", "mailbox read", "working"}},
		"one of two untried is said": {
			func(in *Input) { in.Mailboxes = append(in.Mailboxes, Mailbox{Name: "second"}) },
			"All clear", "1 of 2 mailboxes not read yet", nil},
		"a database that cannot be read tells nothing of the daemon": {
			func(in *Input) { *in = Input{Trouble: "database x: permission denied"} },
			"Cannot tell: database x: permission denied", "nothing is known about it", []string{"not running", "never"}},
		"mail that is late is not called refused, and comes after what is": {
			func(in *Input) {
				v := listedIncident()
				v.Incident.Impact.Receivers = []checks.ReceiverImpact{
					{Receiver: "example.com", Vendor: "Yahoo", Deferred: checks.Count{N: 25, Counted: true}},
					{Receiver: "example.net", Vendor: "Cisco Talos", Refused: checks.Count{N: 2, Counted: true}},
				}
				in.Incidents = []IncidentView{v}
			},
			"mail to example.net is being refused, mail to example.com is being deferred", "", nil},
		"mail that is taken again is not called refused": {
			func(in *Input) {
				v := listedIncident()
				v.Incident.Impact.Receivers = []checks.ReceiverImpact{
					{Receiver: "example.net", Refused: checks.Count{N: 2, Counted: true}, Accepted: now},
					{Receiver: "example.com", Deferred: checks.Count{N: 2, Counted: true}, Accepted: now},
				}
				in.Incidents = []IncidentView{v}
			},
			"mail to example.net was refused, and is taken again, mail to example.com was deferred, and is taken again", "", []string{"is being"}},
		"who still refuses is named, and who does no longer is not": {
			func(in *Input) {
				v := listedIncident()
				v.Incident.Impact.Receivers = []checks.ReceiverImpact{
					{Receiver: "example.net", Vendor: "Cisco Talos", Refused: checks.Count{N: 2, Counted: true}, Accepted: now},
					{Receiver: "example.org", Refused: checks.Count{N: 2, Counted: true}, Accepted: now},
					{Receiver: "example.net", Vendor: "Spamhaus", Refused: checks.Count{N: 1, Counted: true}},
				}
				in.Incidents = []IncidentView{v}
			},
			"mail to example.net is being refused", "", []string{"example.org", "again"}},
		"a stopped daemon says of when it speaks": {
			func(in *Input) { in.Daemon = Daemon{} },
			"Cannot tell: no daemon runs on this database; nothing was wrong in the last complete round, 4 min ago", "not running (journalctl -u reputed, or its log, says why)", []string{"wrong then"}},
		"what was ended by hand is not clear before it was looked at again": {
			func(in *Input) { in.ByHand = []EndedByHand{byHand} },
			"Cannot tell before the next look: 192.0.2.10 was listed by SpamCop when last asked, 5 min ago, and incident 7 was ended by hand", "all 40 lists answer", []string{"All clear"}},
		"of several that were ended by hand the latest answer is told": {
			func(in *Input) {
				older := byHand
				older.Target, older.Seen = "192.0.2.11", ago2(time.Hour)
				in.ByHand = []EndedByHand{older, byHand}
			},
			"192.0.2.10 was listed by SpamCop, and 1 more finding was so, when last asked, 5 min ago", "", []string{"192.0.2.11"}},
		"what was ended by hand stands besides what is open": {
			func(in *Input) { in.Incidents, in.ByHand = []IncidentView{listedIncident()}, []EndedByHand{byHand} },
			"; besides, 192.0.2.10 was listed by SpamCop when last asked", "", nil},
		"what was ended by hand is not said to be well by a dead daemon": {
			func(in *Input) { in.Daemon, in.ByHand = Daemon{}, []EndedByHand{byHand} },
			"Cannot tell: no daemon runs on this database; 192.0.2.10 was listed by SpamCop", "", []string{"nothing was wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := well()
			c.change(&in)
			r := Build(in, now)
			if !strings.Contains(r.Verdict(), c.verdict) || !strings.Contains(r.Health(), c.health) {
				t.Errorf("got\n%s\n%s\nwant\n%s\n%s", r.Verdict(), r.Health(), c.verdict, c.health)
			}
			for _, s := range c.never {
				if strings.Contains(r.Verdict()+r.Health(), s) {
					t.Errorf("%q is claimed in\n%s\n%s", s, r.Verdict(), r.Health())
				}
			}
		})
	}
}

// Quiet is one line an incident, and it says what is true of it.
func TestQuietIsOneLineAnIncident(t *testing.T) {
	in := well()
	list := IncidentView{Incident: alerts.Incident{ID: 4, Title: "SEM-BLACK is unusable", State: alerts.Open, Severity: checks.Informational,
		Members: []alerts.Member{{Finding: checks.Finding{Target: checks.List("sem-black"), Code: checks.CodeListUnusable, Status: checks.Problem}}}}}
	in.Incidents = []IncidentView{list, listedIncident()}
	in.Quiet = []QuietNote{
		{At: ago2(time.Minute), Incident: 4, Title: "SEM-BLACK is unusable", Why: "severity informational is below min_severity minor"},
		{At: ago2(2 * time.Minute), Incident: 12, Title: "192.0.2.10 is listed by SpamCop", Why: "no rise in severity"},
		{At: ago2(3 * time.Minute), Incident: 12, Title: "192.0.2.10 is listed by SpamCop", Why: "acknowledged by kim"},
	}
	in.Mailboxes[0].Proved, in.Mailboxes[0].Unproved = 3, 1
	var b bytes.Buffer
	if err := Build(in, now).Write(&b, Term{}, Text); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(b.String(), "Quiet on purpose\n")
	want := `  #4   SEM-BLACK is unusable: it costs no mail
  mail 1 of the last 4 reports in mailbox bounces not proved to be yours: shown, but decides nothing (reputed bounce FILE says of a mail what is missing)
  #12  192.0.2.10 is listed by SpamCop: no rise in severity (2 min ago)
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A mailbox that is read, and whose mails stay where they should have gone, is shown as
// such, and never as one that cannot be read.
func TestStatusShowsWhatIsNotDoneAfterReading(t *testing.T) {
	in := well()
	in.Mailboxes[0].After = "MOVE: create the folder \"Done\" " + hostile
	r := Build(in, now)
	var text, doc strings.Builder
	if err := r.Write(&text, Term{Width: 80}, Text); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(&doc, Term{}, JSON); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "bounces is read, but") || strings.Contains(text.String(), "cannot be read") || strings.Contains(text.String(), "\x1b") {
		t.Errorf("text:\n%s", text.String())
	}
	if !strings.Contains(doc.String(), `"error": "MOVE: create the folder`) || !strings.Contains(doc.String(), `"failing_since": null`) {
		t.Errorf("JSON:\n%s", doc.String())
	}
}

// A list that cannot be used stands in one place of status.
func TestAnUnusableListStandsOnce(t *testing.T) {
	list := func(state alerts.State, severity checks.Severity) IncidentView {
		return IncidentView{Incident: alerts.Incident{ID: 7, Title: "PSBL is unusable", State: state, Severity: severity, Opened: ago2(time.Hour),
			Silence: alerts.Silence{Until: now.Add(time.Hour)},
			Members: []alerts.Member{{First: ago2(time.Hour), Finding: checks.Finding{Target: checks.List("psbl"), Code: checks.CodeListUnusable, Status: checks.Problem, Summary: "psbl lists the world"}}}}}
	}
	silent := []SilentList{{ID: "psbl", Name: "PSBL", Verdict: blocklists.Unusable, Why: "it lists the world"}}
	for name, c := range map[string]struct {
		change          func(*Input)
		incident, below bool // where it is
		quiet           bool
	}{
		"an incident":                  {func(in *Input) { in.Incidents = []IncidentView{list(alerts.Open, checks.Minor)} }, true, false, false},
		"an incident of little weight": {func(in *Input) { in.Incidents = []IncidentView{list(alerts.Open, checks.Informational)} }, false, true, false},
		"one that a person silenced":   {func(in *Input) { in.Incidents = []IncidentView{list(alerts.Silenced, checks.Minor)} }, false, false, true},
		"no incident":                  {func(*Input) {}, false, true, false},
		"an incident, and answered since": {func(in *Input) {
			in.Incidents, in.Silent = []IncidentView{list(alerts.Open, checks.Informational)}, nil
		}, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := well()
			in.Silent = silent
			in.Quiet = nil
			c.change(&in)
			if len(in.Incidents) > 0 && in.Incidents[0].Incident.State == alerts.Open {
				in.Quiet = []QuietNote{{At: now, Incident: 7, Title: "PSBL is unusable", Why: "below the severity that is told at once"}}
			}
			var b bytes.Buffer
			if err := Build(in, now).Write(&b, Term{}, Text); err != nil {
				t.Fatal(err)
			}
			_, quiet, _ := strings.Cut(b.String(), "Quiet on purpose")
			for what, x := range map[string]struct{ got, want bool }{
				"incident":             {strings.Contains(b.String(), "#7    MINOR"), c.incident},
				"what it cannot do":    {strings.Contains(b.String(), "What the monitor cannot do"), c.below},
				"quiet, and its title": {strings.Contains(quiet, "PSBL is unusable"), c.quiet},
			} {
				if x.got != x.want {
					t.Errorf("%s: got %v, want %v:\n%s", what, x.got, x.want, b.String())
				}
			}
		})
	}
}
