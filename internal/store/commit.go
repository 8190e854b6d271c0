package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/probes"
)

// Batch is what was read since the last [DB.Commit]. The zero Batch is a tick of the clock.
type Batch struct {
	Mails []Mail
	// Read is how far mailboxes have been read: every mail up to there is in this
	// batch or in an earlier one. A position never goes back within one UIDVALIDITY.
	Read map[string]probes.Position
	// Window is how far back refusals are counted together; 0: none are counted.
	Window time.Duration
}

// Situation is what [DB.Commit] reads under the write lock, the batch included.
type Situation struct {
	Now       time.Time
	Open      []alerts.Incident // not resolved, by id
	Recent    []alerts.Incident // resolved within [alerts.RelapseWindow], by id
	Tallies   []bounce.Tally    // proved refusals for reputation, and what open incidents were about
	Mailboxes []Mailbox         // with reports counted over the window
}

// Decision is what follows from a situation.
type Decision struct {
	Findings []checks.Finding // of this step; what changes in them is written down for ever
	Changes  []alerts.Change  // at most one for each incident
	// Notify makes the notices of a change that is to be told. It is called with
	// the incident's id in place, once a change, and does nothing but compute.
	// Nil: there is no channel.
	Notify func(alerts.Change) []Notice
}

// Notice is one notification for one channel. Notification.ID is its identity:
// the same one is never queued twice for one channel.
type Notice struct {
	Channel      string
	Notification alerts.Notification
}

// Commit writes b, lets decide judge the situation that this makes, and writes
// what it decided, in one transaction: all of it or nothing. It gives back the
// changes with the ids of their incidents.
//
// Decide is called once, with the write lock held, so it must be a plain
// function of its argument: no network, no disk, no clock. If it panics, nothing
// is written.
//
// What would break the calm is put right and logged rather than refused,
// because refusing would hold up the mail for ever: an incident that is said to
// be opened while it is open, or ended while it is resolved, is stored and told
// to nobody. [ErrLeaseLost] means that another daemon has taken over;
// [ErrBusy] and [ErrFull] may pass, and the same batch may be given again.
func (db *DB) Commit(ctx context.Context, now time.Time, b Batch, decide func(Situation) Decision) (changes []alerts.Change, err error) {
	err = db.update(ctx, "commit", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		if err := db.saveBatch(ctx, tx, now, b); err != nil {
			return err
		}
		s, err := situation(ctx, tx, now, b.Window)
		if err != nil {
			return err
		}
		d := decide(s)
		for _, f := range d.Findings {
			if err := saveFinding(ctx, tx, f); err != nil {
				return err
			}
		}
		w := changeWriter{tx: tx, log: db.log, now: now, notify: d.Notify, stored: map[int64]*alerts.Incident{}}
		for _, known := range [][]alerts.Incident{s.Open, s.Recent} {
			for i := range known {
				w.stored[known[i].ID] = &known[i]
			}
		}
		changes = slices.Clone(d.Changes)
		for i := range changes {
			if err := w.write(ctx, &changes[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changes, nil
}

func (db *DB) saveBatch(ctx context.Context, tx *sql.Tx, now time.Time, b Batch) error {
	if len(b.Mails) > 0 {
		in, err := db.newInserter(ctx, tx, now)
		if err != nil {
			return err
		}
		for _, m := range b.Mails {
			if err := in.insert(ctx, m); err != nil {
				return fmt.Errorf("%s: %w", m.Place, err)
			}
		}
	}
	for _, mailbox := range slices.Sorted(maps.Keys(b.Read)) {
		if err := advance(ctx, tx, mailbox, b.Read[mailbox], now); err != nil {
			return err
		}
	}
	return nil
}

func situation(ctx context.Context, q querier, now time.Time, window time.Duration) (s Situation, err error) {
	s.Now = now
	if s.Open, err = incidents(ctx, q, "state <> 'resolved' ORDER BY id"); err != nil {
		return s, err
	}
	if s.Recent, err = incidents(ctx, q, "state = 'resolved' AND resolved >= ? ORDER BY id", now.Add(-alerts.RelapseWindow).UnixMicro()); err != nil {
		return s, err
	}
	since := now.Add(-window)
	if window > 0 {
		if s.Tallies, err = tallies(ctx, q, s.Open, since); err != nil {
			return s, err
		}
	}
	s.Mailboxes, err = mailboxes(ctx, q, since)
	return s, err
}

// saveFinding keeps what is known of a question, and writes a transition where
// that changes. An unknown answer is not knowledge: it is noted beside what is
// known and changes nothing. Until a question has once been a problem it has no
// row: its clean and its missing answers are counts of their run.
func saveFinding(ctx context.Context, q querier, f checks.Finding) error {
	k, at := f.Key, f.At.UnixMicro()
	var status checks.Status
	var code checks.Code
	var severity checks.Severity
	err := each(ctx, q, func(r *sql.Rows) error { return r.Scan(&status, &code, &severity) },
		"SELECT status, code, severity FROM states WHERE check_name = ? AND target = ? AND source = ?", k.Check, k.Target, k.Source)
	switch {
	case err != nil:
		return err
	case status == "" && f.Status != checks.Problem:
		return nil
	case f.Status == checks.Unknown:
		_, err := q.ExecContext(ctx, "UPDATE states SET unknown = coalesce(unknown, ?) WHERE check_name = ? AND target = ? AND source = ?", at, k.Check, k.Target, k.Source)
		return err
	case f.Status == status && f.Code == code && f.Severity == severity:
		_, err := q.ExecContext(ctx, "UPDATE states SET seen = ?, unknown = NULL WHERE check_name = ? AND target = ? AND source = ?", at, k.Check, k.Target, k.Source)
		return err
	}
	if _, err := q.ExecContext(ctx, `INSERT OR REPLACE INTO states (check_name, target, source, status, code, severity, since, seen, unknown)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, NULL)`, k.Check, k.Target, k.Source, f.Status, f.Code, f.Severity, at); err != nil {
		return err
	}
	facts, err := document(f.Facts)
	if err != nil {
		return err
	}
	evidence, err := document(f.Evidence)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `INSERT INTO transitions (check_name, target, source, at, before, status, code, severity, summary, facts, evidence)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, k.Check, k.Target, k.Source, at, status, f.Status, f.Code, f.Severity, f.Summary, facts, evidence)
	return err
}
