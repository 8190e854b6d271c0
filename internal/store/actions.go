package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// Act lets one person do one thing to one incident ([alerts.Incident.Apply]), and writes
// down who, when and what. It is a transaction of its own, so that it may run beside the
// daemon. Notify, which may be nil, makes the notices of an end, for the channels that
// told of the beginning.
//
// Errors: [ErrNoIncident], [ErrIncidentOver], [alerts.ErrAction]; [ErrBusy] may pass.
func (db *DB) Act(ctx context.Context, a alerts.Action, notify func(alerts.Change) []Notice) (after alerts.Incident, err error) {
	err = db.update(ctx, string(a.Kind), func(tx *sql.Tx) error {
		before, err := oneIncident(ctx, tx, a.Incident)
		if err != nil {
			return err
		}
		if after, err = before.Apply(a); err != nil {
			return err
		}
		if err := saveIncident(ctx, tx, &after, &before); err != nil {
			return err
		}
		if a.Kind == alerts.Requested {
			if err := saveRequest(ctx, tx, a); err != nil {
				return err
			}
		}
		if a.Kind == alerts.ResolveHand {
			if err := db.tellEnd(ctx, tx, after, a.At, notify); err != nil {
				return err
			}
		}
		return saveEvent(ctx, tx, after, a.Kind.Done(), checks.Line(a.By, 100), said(a), a.At)
	})
	return after, err
}

// said is what the event of an action says besides who and what.
func said(a alerts.Action) string {
	var parts []string
	switch a.Kind {
	case alerts.Mute:
		parts = append(parts, "until "+a.Until.UTC().Format(time.RFC3339))
	case alerts.Requested:
		at := "at " + checks.Line(a.Request.List, 100)
		if ref := checks.Line(a.Request.Ref, 100); ref != "" {
			at += ", " + ref
		}
		parts = append(parts, at)
	}
	if note := checks.Line(a.Note, 500); note != "" {
		parts = append(parts, note)
	}
	return strings.Join(parts, ": ")
}

// silencedUntil reads what said wrote of a silence.
func silencedUntil(note string) time.Time {
	until, _, _ := strings.Cut(strings.TrimPrefix(note, "until "), ": ")
	t, _ := time.Parse(time.RFC3339, until)
	return t.UTC()
}

// Silenced is what the event of a silence says: until when, and why. Ok is false of every other event.
func (e Event) Silenced() (until time.Time, why string, ok bool) {
	if e.Kind != alerts.Mute.Done() {
		return time.Time{}, "", false
	}
	until = silencedUntil(e.Note)
	_, why, _ = strings.Cut(e.Note, ": ")
	return until, why, !until.IsZero()
}

// tellEnd queues the notices of an end by hand. Where nobody is told, why is written down.
func (db *DB) tellEnd(ctx context.Context, tx *sql.Tx, inc alerts.Incident, at time.Time, notify func(alerts.Change) []Notice) error {
	c := alerts.Change{Kind: alerts.Ended, Incident: inc, At: at, Tell: true, Channels: inc.Told}
	if notify == nil || len(inc.Told) == 0 {
		c.Tell, c.Why = false, "resolved by hand: whoever did it knows"
	}
	w := changeWriter{q: tx, log: db.log, now: at, notify: notify}
	if c.Tell {
		if err := w.queue(ctx, &c); err != nil {
			return err
		}
	}
	if c.Why == "" {
		return nil
	}
	return saveReason(ctx, tx, c)
}

func saveRequest(ctx context.Context, q querier, a alerts.Action) error {
	_, err := q.ExecContext(ctx, `INSERT INTO requests (incident, list, by, ref, note, at, promised, cool_down, check_name, target, source)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Incident, checks.Line(a.Request.List, 100), checks.Line(a.By, 100), checks.Line(a.Request.Ref, 100), checks.Line(a.Note, 500), micros(a.At),
		int64(a.Request.Promised/time.Second), int64(a.Request.CoolDown/time.Second), a.Request.Key.Check, a.Request.Key.Target, a.Request.Key.Source)
	return err
}

// Requests are the removals that were asked for about an incident (0: about any), the
// latest first. They are kept for ever.
func (db *DB) Requests(ctx context.Context, incident int64) (all []alerts.Asked, err error) {
	err = db.view(ctx, "read requests", func(tx *sql.Tx) error {
		all, err = requests(ctx, tx, "requests r WHERE ?1 = 0 OR r.incident = ?1 ORDER BY r.at DESC, r.id DESC", incident)
		return err
	})
	return all, err
}

// Waiting are the requests about incidents that are not resolved, the latest first.
func (db *DB) Waiting(ctx context.Context) (all []alerts.Asked, err error) {
	err = db.view(ctx, "read requests", func(tx *sql.Tx) error {
		all, err = requests(ctx, tx, ofOpenIncidents)
		return err
	})
	return all, err
}

const ofOpenIncidents = "incidents i CROSS JOIN requests r ON r.incident = i.id WHERE i.state <> 'resolved' ORDER BY r.at DESC, r.id DESC"

// The first time after it that the question was answered well is when a request was granted.
const selectRequests = `SELECT r.incident, r.list, r.by, r.ref, r.note, r.at, r.promised, r.cool_down, r.check_name, r.target, r.source,
	(SELECT min(t.at) FROM transitions t WHERE t.check_name = r.check_name AND t.target = r.target AND t.source = r.source AND t.at > r.at AND t.status = 'ok')
	FROM `

func requests(ctx context.Context, q querier, which string, args ...any) (all []alerts.Asked, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		var x alerts.Asked
		var promised, coolDown int64
		err := r.Scan(&x.Incident, &x.List, &x.By, &x.Ref, &x.Note, stamp{&x.At}, &promised, &coolDown, &x.Key.Check, &x.Key.Target, &x.Key.Source, stamp{&x.Cleared})
		x.Promised, x.CoolDown = time.Duration(promised)*time.Second, time.Duration(coolDown)*time.Second
		all = append(all, x)
		return err
	}, selectRequests+which, args...)
	return all, err
}
