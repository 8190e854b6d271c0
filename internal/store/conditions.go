package store

import (
	"context"
	"database/sql"
	"time"
)

// Condition is what is wrong with a part of the daemon itself, and since when.
type Condition struct {
	Part  string
	Since time.Time
	What  string // untrusted: it quotes files and servers
}

// SetCondition says what is wrong with a part of the daemon at now; an empty what says that it is
// well. As long as something is wrong, whatever that is, the time of its beginning is
// kept. [ErrLeaseLost] means that another daemon has taken over.
func (db *DB) SetCondition(ctx context.Context, part, what string, now time.Time) error {
	return db.update(ctx, "note a condition", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		if what == "" {
			_, err := tx.ExecContext(ctx, "DELETE FROM conditions WHERE part = ?", part)
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO conditions (part, since, what) VALUES (?1, ?2, ?3) ON CONFLICT (part) DO UPDATE SET what = ?3", part, micros(now), what)
		return err
	})
}

// Conditions are those parts of the daemon with which something is wrong, by name.
func (db *DB) Conditions(ctx context.Context) (all []Condition, err error) {
	err = db.view(ctx, "read conditions", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var c Condition
			if err := r.Scan(&c.Part, stamp{&c.Since}, &c.What); err != nil {
				return err
			}
			all = append(all, c)
			return nil
		}, "SELECT part, since, what FROM conditions ORDER BY part")
	})
	return all, err
}
