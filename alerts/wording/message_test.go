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
		"the monitor": {alertstest.Variants()["monitor-blind"].Incident.Members, "Meanwhile nothing is known", "While it lasted nothing was known"},
		"a list":      {[]alerts.Member{list}, "until it answers properly", "was left out while it lasted"},
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
		checks.CodeListed:  "it was already there when first looked",
	} {
		f := checks.Finding{Code: code, Status: checks.Problem, Severity: checks.Major, Summary: "one finding"}
		m := Of(alerts.Notification{Kind: alerts.Opened, Incident: alerts.Incident{ID: 1, Existing: true, Severity: checks.Major, Members: []alerts.Member{{Finding: f}}}})
		if text := m.Text(0); !strings.Contains(text, want) || !strings.HasPrefix(m.Title, "Already there, major") {
			t.Errorf("%s: %s, want %q", code, text, want)
		}
	}
}
