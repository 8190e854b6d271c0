package store

import (
	"context"
	"database/sql"
)

// tryBytes is what TryWriting writes: more than most commits do, so that the next one is not the one to find out.
const tryBytes = 256 << 10

// TryWriting writes to the database and takes it away again, to see whether a database that could not be
// written can be: after [ErrFull], [ErrBusy], [ErrSlow] or [ErrPermission] the error says that it is still so. A commit that
// has nothing to write proves nothing.
func (db *DB) TryWriting(ctx context.Context) error {
	for _, statement := range []string{
		"INSERT OR REPLACE INTO settings (name, value) VALUES ('try', zeroblob(?1))",
		"DELETE FROM settings WHERE name = 'try' AND ?1 > 0",
	} {
		err := db.update(ctx, "try to write", func(tx *sql.Tx) error {
			if err := db.fence(ctx, tx); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, statement, tryBytes)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
