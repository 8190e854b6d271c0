package web

import (
	"context"
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

func (panicking) Incidents(context.Context, bool) ([]alerts.Incident, error) { panic("secret") }

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
