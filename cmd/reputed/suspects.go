package main

import (
	"context"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/internal/store"
)

// suspicion is who may be behind an incident, as far as logs and reports tell.
func suspicion(ctx context.Context, db *store.DB, inc alerts.Incident) (bounce.Suspicion, error) {
	targets, mail := mailTargets(inc)
	onset := inc.Opened
	if !mail || onset.IsZero() {
		return bounce.Suspicion{}, nil
	}
	if since := inc.Impact.Since; !since.IsZero() && since.Before(onset) {
		onset = since
	}
	hours, err := db.Senders(ctx, targets, onset.Add(-bounce.SuspectBefore-bounce.SuspectUsual), onset.Add(2*time.Hour))
	if err != nil {
		return bounce.Suspicion{}, err
	}
	return bounce.Suspects(hours, onset), nil
}

// mailTargets are the addresses of ours that an incident is about. If it is about domains alone
// there are none, and all that was sent is looked at. False: it is not about mail.
func mailTargets(inc alerts.Incident) (ids []string, mail bool) {
	for _, m := range inc.Members {
		t := m.Finding.Target
		mail = mail || t.Kind == checks.KindAddress || t.Kind == checks.KindDomain
		if id := t.ID(); t.Kind == checks.KindAddress && len(ids) < suspectTargets && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, mail
}

// suspectTargets is of how many targets it is looked up who sent from them: a network that is listed
// as a whole has 65,536, most of which send nothing.
const suspectTargets = 1000
