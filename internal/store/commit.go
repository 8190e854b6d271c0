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
	"reputed/checks/acceptance"
	"reputed/checks/bounce"
	"reputed/probes"
)

// Batch is what was read since the last [DB.Commit]. The zero Batch is a tick of the clock.
type Batch struct {
	Mails []Mail
	// Read is how far mailboxes have been read: every mail up to there is in this
	// batch or in an earlier one. A position never goes back within one UIDVALIDITY.
	Read map[string]probes.Position
	// Spools are, by name, the batches of Maildirs and mbox files that Mails came in; their
	// messages are not looked at.
	Spools map[string]probes.SpoolBatch
	// Window is how far back refusals are counted together; 0: none are counted.
	Window time.Duration
	// About are Target.IDs that findings of this step are about: what became of their
	// mail is read too.
	About []string
}

// Situation is what [DB.Commit] reads under the write lock, the batch included. The
// Facts of its findings are shared with the next one: they are for reading only.
type Situation struct {
	Now  time.Time
	Open []alerts.Incident // not resolved, by id
	// Recent are those resolved within [alerts.RelapseWindow], by id. Their members
	// have their keys and nothing else, in any order: what comes back is looked up by
	// its key, and the incident that is opened anew has the findings of now. A member
	// that is handed back as it is here stays as it is stored.
	Recent []alerts.Incident
	// What was counted over the window; its Tallies are of proved refusals for reputation, and
	// of what open incidents were about.
	bounce.Counts
	Answers   map[checks.Key]Answer          // of lists that refusals named, about the targets of Tallies
	Fronts    map[string]acceptance.Receiver // who stands before the receivers of Tallies that name nobody, by domain
	Mailboxes []Mailbox                      // with reports counted over the window
	Logs      []Log
	Asked     []alerts.Asked // removals that were asked for about open incidents, the latest first
}

// Decision is what follows from a situation.
type Decision struct {
	Findings []checks.Finding // of this step; what changes in them is written down for ever
	Changes  []alerts.Change  // at most one for each incident
	Answers  []Answer         // of lists that refusals named
	// Notify makes the notices of a change that is to be told. It is called with
	// the incident's id in place, once a change, and does nothing but compute.
	// Nil: there is no channel.
	Notify func(alerts.Change) []Notice
	// Notices are those about no incident, or about many: the digest.
	Notices []Notice
}

// Notice is one notification for one channel. Notification.ID is its identity:
// the same one is never queued twice for one channel.
type Notice struct {
	Channel      string
	Notification alerts.Notification
	NotBefore    time.Time // when it may be told; zero: at once
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
// [ErrBusy], [ErrFull] and [ErrSlow] may pass, and the same batch may be given again.
func (db *DB) Commit(ctx context.Context, now time.Time, b Batch, decide func(Situation) Decision) (changes []alerts.Change, err error) {
	err = db.update(ctx, "commit", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		if err := db.saveBatch(ctx, tx, now, b); err != nil {
			return err
		}
		q := compile(tx)
		s, err := db.situation(ctx, q, now, b)
		if err != nil {
			return err
		}
		d := decide(s)
		if err := saveFindings(ctx, q, d.Findings); err != nil {
			return err
		}
		if err := saveAnswers(ctx, q, d.Answers); err != nil {
			return err
		}
		w := changeWriter{q: q, log: db.log, now: now, notify: d.Notify, stored: map[int64]*alerts.Incident{}}
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
		for _, n := range d.Notices {
			if _, err := w.enqueue(ctx, 0, n); err != nil {
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
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	if err := db.proveSent(ctx, tx, now); err != nil {
		return err
	}
	for _, mailbox := range slices.Sorted(maps.Keys(b.Read)) {
		if err := advance(ctx, tx, mailbox, b.Read[mailbox], now); err != nil {
			return err
		}
		if err := outdated(ctx, tx, mailbox, b.Read[mailbox].UIDValidity); err != nil {
			return err
		}
	}
	for _, spool := range slices.Sorted(maps.Keys(b.Spools)) {
		if err := saveSpool(ctx, tx, spool, b.Spools[spool], now); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) situation(ctx context.Context, q querier, now time.Time, b Batch) (s Situation, err error) {
	s.Now = now
	if s.Open, err = bareIncidents(ctx, q, "state <> 'resolved' ORDER BY id"); err != nil {
		return s, err
	}
	if db.members, err = readMembers(ctx, q, s.Open, db.members); err != nil {
		return s, err
	}
	if s.Recent, err = bareIncidents(ctx, q, "state = 'resolved' AND resolved >= ? ORDER BY id", now.Add(-alerts.RelapseWindow).UnixMicro()); err != nil {
		return s, err
	}
	if err = readKeys(ctx, q, s.Recent); err != nil {
		return s, err
	}
	if b.Window > 0 {
		if s.Counts, err = counts(ctx, q, s.Open, s.Recent, b.About, now, b.Window); err != nil {
			return s, err
		}
		var targets, unnamed []string
		for _, t := range s.Tallies {
			if !slices.Contains(targets, t.Target) {
				targets = append(targets, t.Target)
			}
			if t.Vendor == "" && t.Blocklist == "" {
				unnamed = append(unnamed, t.Receiver)
			}
		}
		if s.Answers, err = answers(ctx, q, targets); err != nil {
			return s, err
		}
		if s.Fronts, err = frontsOf(ctx, q, unnamed); err != nil {
			return s, err
		}
	}
	if s.Logs, err = logs(ctx, q); err != nil {
		return s, err
	}
	if len(s.Open) > 0 {
		if s.Asked, err = requests(ctx, q, ofOpenIncidents); err != nil {
			return s, err
		}
	}
	s.Mailboxes, err = mailboxes(ctx, q, now.Add(-b.Window))
	return s, err
}
