package store

import (
	"context"
	"database/sql"
	"errors"
)

// pairsAtOnce is how many pairs of target and receiver are looked at in one read, and
// pairsRemoved of how many the old hours are removed in one transaction: each has a day of them.
const (
	pairsAtOnce  = 1000
	pairsRemoved = 20
)

// lane is whose traffic a row of it is.
type lane struct{ target, domain string }

// forgetTraffic removes hours of traffic before one, and sums of single hours. The hour stands behind
// target and receiver in the key, so that it goes from pair to pair: the first row of each has its oldest hour.
func (db *DB) forgetTraffic(ctx context.Context, old int64, n *int) error {
	var at lane
	for more := true; more; {
		var due []lane
		err := db.view(ctx, "look for old traffic", func(tx *sql.Tx) error {
			next, err := tx.PrepareContext(ctx, "SELECT target, domain, hour FROM traffic WHERE (target, domain) > (?1, ?2) ORDER BY target, domain, hour LIMIT 1")
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
			some := due[:min(len(due), pairsRemoved)]
			due = due[len(some):]
			list, err := document(flat(some))
			if err != nil {
				return err
			}
			err = db.forget(ctx, n, `DELETE FROM traffic WHERE hour < ?1 AND (target, domain) IN
				(SELECT t.value, d.value FROM json_each(?2) t JOIN json_each(?2) d ON d.key = t.key + 1 WHERE t.key % 2 = 0)`, old, list)
			if err != nil {
				return err
			}
		}
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

// flat are targets and receivers in turn.
func flat(pairs []lane) []string {
	var all []string
	for _, p := range pairs {
		all = append(all, p.target, p.domain)
	}
	return all
}
