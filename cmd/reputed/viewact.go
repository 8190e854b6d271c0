package main

import (
	"context"
	"errors"
	"fmt"

	"reputed/alerts"
	"reputed/internal/store"
	"reputed/internal/web"
)

// Act implements [web.Source]: what the commands of `reputed incident` do.
func (v *view) Act(ctx context.Context, a alerts.Action) (alerts.Incident, error) {
	if a.Kind == alerts.Requested {
		if err := v.completeRequest(ctx, &a); err != nil {
			return alerts.Incident{}, err
		}
	}
	after, err := v.db.Act(ctx, a, func(c alerts.Change) []store.Notice {
		return store.NoticesOf(c, v.book.ForAll(c.Incident.OpenFindings(), v.zone), v.cfg.Channels())
	})
	v.forget()
	switch {
	case errors.Is(err, store.ErrNoIncident):
		return after, fmt.Errorf("incident %d: %w", a.Incident, web.ErrNotFound)
	case err == nil && v.acted != nil:
		v.acted()
	}
	return after, err
}

// completeRequest finds what a request is about and how long it takes, and refuses one that is
// held against us.
func (v *view) completeRequest(ctx context.Context, a *alerts.Action) error {
	h, err := v.db.Incident(ctx, a.Incident)
	if errors.Is(err, store.ErrNoIncident) {
		return fmt.Errorf("incident %d: %w", a.Incident, web.ErrNotFound)
	}
	if err != nil {
		return err
	}
	before, err := v.db.Requests(ctx, a.Incident)
	if err != nil {
		return err
	}
	complete(&a.Request, h.Incident, v.book, v.zone)
	if last, soon := alerts.TooSoon(before, a.Request.List, a.Request.CoolDown, a.At); soon && !a.Request.Again {
		return fmt.Errorf("%w: %s", alerts.ErrTooSoon, askedAlready(last))
	}
	return nil
}
