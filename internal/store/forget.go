package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"
)

// Keep is for how long what is not kept for ever is kept; 0: for ever too. Incidents with all
// that was told and done about them, transitions with their evidence, and removals that
// were asked for are kept for ever, and sums of refusals by the day.
type Keep struct {
	Refusals time.Duration // refusals, the mails that told of them, every other mail that was read, and answers of lists they named
	Traffic  time.Duration // what was delivered, and sums of refusals, by the hour
	// Receivers is for how long of a target is known what each receiver took, by the hour. What all together took
	// stays for as long as Traffic says; more than that makes no difference. At least KeepReceiversLeast.
	Receivers time.Duration
	Runs      time.Duration // rounds and their counts
	Notices   time.Duration // deliveries of what was told
}

// KeepLeast is the least that any of [Keep] may be: what is judged goes back 30 days, and
// so does what comes back as the same incident.
const KeepLeast = 60 * 24 * time.Hour

// KeepReceiversLeast is the least that [Keep].Receivers may be: rising deferrals are compared with eight days.
const KeepReceiversLeast = 10 * 24 * time.Hour

// Forgotten is how many rows [DB.Forget] removed.
type Forgotten struct {
	Mails, Refusals, Traffic, Runs, Notices, Answers int
}

const (
	// sweepAtOnce is how many rows one transaction removes: some milliseconds, so that no alert waits.
	sweepAtOnce = 500
	// sweepPause lets other processes have the write lock in between.
	sweepPause = 10 * time.Millisecond
)

// openTargets are those that a problem is open about: what is stored of them stays, however old.
const openTargets = "(SELECT m.target FROM members m JOIN incidents i ON i.id = m.incident WHERE i.state <> 'resolved')"

// sweep is rows of one table that may go.
type sweep struct {
	table string
	by    string // the time that makes them old: an index has it, or the table is small
	only  string // further conditions; ?1 is the time before which rows are old, ?2 the mailbox
}

var (
	oldMails = sweep{"mails", "stored", `mailbox = ?2 AND target NOT IN ` + openTargets + `
		AND NOT EXISTS (SELECT 1 FROM bounces b WHERE b.mail = mails.id AND (max(b.at, b.heard) >= ?1 OR b.target IN ` + openTargets + `))`}
	// Those of logs: the others go with their mails. A refusal that counts in place of a report stays with
	// that. The plus keeps SQLite from looking for all of them by an index of mails.
	oldBounces = sweep{"bounces", "at", `+mail IS NULL AND heard < ?1 AND final AND target NOT IN ` + openTargets + `
		AND NOT EXISTS (SELECT 1 FROM bounces b WHERE b.instead = bounces.id)`}
	// The last of each check says how things stand, however old it is.
	oldRuns = sweep{"runs", "started", `state <> 'running' AND id NOT IN (SELECT max(id) FROM runs GROUP BY check_name)
		AND id NOT IN (SELECT max(id) FROM runs WHERE state = 'complete' GROUP BY check_name)`}
	// The last of each channel says whether it works.
	oldNotices = sweep{"outbox", "done", `state <> 'queued' AND id NOT IN (SELECT max(id) FROM outbox GROUP BY channel, state)
		AND (incident IS NULL OR incident NOT IN (SELECT id FROM incidents WHERE state <> 'resolved'))`}
)

func (s sweep) where() string {
	return fmt.Sprintf("%s < ?1 AND ?2 IS NOT NULL AND %s", s.by, s.only)
}

// find gives the oldest rows from ?3 on, at most ?4.
func (s sweep) find() string {
	return fmt.Sprintf("SELECT id, %[1]s FROM %[2]s WHERE %[1]s >= ?3 AND %[3]s ORDER BY %[1]s LIMIT ?4", s.by, s.table, s.where())
}

// remove removes those of the rows ?3 of which the conditions are still true: something may have
// come about them in between.
func (s sweep) remove() string {
	return fmt.Sprintf("DELETE FROM %s WHERE %s AND id IN (SELECT value FROM json_each(?3))", s.table, s.where())
}

// Forget removes what is older than it is to be kept, in many short transactions, and may be
// stopped at any time. What an open incident is about stays, and so do notices that
// wait. The space is used again by what comes; the file does not shrink.
//
// [ErrLeaseLost] means that another daemon has taken over; other errors may pass, and the rest
// goes next time.
func (db *DB) Forget(ctx context.Context, keep Keep, now time.Time) (f Forgotten, err error) {
	before := func(d time.Duration) int64 { return now.Add(-max(d, KeepLeast)).UnixMicro() }
	var mailboxes []string
	if keep.Refusals > 0 {
		if mailboxes, err = db.mailboxesOfMails(ctx); err != nil {
			return f, err
		}
	}
	for _, mailbox := range mailboxes {
		if err := db.sweep(ctx, oldMails, &f.Mails, before(keep.Refusals), mailbox); err != nil {
			return f, err
		}
	}
	for _, x := range []struct {
		sweep
		keep time.Duration
		n    *int
	}{{oldBounces, keep.Refusals, &f.Refusals}, {oldRuns, keep.Runs, &f.Runs}, {oldNotices, keep.Notices, &f.Notices}} {
		if x.keep > 0 {
			if err := db.sweep(ctx, x.sweep, x.n, before(x.keep), ""); err != nil {
				return f, err
			}
		}
	}
	if keep.Refusals > 0 { // one row for each list that a refusal of a target named: there are few
		if err := db.forget(ctx, &f.Answers, "DELETE FROM answers WHERE at < ? AND target NOT IN "+openTargets, before(keep.Refusals)); err != nil {
			return f, err
		}
	}
	if keep.Receivers > 0 && (keep.Traffic == 0 || keep.Receivers < keep.Traffic) {
		if err := db.forgetReceivers(ctx, hourOf(now.Add(-max(keep.Receivers, KeepReceiversLeast)).UnixMicro()), &f.Traffic); err != nil {
			return f, err
		}
	}
	if keep.Traffic > 0 {
		if err := db.forgetTraffic(ctx, hourOf(before(keep.Traffic)), &f.Traffic); err != nil {
			return f, err
		}
	}
	return f, nil
}

// sweep removes the rows of one table, the oldest first. It looks for them outside of the write lock,
// where passing over those that stay delays nobody.
func (db *DB) sweep(ctx context.Context, s sweep, n *int, old int64, mailbox string) error {
	for after := int64(math.MinInt64); ; {
		var ids []int64
		err := db.view(ctx, "look for what is old", func(tx *sql.Tx) error {
			return each(ctx, tx, func(r *sql.Rows) error {
				var id int64
				err := r.Scan(&id, &after)
				ids = append(ids, id)
				return err
			}, s.find(), old, mailbox, after, sweepAtOnce)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		list, err := document(ids)
		if err != nil {
			return err
		}
		gone := *n
		if err := db.forget(ctx, n, s.remove(), old, mailbox, list); err != nil || *n == gone {
			return err
		}
	}
}

// forget runs one statement that deletes, as a transaction of its own.
func (db *DB) forget(ctx context.Context, n *int, query string, args ...any) error {
	var gone int64
	err := db.update(ctx, "forget what is old", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, query, args...)
		if err == nil {
			gone, err = r.RowsAffected()
		}
		return err
	})
	if err != nil || gone == 0 {
		return err
	}
	*n += int(gone)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(sweepPause):
		return nil
	}
}

// mailboxesOfMails are the mailboxes that there are mails of, each found by one look into the index.
func (db *DB) mailboxesOfMails(ctx context.Context) (all []string, err error) {
	err = db.view(ctx, "read the mailboxes of mails", func(tx *sql.Tx) error {
		next := sql.NullString{}
		err := tx.QueryRowContext(ctx, "SELECT min(mailbox) FROM mails").Scan(&next)
		for err == nil && next.Valid {
			all = append(all, next.String)
			err = tx.QueryRowContext(ctx, "SELECT min(mailbox) FROM mails WHERE mailbox > ?", next.String).Scan(&next)
		}
		return err
	})
	return all, err
}
