package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"reputed/alerts"
)

// changeWriter writes the changes of one decision.
type changeWriter struct {
	q      querier
	log    *slog.Logger
	now    time.Time
	notify func(alerts.Change) []Notice
	stored map[int64]*alerts.Incident // as they were read in this transaction
}

// write stores one change: the incident as it is now, the notices of it, and
// the reason where there are none.
func (w *changeWriter) write(ctx context.Context, c *alerts.Change) error {
	before := w.stored[c.Incident.ID]
	if c.Incident.ID != 0 && before == nil {
		// Fold knows only what it was given, so this is an incident of long ago or of nowhere.
		old, err := oneIncident(ctx, w.q, c.Incident.ID)
		if err != nil {
			return err
		}
		before = &old
	}
	if why := contradiction(*c, before); why != "" {
		w.log.LogAttrs(ctx, slog.LevelError, "decision put right", slog.Int64("incident", c.Incident.ID), slog.String("why", why))
		c.Tell, c.Why = false, why
	}
	if err := saveIncident(ctx, w.q, &c.Incident, before); err != nil {
		return fmt.Errorf("incident %d: %w", c.Incident.ID, err)
	}
	saved := c.Incident
	w.stored[saved.ID] = &saved

	aside := c.Kind == alerts.Updated && (!c.Tell || len(c.First) > 0) // what waits for other channels stays, and says it too
	if c.Tell {
		if err := w.queue(ctx, c); err != nil {
			return err
		}
	}
	if aside {
		if err := w.renew(ctx, *c); err != nil {
			return err
		}
	}
	if c.Tell || c.Kind == alerts.Opened || c.Kind == alerts.Worsened || c.Kind == alerts.Ended {
		note := c.Incident.Title
		if c.News != nil {
			note = c.News.String()
		}
		if err := saveEvent(ctx, w.q, c.Incident, string(c.Kind), "", note, c.At); err != nil {
			return err
		}
	}
	if c.Why != "" {
		return saveReason(ctx, w.q, *c)
	}
	return nil
}

// contradiction says why a change cannot follow from what is stored, or "".
// Between two openings of one incident lies an end, and it ends once.
func contradiction(c alerts.Change, before *alerts.Incident) string {
	switch {
	case before == nil:
		return ""
	case c.Kind == alerts.Opened && before.State != alerts.Resolved:
		return "it is open already: told once"
	case c.Kind == alerts.Ended && before.State == alerts.Resolved:
		return "it is resolved already: told once"
	}
	return ""
}

// queue writes the notices of a change, one row a channel. Where that gives
// none, the change is told to nobody, with the reason.
func (w *changeWriter) queue(ctx context.Context, c *alerts.Change) error {
	var notices []Notice
	if w.notify != nil {
		notices = w.notify(*c)
	}
	queued, together := 0, ""
	for _, n := range notices {
		var known int
		if err := w.q.QueryRowContext(ctx, "SELECT count(*) FROM outbox WHERE channel = ? AND notice = ?", n.Channel, n.Notification.ID).Scan(&known); err != nil {
			return err
		}
		if known > 0 {
			continue
		}
		if c.News != nil { // it joins what waits, and makes nothing wait shorter
			waits, err := w.refresh(ctx, c.Incident.ID, n)
			if err != nil {
				return err
			}
			if waits {
				queued++
				continue
			}
		}
		as, why, err := w.collapse(ctx, c.Incident.ID, n.Channel, n.Notification.Kind)
		if err != nil {
			return err
		}
		if why != "" {
			together = why
			if err := saveReason(ctx, w.q, alerts.Change{Kind: c.Kind, Incident: c.Incident, At: c.At, Why: n.Channel + ": " + why}); err != nil {
				return err
			}
		}
		if as == "" {
			continue
		}
		n.Notification.Kind = as
		ok, err := w.enqueue(ctx, c.Incident.ID, n)
		if err != nil {
			return err
		}
		if ok {
			queued++
		}
	}
	switch {
	case len(notices) == 0:
		c.Tell, c.Why = false, "no channel is configured to tell"
	case queued == 0 && together != "": // never of news, which lets nothing else be dropped
		// Nobody has heard of it after all, so that it is for the digest.
		c.Tell, c.Why, c.Incident.LastTold, c.Incident.Told = false, together, time.Time{}, nil
		_, err := w.q.ExecContext(ctx, "UPDATE incidents SET last_told = NULL, told = '[]' WHERE id = ?", c.Incident.ID)
		return err
	case queued == 0:
		c.Tell, c.Why = false, "this notice is queued already: told once"
	}
	return nil
}

// enqueue writes one notice, of an incident or (0) of none, and says whether it was new.
func (w *changeWriter) enqueue(ctx context.Context, incident int64, n Notice) (bool, error) {
	doc, err := document(n.Notification)
	if err != nil {
		return false, err
	}
	next := w.now
	var left time.Time // a channel that takes nothing is left alone, also with what is new
	if err := w.q.QueryRowContext(ctx, troubled, n.Channel, w.now.UnixMicro(), w.now.Add(longestRetry).UnixMicro()).Scan(stamp{&left}); err != nil {
		return false, err
	}
	for _, later := range []time.Time{n.NotBefore, left} {
		if later.After(next) {
			next = later
		}
	}
	return changed(w.q.ExecContext(ctx, `INSERT INTO outbox (incident, channel, notice, kind, notification, state, queued, next, tries, why)
		VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, 'queued', ?6, ?7, 0, '') ON CONFLICT (channel, notice) DO NOTHING`,
		incident, n.Channel, n.Notification.ID, n.Notification.Kind, doc, w.now.UnixMicro(), next.UnixMicro()))
}

// whatWaits is what of an incident waits for a channel and is not on its way: "... FROM outbox WHERE ...".
const whatWaits = " FROM outbox WHERE incident = ? AND channel = ? AND state = 'queued' AND next > ? AND next <= ?"

// refresh makes what of an incident waits for a channel say how it stands now, and says whether anything does: what is held
// through a night is told in the morning as what it has become.
func (w *changeWriter) refresh(ctx context.Context, incident int64, n Notice) (waits bool, err error) {
	type row struct {
		id  int64
		was alerts.Notification
	}
	var rows []row
	err = each(ctx, w.q, func(r *sql.Rows) error {
		var one row
		err := r.Scan(&one.id, value{&one.was})
		rows = append(rows, one)
		return err
	}, "SELECT id, notification"+whatWaits+" ORDER BY id", incident, n.Channel, w.now.UnixMicro(), w.now.Add(longestRetry).UnixMicro())
	if err != nil {
		return false, err
	}
	for _, old := range rows {
		is := n.Notification
		is.ID, is.Kind, is.At = old.was.ID, old.was.Kind, old.was.At
		switch {
		case old.was.News == nil:
			is.News = nil // it tells of the whole
		case is.News == nil: // nothing is to be said yet that was not
			is.News, is.Remediation = old.was.News, old.was.Remediation
		default:
			both := is.News.After(*old.was.News)
			is.News = &both
		}
		doc, err := document(is)
		if err != nil {
			return false, err
		}
		if _, err := w.q.ExecContext(ctx, "UPDATE outbox SET notification = ? WHERE id = ?", doc, old.id); err != nil {
			return false, err
		}
	}
	return len(rows) > 0, nil
}

// renew does that for every channel for which something of the incident waits.
func (w *changeWriter) renew(ctx context.Context, c alerts.Change) error {
	c.Channels = nil
	err := each(ctx, w.q, func(r *sql.Rows) error {
		var channel string
		err := r.Scan(&channel)
		c.Channels = append(c.Channels, channel)
		return err
	}, "SELECT DISTINCT channel FROM outbox WHERE incident = ? AND state = 'queued' AND next > ?", c.Incident.ID, w.now.UnixMicro())
	if err != nil || len(c.Channels) == 0 || w.notify == nil {
		return err
	}
	for _, n := range w.notify(c) {
		if _, err := w.refresh(ctx, c.Incident.ID, n); err != nil {
			return err
		}
	}
	return nil
}

// collapse takes the notices of an incident that still wait for a channel out of the
// outbox, and gives as what the next one is told instead ([alerts.Collapse]). What is due
// may be on its way at this moment, and stays.
func (w *changeWriter) collapse(ctx context.Context, incident int64, channel string, next alerts.ChangeKind) (as alerts.ChangeKind, why string, err error) {
	args := []any{incident, channel, w.now.UnixMicro(), w.now.Add(longestRetry).UnixMicro()}
	var waiting []alerts.Waiting
	err = each(ctx, w.q, func(r *sql.Rows) error {
		var one alerts.Waiting
		err := r.Scan(&one.Kind, &one.Tried)
		waiting = append(waiting, one)
		return err
	}, "SELECT kind, tries > 0"+whatWaits+" ORDER BY id", args...)
	if err != nil || len(waiting) == 0 {
		return next, "", err
	}
	_, err = w.q.ExecContext(ctx, "DELETE"+whatWaits, args...)
	as, why = alerts.Collapse(waiting, next)
	return as, why, err
}

// saveReason writes down why a change was not told. A reason that is given again
// and again is one row that counts.
func saveReason(ctx context.Context, q querier, c alerts.Change) error {
	_, err := q.ExecContext(ctx, `INSERT INTO decisions (incident, kind, why, first, last, times) VALUES (?1, ?2, ?3, ?4, ?4, 1)
		ON CONFLICT (incident, kind, why) DO UPDATE SET last = excluded.last, times = times + 1`,
		c.Incident.ID, c.Kind, c.Why, c.At.UnixMicro())
	return err
}

// saveEvent writes down what happened to an incident, or who did what.
func saveEvent(ctx context.Context, q querier, i alerts.Incident, kind, who, note string, at time.Time) error {
	_, err := q.ExecContext(ctx, "INSERT INTO events (incident, at, kind, severity, who, note) VALUES (?, ?, ?, ?, ?, ?)",
		i.ID, at.UnixMicro(), kind, i.Severity, who, note)
	return err
}
