package store

import (
	"context"
	"database/sql"
)

// A mail is unsettled from the commit of what it said until its server has done
// with it what the configuration wants (mark it, move it, delete it). The two
// are never one step, so the first writes down that the second is due: a crash
// in between is made good later, and nothing is done to a mail that was not read.

// Unsettled are the UIDs of at most limit mails of a mailbox that are still to
// be settled, in ascending order; below 1 is no limit. UIDs of another UIDVALIDITY are of no use
// to anybody, since their mails have other UIDs now, and are not among them.
func (db *DB) Unsettled(ctx context.Context, mailbox string, validity uint32, limit int) (uids []uint32, err error) {
	if limit < 1 {
		limit = -1
	}
	err = db.view(ctx, "read what is to be settled", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var uid uint32
			err := r.Scan(&uid)
			uids = append(uids, uid)
			return err
		}, "SELECT uid FROM unsettled WHERE mailbox = ? AND uid_validity = ? ORDER BY uid LIMIT ?", mailbox, validity, limit)
	})
	return uids, err
}

// Settled says that the server has done what was to be done with these mails.
// Saying it twice does no harm. [ErrLeaseLost] means that another daemon has taken over.
func (db *DB) Settled(ctx context.Context, mailbox string, validity uint32, uids []uint32) error {
	return db.update(ctx, "note what was settled", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		stmt, err := tx.PrepareContext(ctx, "DELETE FROM unsettled WHERE mailbox = ? AND uid_validity = ? AND uid = ?")
		if err != nil {
			return err
		}
		for _, uid := range uids {
			if _, err := stmt.ExecContext(ctx, mailbox, validity, uid); err != nil {
				return err
			}
		}
		return nil
	})
}

// unsettle notes that a mail is to be settled.
func unsettle(ctx context.Context, q querier, p Place) error {
	_, err := q.ExecContext(ctx, "INSERT INTO unsettled (mailbox, uid_validity, uid) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		p.Mailbox, p.Position.UIDValidity, p.Position.UID)
	return err
}

// outdated forgets what was to be settled under an earlier UIDVALIDITY.
func outdated(ctx context.Context, q querier, mailbox string, validity uint32) error {
	_, err := q.ExecContext(ctx, "DELETE FROM unsettled WHERE mailbox = ? AND uid_validity <> ?", mailbox, validity)
	return err
}
