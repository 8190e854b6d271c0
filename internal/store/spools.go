package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"reputed/probes"
)

// SpoolMark is how far a Maildir or an mbox has been read; the zero mark if never.
func (db *DB) SpoolMark(ctx context.Context, name string) (probes.SpoolMark, error) {
	m := probes.SpoolMark{Seen: map[int64]struct{}{}}
	err := db.view(ctx, "read how far a spool was read", func(tx *sql.Tx) error {
		if err := each(ctx, tx, func(r *sql.Rows) error { return r.Scan(value{&m.Mbox}) }, "SELECT mark FROM spools WHERE name = ?", name); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var mail int64
			err := r.Scan(&mail)
			m.Seen[mail] = struct{}{}
			return err
		}, "SELECT mail FROM spool_mails WHERE spool = ?", name)
	})
	return m, err
}

// saveSpool writes down what changes in the mark of a spool with a batch of its mails.
func saveSpool(ctx context.Context, q querier, name string, b probes.SpoolBatch, now time.Time) error {
	mark, err := document(b.Mbox)
	if err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, "INSERT INTO spools (name, mark) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET mark = ?2", name, mark); err != nil {
		return err
	}
	for _, list := range []struct {
		mails []int64
		query string
	}{
		{b.Gone, "DELETE FROM spool_mails WHERE spool = ?1 AND mail IN (SELECT value FROM json_each(?2))"},
		{b.Seen, "INSERT OR IGNORE INTO spool_mails (spool, mail) SELECT ?1, value FROM json_each(?2)"},
	} {
		if len(list.mails) == 0 {
			continue
		}
		mails, err := json.Marshal(list.mails)
		if err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, list.query, name, string(mails)); err != nil {
			return err
		}
	}
	if err := advance(ctx, q, name, probes.Position{}, now); err != nil { // it has no position, and a time when it was read
		return err
	}
	// The first look at a spool hands over what lies there before it says that it can be read.
	_, err = q.ExecContext(ctx, "UPDATE mailboxes SET watched = coalesce(watched, ?2) WHERE name = ?1", name, now.UnixMicro())
	return err
}
