package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// History is all there is to say about one incident: how we know, what was
// told to whom, what was not and why, and what people did.
type History struct {
	Incident    alerts.Incident
	Events      []Event      // in the order they happened
	Transitions []Transition // of its members, in the order they happened, without facts and evidence
	Deliveries  []Sending    // in the order they were queued
	Decisions   []Untold     // by when they were last made
}

// Event is one thing that happened to an incident.
type Event struct {
	At       time.Time
	Kind     string          // an [alerts.ChangeKind], or what a person did
	Severity checks.Severity // of the incident, then
	Who      string          // empty if the monitor did it
	Note     string
}

// Transition is one change of what is known of one question.
type Transition struct {
	Key      checks.Key
	At       time.Time
	Before   checks.Status // empty for the first
	Status   checks.Status
	Code     checks.Code
	Severity checks.Severity
	Summary  string
	Facts    map[string]string
	Evidence []checks.Evidence
}

// Sending is one notice to one channel, and what became of it.
type Sending struct {
	ID      int64
	Channel string
	Notice  string // Notification.ID
	Kind    alerts.ChangeKind
	State   SendingState
	Queued  time.Time
	Next    time.Time // not to be tried before; for what waits
	Tries   int       // attempts that failed
	Done    time.Time // when it was sent or refused
	Why     string    // the last error; may be empty
}

// SendingState is how a [Sending] stands.
type SendingState string

const (
	Queued  SendingState = "queued"
	Sent    SendingState = "sent"
	Refused SendingState = "refused" // the channel will never take it
)

// Untold is why changes of one kind were told to nobody.
type Untold struct {
	Kind  alerts.ChangeKind
	Why   string
	First time.Time
	Last  time.Time
	Times int
}

// Incident is incident id with its history, or [ErrNoIncident].
func (db *DB) Incident(ctx context.Context, id int64) (h History, err error) {
	err = db.view(ctx, "read an incident", func(tx *sql.Tx) error {
		if h.Incident, err = oneIncident(ctx, tx, id); err != nil {
			return err
		}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var e Event
			err := r.Scan(stamp{&e.At}, &e.Kind, &e.Severity, &e.Who, &e.Note)
			h.Events = append(h.Events, e)
			return err
		}, "SELECT at, kind, severity, who, note FROM events WHERE incident = ? ORDER BY id", id); err != nil {
			return err
		}
		if err := each(ctx, tx, func(r *sql.Rows) error { // facts and evidence of 65,536 are most of what there is to read
			var t Transition
			err := r.Scan(&t.Key.Check, &t.Key.Target, &t.Key.Source, stamp{&t.At}, &t.Before, &t.Status, &t.Code, &t.Severity, &t.Summary)
			h.Transitions = append(h.Transitions, t)
			return err
		}, `SELECT t.check_name, t.target, t.source, t.at, t.before, t.status, t.code, t.severity, t.summary FROM members m CROSS JOIN transitions t
			ON t.check_name = m.check_name AND t.target = m.target AND t.source = m.source WHERE m.incident = ? ORDER BY t.at, t.id`, id); err != nil {
			return err
		}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var s Sending
			err := r.Scan(&s.ID, &s.Channel, &s.Notice, &s.Kind, &s.State, stamp{&s.Queued}, stamp{&s.Next}, &s.Tries, stamp{&s.Done}, &s.Why)
			h.Deliveries = append(h.Deliveries, s)
			return err
		}, "SELECT id, channel, notice, kind, state, queued, next, tries, done, why FROM outbox WHERE incident = ? ORDER BY id", id); err != nil {
			return err
		}
		untold, err := decisions(ctx, tx, []int64{id})
		h.Decisions = untold[id]
		return err
	})
	return h, err
}

// Decisions are why changes of these incidents were told to nobody, by incident,
// by when they were last made. One of which there is nothing to say is not in it.
func (db *DB) Decisions(ctx context.Context, incidents []int64) (all map[int64][]Untold, err error) {
	err = db.view(ctx, "read decisions", func(tx *sql.Tx) error {
		all, err = decisions(ctx, tx, incidents)
		return err
	})
	return all, err
}

const selectDecisions = `SELECT incident, kind, why, first, last, times FROM decisions
	WHERE incident IN (SELECT value FROM json_each(?)) ORDER BY last, kind, why`

func decisions(ctx context.Context, q querier, incidents []int64) (map[int64][]Untold, error) {
	ids, err := document(append([]int64{}, incidents...)) // nil would be "null"
	if err != nil {
		return nil, err
	}
	all := map[int64][]Untold{}
	err = each(ctx, q, func(r *sql.Rows) error {
		var id int64
		var u Untold
		err := r.Scan(&id, &u.Kind, &u.Why, stamp{&u.First}, stamp{&u.Last}, &u.Times)
		all[id] = append(all[id], u)
		return err
	}, selectDecisions, ids)
	return all, err
}

// Transitions are the changes of what is known about a target, oldest first:
// the answer to "when were we listed, by whom, and how do we know".
func (db *DB) Transitions(ctx context.Context, target string) (all []Transition, err error) {
	err = db.view(ctx, "read transitions", func(tx *sql.Tx) error {
		all, err = transitions(ctx, tx, "target = ?", target)
		return err
	})
	return all, err
}

const selectTransitions = "SELECT check_name, target, source, at, before, status, code, severity, summary, facts, evidence FROM transitions WHERE "

func transitions(ctx context.Context, q querier, where string, args ...any) (all []Transition, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		t, err := scanTransition(r)
		all = append(all, t)
		return err
	}, selectTransitions+where+" ORDER BY at, id", args...)
	return all, err
}

func scanTransition(r *sql.Rows) (t Transition, err error) {
	var proof []evidence
	err = r.Scan(&t.Key.Check, &t.Key.Target, &t.Key.Source, stamp{&t.At}, &t.Before, &t.Status, &t.Code, &t.Severity, &t.Summary, value{&t.Facts}, value{&proof})
	t.Evidence = readEvidence(proof)
	return t, err
}
