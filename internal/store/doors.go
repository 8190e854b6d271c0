package store

import (
	"context"
	"database/sql"

	"reputed/checks"
	"reputed/checks/acceptance"
)

// Doors are the receivers that refuse an address of ours at the door, by address and receiver.
func (db *DB) Doors(ctx context.Context) (all []acceptance.Standing, err error) {
	err = db.view(ctx, "read doors", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var s acceptance.Standing
			err := r.Scan(&s.Target, &s.Receiver, &s.Source, &s.Vendor, &s.Host, &s.Reply, stamp{&s.Since}, stamp{&s.At})
			all = append(all, s)
			return err
		}, "SELECT target, receiver, source, vendor, host, reply, since, at FROM doors ORDER BY target, receiver")
	})
	return all, err
}

// AddDoors writes receivers that refuse, in place of what was known of each. [ErrLeaseLost] means that another
// daemon has taken over; [ErrBusy] and [ErrFull] may pass.
func (db *DB) AddDoors(ctx context.Context, all []acceptance.Standing) error {
	if len(all) == 0 {
		return nil
	}
	return db.update(ctx, "write doors", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		for _, s := range all {
			if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO doors (target, receiver, source, vendor, host, reply, since, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				s.Target, checks.Line(s.Receiver, 255), checks.Line(s.Source, 255), checks.Line(s.Vendor, 80), checks.Line(s.Host, 255), checks.Line(s.Reply, 500),
				s.Since.UnixMicro(), s.At.UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
}

// DropDoors forgets those that refuse no more. The errors are those of [DB.AddDoors].
func (db *DB) DropDoors(ctx context.Context, all []acceptance.Standing) error {
	if len(all) == 0 {
		return nil
	}
	return db.update(ctx, "forget doors", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		for _, s := range all {
			if _, err := tx.ExecContext(ctx, "DELETE FROM doors WHERE target = ? AND receiver = ?", s.Target, s.Receiver); err != nil {
				return err
			}
		}
		return nil
	})
}
