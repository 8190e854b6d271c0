package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"reputed/alerts"
)

var _ alerts.Roots = (*DB)(nil)

// rootsKept is how long a message is remembered whose incident was ended without a word,
// as by hand: after it, no channel edits it any more.
const rootsKept = 400 * 24 * time.Hour

// Root implements [alerts.Roots].
func (db *DB) Root(ctx context.Context, channel, thread string) (handle string, err error) {
	err = db.view(ctx, "read the message of an incident", func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT handle FROM roots WHERE channel = ? AND thread = ?", channel, thread).Scan(&handle)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return handle, err
}

// SetRoot implements [alerts.Roots]. [ErrLeaseLost] means that another daemon has taken over.
func (db *DB) SetRoot(ctx context.Context, channel, thread, handle string) error {
	return db.update(ctx, "write the message of an incident", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		if handle == "" {
			_, err := tx.ExecContext(ctx, "DELETE FROM roots WHERE channel = ? AND thread = ?", channel, thread)
			return err
		}
		now := time.Now()
		if _, err := tx.ExecContext(ctx, "DELETE FROM roots WHERE at < ?", micros(now.Add(-rootsKept))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO roots (channel, thread, handle, at) VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT (channel, thread) DO UPDATE SET handle = ?3, at = ?4`, channel, thread, handle, micros(now))
		return err
	})
}
