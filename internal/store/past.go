package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
)

// Past is what was observed, done and told since a time, for a replay of it.
type Past struct {
	Known       []Transition // the last change before, of each question that was a problem then
	Transitions []Transition // in the order they happened
	Actions     []PastEvent  // what people did, in order
	Refusals    []PastRefusal
	Hours       []bounce.Hour  // of all receivers together, in order
	Told        map[string]int // notices that were queued, by kind; a notice to several channels counts once
}

// PastEvent is what a person did, and the questions of the incident it was about.
type PastEvent struct {
	Event
	Incident int64
	Keys     []checks.Key
}

// PastRefusal is one refusal or deferral that counts.
type PastRefusal struct {
	At       time.Time
	Target   string
	Receiver string
	Vendor   string
	Action   bounce.Action
}

// Past reads all of it; refusals and deliveries from as much earlier as the window is long,
// since they are counted together for so long.
func (db *DB) Past(ctx context.Context, since time.Time, window time.Duration) (p Past, err error) {
	p.Told = map[string]int{}
	err = db.view(ctx, "read the past", func(tx *sql.Tx) error {
		at := since.UnixMicro()
		if p.Known, err = transitions(ctx, tx, `at < ?1 AND status = 'problem' AND id IN
			(SELECT max(id) FROM transitions WHERE at < ?1 GROUP BY check_name, target, source)`, at); err != nil {
			return err
		}
		if p.Transitions, err = transitions(ctx, tx, "at >= ?", at); err != nil {
			return err
		}
		if err := p.readActions(ctx, tx, at); err != nil {
			return err
		}
		counted := since.Add(-window).UnixMicro()
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var x PastRefusal
			err := r.Scan(stamp{&x.At}, &x.Target, &x.Receiver, &x.Vendor, &x.Action)
			p.Refusals = append(p.Refusals, x)
			return err
		}, "SELECT at, target, domain, vendor, action FROM bounces WHERE counted AND at >= ? ORDER BY at", counted); err != nil {
			return err
		}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var h bounce.Hour
			var hour int64
			err := r.Scan(&h.Target, &hour, &h.Delivered, &h.Deferred, &h.Refused)
			h.At = time.UnixMicro(hour * time.Hour.Microseconds()).UTC()
			p.Hours = append(p.Hours, h)
			return err
		}, "SELECT target, hour, sum(delivered), sum(deferred), sum(refused) FROM traffic WHERE domain = '*' AND hour >= ? GROUP BY target, hour ORDER BY hour", hourOf(counted)); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var kind string
			var n int
			err := r.Scan(&kind, &n)
			p.Told[kind] = n
			return err
		}, "SELECT kind, count(DISTINCT notice) FROM outbox WHERE queued >= ? GROUP BY kind", at)
	})
	return p, err
}

func (p *Past) readActions(ctx context.Context, tx *sql.Tx, since int64) error {
	if err := each(ctx, tx, func(r *sql.Rows) error {
		var e PastEvent
		err := r.Scan(&e.Incident, stamp{&e.At}, &e.Kind, &e.Severity, &e.Who, &e.Note)
		p.Actions = append(p.Actions, e)
		return err
	}, "SELECT incident, at, kind, severity, who, note FROM events WHERE who <> '' AND at >= ? ORDER BY at, id", since); err != nil {
		return err
	}
	for i := range p.Actions {
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var k checks.Key
			err := r.Scan(&k.Check, &k.Target, &k.Source)
			p.Actions[i].Keys = append(p.Actions[i].Keys, k)
			return err
		}, "SELECT check_name, target, source FROM members WHERE incident = ?", p.Actions[i].Incident); err != nil {
			return err
		}
	}
	return nil
}

// Action is what the person did, as it can be done again; false if the event is none.
func (e PastEvent) Action() (alerts.Action, bool) {
	for _, k := range []alerts.ActionKind{alerts.Ack, alerts.Mute, alerts.Unmute, alerts.AddNote, alerts.Requested, alerts.ResolveHand} {
		if k.Done() != e.Kind {
			continue
		}
		a := alerts.Action{Kind: k, Incident: e.Incident, By: e.Who, Note: e.Note, At: e.At}
		if k == alerts.Mute {
			a.Until = silencedUntil(e.Note)
		}
		return a, true
	}
	return alerts.Action{}, false
}
