package store

import (
	"context"
	"database/sql"
	"time"
)

// forgetAtOnce is how many messages are given up in one transaction: what is left waits for
// the next minute, and nobody for it.
const forgetAtOnce = 5000

const selectForgotten = "SELECT id FROM bounces INDEXED BY bounces_waiting WHERE log <> '' AND NOT final AND heard < ?1 ORDER BY heard LIMIT ?2"

// ForgetWaiting takes messages whose end no log has told for as long as a queue lasts for
// over: removed by hand, or told by a line that was lost. What was counted of them
// stays. Of those that wait, only so many are held in memory, and deliveries are slower to
// commit when there are more. It gives back how many they were, at most 5,000 at a time.
//
// [ErrLeaseLost] means that another daemon has taken over; [ErrBusy] and [ErrFull] may pass.
func (db *DB) ForgetWaiting(ctx context.Context, now time.Time) (n int64, err error) {
	err = db.update(ctx, "give up messages that nothing is heard of", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, "UPDATE bounces SET final = 1 WHERE id IN ("+selectForgotten+")", now.Add(-queueLifetime).UnixMicro(), forgetAtOnce)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}
