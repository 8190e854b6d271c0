package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// What people do to an incident, as [Event].Kind.
const (
	EventAcknowledged = "acknowledged"
	EventResolvedBy   = "resolved by hand"
	EventNoted        = "noted"
)

// maxWho is how many runes of the name of a person are kept.
const maxWho = 100

// Ack takes an incident on: there are no more reminders until it gets worse. By
// is who does it and note what they say, both one line, the note may be empty.
// Acknowledging again replaces who has it.
//
// Errors: [ErrNoIncident], [ErrIncidentOver]; [ErrBusy] may pass.
func (db *DB) Ack(ctx context.Context, id int64, by, note string, now time.Time) (alerts.Incident, error) {
	return db.act(ctx, "acknowledge", EventAcknowledged, id, by, note, now, func(i *alerts.Incident) {
		if i.State == alerts.Open {
			i.State = alerts.Acknowledged // what is clearing or silenced stays so, and is acknowledged besides
		}
		i.AckedBy, i.AckedAt, i.Reminded = checks.Line(by, maxWho), now, 0
	})
}

// Resolve ends an incident because a person says so. If what it is about is
// seen again within [alerts.RelapseWindow], the same incident is opened anew.
// No channel is told, and why is written down as with every change that is not.
//
// Errors: [ErrNoIncident], [ErrIncidentOver]; [ErrBusy] may pass.
func (db *DB) Resolve(ctx context.Context, id int64, by, note string, now time.Time) (alerts.Incident, error) {
	return db.act(ctx, "resolve", EventResolvedBy, id, by, note, now, func(i *alerts.Incident) {
		i.State, i.Resolved, i.Changed = alerts.Resolved, now, now
	})
}

// Note writes down something about an incident, and changes nothing else. With an
// empty by it is the monitor that says it, and a person's words stay in their place.
//
// Errors: [ErrNoIncident], [ErrIncidentOver]; [ErrBusy] may pass.
func (db *DB) Note(ctx context.Context, id int64, by, note string, now time.Time) (alerts.Incident, error) {
	return db.act(ctx, "note", EventNoted, id, by, note, now, func(*alerts.Incident) {})
}

// act lets one person do one thing to one incident, and writes down who, when
// and what. It is a transaction of its own, so that it may run beside the daemon.
func (db *DB) act(ctx context.Context, op, kind string, id int64, by, note string, now time.Time, do func(*alerts.Incident)) (after alerts.Incident, err error) {
	by, note = checks.Line(by, maxWho), checks.Line(note, 500)
	err = db.update(ctx, op, func(tx *sql.Tx) error {
		before, err := oneIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		if before.State == alerts.Resolved {
			return fmt.Errorf("incident %d: %w since %s; nothing is to be done", id, ErrIncidentOver, before.Resolved.Format(time.RFC3339))
		}
		after = before
		if note != "" && (by != "" || after.Note == "") {
			after.Note = note
		}
		do(&after)
		if err := saveIncident(ctx, tx, &after, &before); err != nil {
			return err
		}
		if after.State == alerts.Resolved {
			if err := saveReason(ctx, tx, alerts.Change{Kind: alerts.Ended, Incident: after, At: now, Why: "resolved by hand: whoever did it knows"}); err != nil {
				return err
			}
		}
		return saveEvent(ctx, tx, after, kind, by, note, now)
	})
	return after, err
}
