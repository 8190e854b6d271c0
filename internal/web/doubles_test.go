package web

import (
	"context"
	"fmt"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/report"
)

// broken is a source whose database cannot be read.
type broken struct{ *fixture }

func (broken) Status(context.Context, time.Time) report.Report {
	return report.Build(report.Input{Trouble: "database is damaged"}, now)
}

// panicking is a source with a bug.
type panicking struct{ *fixture }

func (panicking) Incidents(context.Context, bool) ([]report.IncidentView, error) { panic("secret") }
func (panicking) Findings(context.Context, FindingQuery) ([]report.IncidentFinding, bool, error) {
	panic("secret")
}

// linked has links that must not be shown.
type linked struct{ *fixture }

func (l linked) Incident(ctx context.Context, id int64, at time.Time) (report.Explanation, error) {
	e, err := l.fixture.Incident(ctx, id, at)
	for _, url := range []string{"javascript:alert(1)", "http://evil.example/", "https://www.spamcop.net@evil.example/", "data:text/html,x", "//evil.example/"} {
		e.Remediation = append(e.Remediation, checks.Remediation{Title: "x", Steps: []checks.Step{{Text: "look", URL: url}}})
	}
	return e, err
}

// stepped has an incident in which steps were done, and one taken back.
type stepped struct{ *fixture }

func (s *stepped) Incident(ctx context.Context, id int64, at time.Time) (report.Explanation, error) {
	e, err := s.fixture.Incident(ctx, id, at)
	e.Events = append(e.Events, report.Event{At: ago(9 * time.Minute), What: "step done", By: "lee", Note: "See which mails were reported."},
		report.Event{At: ago(8 * time.Minute), What: "step done", By: "kim", Note: "Hold the queue of the sender that the reports name, not all mail."},
		report.Event{At: ago(7 * time.Minute), What: "step not done", By: "kim", Note: "Hold the queue of the sender that the reports name, not all mail."})
	return e, err
}

// sharing has one link, to a pool in trouble.
type sharing struct{ calm bool }

const goodToken = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func (x sharing) Shared(ctx context.Context, token string, now time.Time) (report.Share, error) {
	if token != goodToken {
		return report.Share{}, ErrNotFound
	}
	f := &fixture{calm: x.calm}
	in := report.ShareInput{Pool: "newsletter", Until: now.Add(30 * day), Watched: report.Watched{Addresses: 40, Domains: 1, Lists: 60}, Status: f.Status(ctx, now), Looked: true}
	in.Refusals, _ = f.Refusals(ctx, "30d", now)
	if !x.calm {
		for _, v := range f.views() {
			in.Incidents = append(in.Incidents, report.SharePart{Incident: v.Incident, Impact: v.Incident.Impact, Name: func(m alerts.Member) string { return m.Finding.Key.Source },
				Asked: []alerts.Asked{{Request: alerts.Request{List: "SpamCop", Promised: day}, At: ago(20 * time.Minute)}}})
		}
		over := f.views()[0].Incident
		over.State, over.Opened, over.Resolved = alerts.Resolved, ago(9*day), ago(3*day)
		in.Incidents = append(in.Incidents, report.SharePart{Incident: over, Name: func(alerts.Member) string { return "" }})
	}
	return report.BuildShare(in, report.Term{Location: zone}, now), nil
}

func (sharing) Links(context.Context, time.Time) ([]report.ShareLink, error) {
	return []report.ShareLink{{ID: 3, Pool: "newsletter", Note: "Example GmbH", By: "kim", Made: ago(2 * day), Expires: now.Add(28 * day), Used: ago(time.Hour), Uses: 1204}}, nil
}

func (sharing) Pools() []string { return []string{"newsletter", "office"} }

func (sharing) MakeLink(_ context.Context, pool, _, _ string, days int, _ time.Time) (string, error) {
	if days < 1 {
		return "", fmt.Errorf("%w: it lasts from 1 to 365 days", ErrLink)
	}
	return "https://reputed.example.org/share/" + goodToken, nil
}

func (sharing) RevokeLink(_ context.Context, id int64, _ string, _ time.Time) error {
	if id != 3 {
		return ErrNotFound
	}
	return nil
}
