package report

import (
	"bytes"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

func TestPolicyReplay(t *testing.T) {
	inc := listedIncident().Incident
	minor := inc
	minor.Severity, minor.Title = checks.Minor, "192.0.2.11 is listed by "+hostile
	r := PolicyReplay{From: ago2(30 * 24 * time.Hour), To: now, Policy: alerts.Policy{MinSeverity: checks.Major}, Told: map[string]int{"opened": 14, "reminder": 3},
		Changes: []alerts.Change{
			{Kind: alerts.Opened, Incident: inc, At: ago2(3 * time.Hour), Tell: true, Channels: []string{"pager", "slack"}, NotBefore: ago2(time.Hour), Why: "quiet hours"},
			{Kind: alerts.Opened, Incident: minor, At: ago2(2 * time.Hour), Why: "severity minor is below min_severity major: for the daily digest"},
			{Kind: alerts.Updated, Incident: inc, At: ago2(2 * time.Hour), Why: "no rise in severity: told once, shown by status"},
			{Kind: alerts.Updated, Incident: inc, At: ago2(time.Hour), Why: "no rise in severity: told once, shown by status"},
			{Kind: alerts.Updated, Incident: inc, At: ago2(55 * time.Minute), Tell: true, Channels: []string{"slack"}, News: &alerts.News{Joined: minor.Members, MoreJoined: 2}},
			{Kind: alerts.Quiet, Incident: inc, At: ago2(time.Hour), Why: alerts.NothingNew},
			{Kind: alerts.Ended, Incident: inc, At: ago2(time.Minute), Tell: true, Channels: []string{"slack"}},
		}}
	goldenText(t, "policy-replay", func(w *bytes.Buffer, term Term) error { return r.Write(w, term, Text) })
	for _, f := range []Format{JSON, TSV} {
		var b bytes.Buffer
		if err := r.Write(&b, Term{}, f); err != nil {
			t.Fatal(err)
		}
		golden(t, "policy-replay."+string(f), b.Bytes())
	}
}
