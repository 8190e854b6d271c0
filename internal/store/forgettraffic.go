package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// pairsAtOnce is how many pairs of target and receiver are looked at in one read, and of how many the old hours are removed
// in one transaction at most. pairsFirst is of how many in the first one: how many rows each has is seen from then on.
const (
	pairsAtOnce = 1000
	pairsFirst  = 20
)

// lane is whose traffic a row of it is.
type lane struct{ target, domain string }

// forgetTraffic removes hours of traffic before one, and sums of single hours.
func (db *DB) forgetTraffic(ctx context.Context, old int64, n *int) error {
	if err := db.forgetHours(ctx, old, "TRUE", n); err != nil {
		return err
	}
	// Of sums by the hour there is one row for each name; those by the day stay.
	for before := -1; before != *n; {
		before = *n
		if err := db.forget(ctx, n, "DELETE FROM flows WHERE (hours, step, name) IN (SELECT hours, step, name FROM flows WHERE hours = 1 AND step < ?1 LIMIT ?2)", old, sweepAtOnce); err != nil {
			return err
		}
	}
	return nil
}

// receiversSince is the name of the setting that says from which hour on single receivers are known.
const receiversSince = "receivers since"

// forgetReceivers removes what single receivers took before an hour, and leaves what all of them did. It is written
// down first: who reads half of it must not take it for all.
func (db *DB) forgetReceivers(ctx context.Context, old int64, n *int) error {
	err := db.update(ctx, "write the settings", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		since, err := receiversKnown(ctx, tx)
		if err != nil || since >= old { // as much was removed before, when less was to be kept
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", receiversSince, strconv.AppendInt(nil, old, 10))
		return err
	})
	if err != nil {
		return err
	}
	return db.forgetHours(ctx, old, "domain <> '"+everywhere+"'", n)
}

// receiversKnown is the hour from which on single receivers are known.
func receiversKnown(ctx context.Context, q querier) (hour int64, err error) {
	var value []byte
	err = q.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = ?", receiversSince).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(value), 10, 64)
}

// forgetHours removes hours of traffic before one, of pairs that a condition is true of. The hour stands behind
// target and receiver in the key, so that it goes from pair to pair: the first row of each has its oldest hour.
func (db *DB) forgetHours(ctx context.Context, old int64, only string, n *int) error {
	var at lane
	for more, some := true, pairsFirst; more; {
		var due []lane
		err := db.view(ctx, "look for old traffic", func(tx *sql.Tx) error {
			next, err := tx.PrepareContext(ctx, "SELECT target, domain, hour FROM traffic WHERE (target, domain) > (?1, ?2) AND "+only+" ORDER BY target, domain, hour LIMIT 1") // #nosec G202 -- one of two conditions of ours
			if err != nil {
				return err
			}
			defer next.Close()
			for range pairsAtOnce {
				var first int64
				err := next.QueryRowContext(ctx, at.target, at.domain).Scan(&at.target, &at.domain, &first)
				if errors.Is(err, sql.ErrNoRows) {
					more = false
					return nil
				}
				if err != nil {
					return err
				}
				if first < old {
					due = append(due, at)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for len(due) > 0 {
			part := due[:min(len(due), some)]
			due = due[len(part):]
			list, err := document(flat(part))
			if err != nil {
				return err
			}
			gone := *n
			err = db.forget(ctx, n, `DELETE FROM traffic WHERE hour < ?1 AND (target, domain) IN
				(SELECT t.value, d.value FROM json_each(?2) t JOIN json_each(?2) d ON d.key = t.key + 1 WHERE t.key % 2 = 0)`, old, list)
			if err != nil {
				return err
			}
			// A pair has a day of hours, or a single one where nearly each mail goes to another receiver.
			some = min(pairsAtOnce, max(1, sweepAtOnce*len(part)/max(1, *n-gone)))
		}
	}
	return nil
}

// flat are targets and receivers in turn.
func flat(pairs []lane) []string {
	var all []string
	for _, p := range pairs {
		all = append(all, p.target, p.domain)
	}
	return all
}
