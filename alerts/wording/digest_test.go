package wording

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

func TestADigestSaysWhatIsNewOverAndOpen(t *testing.T) {
	at := alertstest.At
	many := make([]alerts.Brief, 12)
	for i := range many {
		many[i] = alerts.Brief{ID: int64(i + 20), Title: "192.0.2.77 is listed by PSBL", Severity: checks.Minor, Opened: at}
	}
	m := Of(alerts.Notification{Kind: alerts.Daily, Command: "reputed status", Digest: &alerts.Digest{Since: at.Add(-24 * time.Hour), Until: at,
		New:   []alerts.Brief{{ID: 7, Title: "192.0.2.10 is listed by PSBL\x1b[2J", Severity: checks.Minor, Opened: at, Refusals: 2}},
		Ended: []alerts.Brief{{ID: 6, Title: "SpamRATS does not answer", Severity: checks.Minor, Opened: at.Add(-3 * time.Hour), Resolved: at}},
		Open:  many,
	}})
	if want := "Daily digest: 1 new, 1 ended, 12 more open"; m.Title != want {
		t.Errorf("title %q, want %q", m.Title, want)
	}
	var items []string
	for _, block := range m.Blocks {
		for _, p := range block {
			for _, item := range p.Items {
				var b strings.Builder
				for _, s := range item {
					b.WriteString(s.Show())
				}
				items = append(items, b.String())
			}
		}
	}
	want := []string{"#7 192.0.2.10 is listed by PSBL [2J (minor, 2 mails refused)", "#6 SpamRATS does not answer (minor, after 3 h 0 min)"}
	for i := range maxBriefs {
		want = append(want, fmt.Sprintf("#%d 192.0.2.77 is listed by PSBL (minor)", i+20))
	}
	if want = append(want, "and 2 more"); strings.Join(items, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(items, "\n"), strings.Join(want, "\n"))
	}
}

func TestNewKindsHaveWords(t *testing.T) {
	n := alertstest.Opened()
	n.Incident.Silence = alerts.Silence{By: "kim", Reason: "moving", Until: alertstest.At}
	n.Incident.Flapping, n.Incident.Turns = alertstest.At, make([]time.Time, 4)
	for kind, want := range map[alerts.ChangeKind]string{
		alerts.Escalated: "Nobody has taken this, major: ", alerts.Flapped: "Comes and goes, major: ", alerts.SilenceEnding: "Silence ends soon, major: ",
	} {
		if n.Kind = kind; !strings.HasPrefix(headline(n), want) {
			t.Errorf("%s: %q, want %q", kind, headline(n), want)
		}
	}
	var text strings.Builder
	for _, s := range Of(n).Blocks[0][0].Spans {
		text.WriteString(s.Show())
	}
	for _, want := range []string{"Silent: until 2026-11-25 09:40 UTC, by kim: moving", "Flapping: it has come and gone 2 times within a day"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not said in %q", want, text.String())
		}
	}
	n.Kind = alerts.Ended
	text.Reset()
	for _, s := range Of(n).Blocks[0][0].Spans {
		text.WriteString(s.Show())
	}
	if strings.Contains(text.String(), "Silent: ") {
		t.Errorf("what is over is silent: %q", text.String())
	}
}
