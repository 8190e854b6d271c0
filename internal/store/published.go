package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"reputed/checks"
	"reputed/checks/identity"
)

// How much is kept of what was published.
const (
	KeepPublished = 400 * 24 * time.Hour // as of readings
	maxPublished  = 500                  // rows of one thing: for a record that says something else each time
)

const selectLatest = "SELECT first, value FROM published WHERE target = ?1 AND what = ?2 ORDER BY first DESC LIMIT 1"

// SavePublished writes what a run saw. Equal answers in a row are one row; what had no answer moves
// nothing but the note that there was none. Whole says that the run looked at all there
// is: what it did not ask about is no longer unanswered then. [ErrLeaseLost] means that another daemon
// has taken over; [ErrBusy] and [ErrFull] may pass, and the same may be given again.
func (db *DB) SavePublished(ctx context.Context, now time.Time, all []identity.Published, whole bool) error {
	return db.update(ctx, "write what is published", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		q := compile(tx)
		for _, p := range all {
			if err := savePublished(ctx, q, p); err != nil {
				return err
			}
		}
		if !whole {
			return nil
		}
		_, err := q.ExecContext(ctx, "DELETE FROM unanswered WHERE asked < ?", now.UnixMicro())
		return err
	})
}

func savePublished(ctx context.Context, q querier, p identity.Published) error {
	target, at := p.Target.ID(), p.At.UnixMicro()
	if p.Unknown {
		_, err := q.ExecContext(ctx, "INSERT INTO unanswered (target, what, since, asked) VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO UPDATE SET asked = ?3", target, p.What, at)
		return err
	}
	if _, err := q.ExecContext(ctx, "DELETE FROM unanswered WHERE target = ? AND what = ?", target, p.What); err != nil {
		return err
	}
	var first int64
	var value string
	found := false
	if err := each(ctx, q, func(r *sql.Rows) error {
		found = true
		return r.Scan(&first, &value)
	}, selectLatest, target, p.What); err != nil {
		return err
	}
	switch {
	case found && at < first: // a clock was wrong; what is known by now is not changed by it
		return nil
	case found && value == p.Value:
		_, err := q.ExecContext(ctx, "UPDATE published SET last = max(last, ?4) WHERE target = ?1 AND what = ?2 AND first = ?3", target, p.What, first, at)
		return err
	}
	if _, err := q.ExecContext(ctx, "INSERT OR REPLACE INTO published (target, what, first, last, value) VALUES (?1, ?2, ?3, ?3, ?4)", target, p.What, at, p.Value); err != nil {
		return err
	}
	if !found {
		return nil
	}
	// The latest row stays, however old.
	_, err := q.ExecContext(ctx, `DELETE FROM published WHERE target = ?1 AND what = ?2 AND first < ?4 AND (last < ?3 OR first <= coalesce(
		(SELECT first FROM published WHERE target = ?1 AND what = ?2 ORDER BY first DESC LIMIT 1 OFFSET ?5), -1))`,
		target, p.What, p.At.Add(-KeepPublished).UnixMicro(), at, maxPublished)
	return err
}

// DriftFilter says which changes to read.
type DriftFilter struct {
	Targets []string // Target.IDs; none: all
	Since   time.Time
	Until   time.Time // zero: now
	Limit   int       // the latest; 0: 100
}

const selectDrift = `SELECT p.target, p.what, p.first, b.last, b.value, p.value FROM published p JOIN published b
	ON b.target = p.target AND b.what = p.what AND b.first = (SELECT max(first) FROM published o WHERE o.target = p.target AND o.what = p.what AND o.first < p.first)
	WHERE p.first >= ? AND p.first <= ?`

// Drift are the changes of what is published, the latest first.
func (db *DB) Drift(ctx context.Context, f DriftFilter) (all []identity.Drift, err error) {
	err = db.view(ctx, "read what was published", func(tx *sql.Tx) error {
		until := f.Until.UnixMicro()
		if f.Until.IsZero() {
			until = 1 << 62
		}
		since := int64(0)
		if !f.Since.IsZero() {
			since = f.Since.UnixMicro()
		}
		query, args := selectDrift, []any{since, until}
		if len(f.Targets) > 0 {
			ids, err := json.Marshal(f.Targets)
			if err != nil {
				return err
			}
			query, args = query+" AND p.target IN (SELECT value FROM json_each(?))", append(args, string(ids))
		}
		limit := f.Limit
		if limit == 0 {
			limit = 100
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var d identity.Drift
			var target string
			if err := r.Scan(&target, &d.What, stamp{&d.At}, stamp{&d.Since}, &d.Before, &d.Now); err != nil {
				return err
			}
			var err error
			if d.Target, err = checks.ParseID(target); err != nil {
				return err
			}
			all = append(all, d)
			return nil
		}, query+" ORDER BY p.first DESC, p.target, p.what LIMIT ?", append(args, limit)...)
	})
	return all, err
}

const selectUnanswered = "SELECT target, what, since FROM unanswered WHERE since <= ? ORDER BY since, target, what LIMIT ?"

// Unanswered is what there has been no answer about since a time or longer, the oldest first.
func (db *DB) Unanswered(ctx context.Context, since time.Time, limit int) (all []identity.Unanswered, err error) {
	err = db.view(ctx, "read what is unanswered", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var u identity.Unanswered
			var target string
			if err := r.Scan(&target, &u.What, stamp{&u.Since}); err != nil {
				return err
			}
			var err error
			if u.Target, err = checks.ParseID(target); err != nil {
				return err
			}
			all = append(all, u)
			return nil
		}, selectUnanswered, since.UnixMicro(), limit)
	})
	return all, err
}
