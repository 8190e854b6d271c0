package report

import (
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

func TestShareSaysHowAPoolStands(t *testing.T) {
	well := Input{Daemon: Daemon{Alive: true, Started: ago2(time.Hour)}, Watched: Watched{Addresses: 1, Lists: 3}, Round: Round{Started: ago2(5 * time.Minute), Ended: ago2(4 * time.Minute), Questions: 3}}
	member := func(s checks.Severity, clear bool) alerts.Member {
		m := alerts.Member{First: ago2(time.Hour), Clear: clear, Finding: checks.Finding{Key: checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: "spamcop"}, Target: checks.Target{Kind: checks.KindDomain, Name: "example.org"}, Code: checks.CodeListed, Severity: s, Status: checks.Problem, Summary: "SECRET"}}
		if clear {
			m.ClearSince = ago2(time.Minute)
		}
		return m
	}
	part := func(s checks.Severity, clear bool, refused int) SharePart {
		p := SharePart{Incident: alerts.Incident{State: alerts.Open, Title: "SECRET", Note: "SECRET", Members: []alerts.Member{member(s, clear)}}, Name: func(alerts.Member) string { return "SpamCop" }}
		if refused > 0 {
			p.Impact.Receivers = []checks.ReceiverImpact{{Receiver: "example.net", Refused: checks.Count{N: refused, Counted: true}}}
		}
		return p
	}
	for name, c := range map[string]struct {
		status Input
		parts  []SharePart
		looked bool
		want   string
		level  Level
		over   int
	}{
		"all is well":                       {well, nil, true, "All is well: nothing is known to be wrong", LevelOK, 0},
		"a listing that costs nothing":      {well, []SharePart{part(checks.Major, false, 0)}, true, "1 problem now; no mail that was refused for it is known", LevelWarning, 0},
		"and where nobody counts":           {well, []SharePart{part(checks.Major, false, 0)}, false, "1 problem now; refused mail is not counted here", LevelWarning, 0},
		"mail is refused":                   {well, []SharePart{part(checks.Major, false, 3)}, true, "1 problem now; mail was refused or deferred", LevelCritical, 0},
		"what is for information is none":   {well, []SharePart{part(checks.Informational, false, 0)}, true, "All is well: nothing is known to be wrong", LevelOK, 0},
		"their part of it is over":          {well, []SharePart{part(checks.Major, true, 0)}, true, "All is well: nothing is known to be wrong", LevelOK, 1},
		"a monitor that is dead":            {Input{Round: well.Round, Daemon: Daemon{Beat: ago2(time.Hour)}}, nil, true, "Nothing is known to be wrong, but the monitor is not running, and what has changed since it stopped is not known", LevelUnknown, 0},
		"a database that cannot be read":    {Input{Trouble: "/var/lib/SECRET is damaged"}, nil, true, "Nothing is known to be wrong, but how things stand could not be read just now", LevelUnknown, 0},
		"lists that could not all be asked": {Input{Daemon: well.Daemon, Watched: well.Watched, Round: well.Round, Silent: []SilentList{{ID: "SECRET", Severity: checks.Critical}}}, nil, true, "Nothing is known to be wrong, but not everything could be checked lately", LevelUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := BuildShare(ShareInput{Pool: "office", Status: Build(c.status, now), Incidents: c.parts, Looked: c.looked}, Term{Location: zone}, now)
			if got := s.Verdict(); got != c.want || s.Level() != c.level || len(s.Over) != c.over {
				t.Errorf("%q, level %v, %d over; want %q, %v, %d", got, s.Level(), len(s.Over), c.want, c.level, c.over)
			}
			for _, i := range s.Incidents {
				if all := strings.Join(append(append([]string{i.Cost}, i.What...), i.Done...), " "); strings.Contains(all, "SECRET") || !strings.Contains(all, "SpamCop") {
					t.Errorf("told: %q", all)
				}
			}
		})
	}
}
