package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"
)

// A disk can hang: it takes a commit and says for minutes neither that it is written nor that it failed, and a system call that
// waits for it cannot be called off. Whoever commits leaves such a commit with the disk and goes on, and nobody waits
// behind it without end: a round is asked and told of all the same.

const (
	// patience is the default of Options.Patience: as long as for the lock of another process.
	patience = busyTimeout
	// closePatience is how long Close waits for a commit that is with the disk.
	closePatience = time.Second
)

// turn is who of this process may write: one at a time, in the order of asking. It ends with the commit, even if
// nobody waits for that any more, so that what the writer before has done is known to the next.
type turn chan struct{}

// take waits for the turn, at most so long: then nothing was written, for [ErrSlow].
func (t turn) take(ctx context.Context, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%w: for %s it has not taken what was written before: nothing of this was written; try again, and see what is wrong with the disk", ErrSlow, patience)
	}
}

func (t turn) give() { <-t }

// commit ends a transaction whose turn is the caller's, and gives the turn back once the disk has it. It waits for that as
// long as db.patience: then it is not known whether it will be written, for [ErrSlow].
func (db *DB) commit(op string, tx *sql.Tx) error {
	began, patience := time.Now(), db.patience
	ended := make(chan error, 1)
	go func() { // Close waits for it, as long as that helps
		defer db.turn.give()
		err := tx.Commit()
		if took := time.Since(began); took > patience {
			attrs := []slog.Attr{slog.String("op", op), slog.Duration("after", took.Round(time.Millisecond))}
			if err != nil {
				attrs = append(attrs, slog.Any("err", err))
			}
			db.log.LogAttrs(context.Background(), slog.LevelWarn, "slow commit has ended", attrs...)
		}
		ended <- err
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return fmt.Errorf("%w: for %s it has not said that this is written; it will be whole or not at all: look before you try again, and see what is wrong with the disk", ErrSlow, patience)
	}
}
