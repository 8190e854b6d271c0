package view

import (
	"context"
	"errors"
	"fmt"

	"reputed/alerts"
	"reputed/internal/store"
	"reputed/internal/web"
)

// Act implements [web.Source]: what the commands of `reputed incident` do.
func (v *View) Act(ctx context.Context, a alerts.Action) (alerts.Incident, error) {
	if a.Kind == alerts.Requested {
		if err := v.completeRequest(ctx, &a); err != nil {
			return alerts.Incident{}, err
		}
	}
	after, err := v.db.Act(ctx, a, func(c alerts.Change) []store.Notice {
		return store.NoticesOf(c, v.book.ForAll(c.Incident.OpenFindings(), v.zone), v.Config.Channels())
	})
	v.Forget()
	switch {
	case errors.Is(err, store.ErrNoIncident):
		return after, fmt.Errorf("incident %d: %w", a.Incident, web.ErrNotFound)
	case err == nil && v.Acted != nil:
		v.Acted()
	}
	return after, err
}

// completeRequest finds what a request is about and how long it takes, and refuses one that is
// held against us.
func (v *View) completeRequest(ctx context.Context, a *alerts.Action) error {
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
	Complete(&a.Request, h.Incident, v.book, v.zone)
	if last, soon := alerts.TooSoon(before, a.Request.List, a.Request.CoolDown, a.At); soon && !a.Request.Again {
		return fmt.Errorf("%w: %s", alerts.ErrTooSoon, AskedAlready(last))
	}
	return nil
}
