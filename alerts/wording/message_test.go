package wording

import (
	"slices"
	"strings"
	"testing"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

func TestHeadlineSaysStateAndSeverityInWords(t *testing.T) {
	for name, want := range map[string]string{
		"opened":         "New, major: 192.0.2.10 is listed by SpamCop",
		"already-listed": "Already there, major: 192.0.2.10 is listed by SpamCop",
		"relapse":        "Back again, major: 192.0.2.10 is listed by SpamCop",
		"worsened":       "Worse, critical: example.net refuses mail from 192.0.2.10 for its reputation (Cisco Talos) (and 1 more finding)",
		"reminder":       "Still open, major: 192.0.2.10 is listed by SpamCop",
		"updated":        "Taken, major: 192.0.2.10 is listed by SpamCop",
		"resolved":       "Resolved: 192.0.2.10 is listed by SpamCop",
		"monitor-blind":  "New, the monitor itself, critical: 41 of 60 lists could not be asked",
		"informational":  "New, for information: 192.0.2.10 is listed by SpamCop",
		"rehearsal":      "REHEARSAL: New, major: 192.0.2.10 is listed by SpamCop",
	} {
		if got := headline(alertstest.Variants()[name]); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Whoever ends an incident by hand has not made it go away.
func TestAnEndByHandIsNoRecovery(t *testing.T) {
	n := alertstest.Variants()["resolved"]
	n.Incident.Members = slices.Clone(n.Incident.Members)
	n.Incident.Members[0].Clear = false
	m := Of(n)
	got := m.Title + "\n" + m.Text(0)
	for _, want := range []string{"Ended by hand: 192.0.2.10 is listed by SpamCop", "nobody has seen that it is over"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "Resolved") || strings.Contains(got, "comes back") {
		t.Errorf("reads as if it were over:\n%s", got)
	}
}

// What is over is told as what has been.
func TestTheEndOfBlindnessDoesNotReadAsIfItLasted(t *testing.T) {
	list := alertstest.Listing("192.0.2.10")
	list.Finding.Target, list.Finding.Code = checks.List("spamcop"), checks.CodeListRefused
	for name, c := range map[string]struct {
		members   []alerts.Member
		now, then string
	}{
		"the monitor": {alertstest.Variants()["monitor-blind"].Incident.Members, "nothing is known to be listed or clean meanwhile", "while it lasted nothing was known"},
		"a list":      {[]alerts.Member{list}, "it is left out until it answers us", "nothing was known about any address or domain there"},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, want := range map[alerts.ChangeKind]string{alerts.Opened: c.now, alerts.Reminder: c.now, alerts.Ended: c.then} {
				got := Of(alertstest.With(func(n *alerts.Notification) { n.Kind, n.Incident.Members = kind, c.members })).Text(0)
				if !strings.Contains(got, want) {
					t.Errorf("%s: %q is not in\n%s", kind, want, got)
				}
				if kind == alerts.Ended && strings.Contains(got, "is known") {
					t.Errorf("reads as if it lasted:\n%s", got)
				}
			}
		})
	}
}

// TestRefusalsThatWereThereSaySo: what was there when watching began is said as what it was.
func TestRefusalsThatWereThereSaySo(t *testing.T) {
	for code, want := range map[checks.Code]string{
		checks.CodeRefused: "already refused when watching began",
		checks.CodeListed:  "already there when first looked at, so",
	} {
		f := checks.Finding{Code: code, Status: checks.Problem, Severity: checks.Major, Summary: "one finding"}
		m := Of(alerts.Notification{Kind: alerts.Opened, Incident: alerts.Incident{ID: 1, Existing: true, Severity: checks.Major, Members: []alerts.Member{{Finding: f}}}})
		if text := m.Text(0); !strings.Contains(text, want) || !strings.HasPrefix(m.Title, "Already there, major") {
			t.Errorf("%s: %s, want %q", code, text, want)
		}
	}
}

func TestNothingIsSaidTwice(t *testing.T) {
	n := alertstest.Opened()
	n.Incident.Members[0].Finding.Facts = nil // what the list means by it is in its summary
	if text := Of(n).Text(0); strings.Contains(text, "is listed by SpamCop") {
		t.Errorf("the title is repeated:\n%s", text)
	}
	n.Incident.Members[0].Unknown = alertstest.At
	if text := Of(n).Text(0); !strings.Contains(text, "What: 192.0.2.10 is listed by SpamCop (no answer since") {
		t.Errorf("what is not known is left out:\n%s", text)
	}
}

func TestManyAreWhatTheyAreAndCountedInThousands(t *testing.T) {
	m := Of(alertstest.With(func(n *alerts.Notification) {
		n.Incident.Members = nil
		for _, a := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"} {
			n.Incident.Members = append(n.Incident.Members, alertstest.Listing(a))
		}
		n.Targets = 65536
	}))
	if text := m.Text(0); !strings.Contains(text, "What: 65,536 addresses: 192.0.2.1, 192.0.2.2, 192.0.2.3 and 65,533 more") {
		t.Error(text)
	}
}

// Whoever is woken by what refuses no mail reads what it costs all the same, and nothing of reminders that never come
// or of requests that nobody makes.
func TestWhatIsOurOwnSaysWhatItCostsAndNoMore(t *testing.T) {
	relay := alertstest.Listing("192.0.2.10")
	relay.Finding.Code, relay.Finding.Summary, relay.Finding.Severity = checks.CodeOpenRelay, "mx.example.org takes mail of strangers for strangers", checks.Minor
	n := alertstest.With(func(n *alerts.Notification) {
		n.Incident.Severity, n.Incident.Members = checks.Minor, []alerts.Member{relay}
		n.Remediation[0].WhoAsk = "you"
	})
	text := Of(n).Text(0)
	for _, want := range []string{"Cost: the reputation of the address", "\nTake it: reputed incident ack 12"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Who may ask") {
		t.Errorf("whom would one ask?\n%s", text)
	}
	n.Kind, n.Incident.Members[0].Clear = alerts.Ended, true
	if text := Of(n).Text(0); strings.Contains(text, "asking anybody again") || strings.Contains(text, "Cost:") {
		t.Errorf("the end says\n%s", text)
	}
}
