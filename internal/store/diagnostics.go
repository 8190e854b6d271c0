package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/checks/bounce"
)

// EachDiagnostic gives every stored refusal and deferral since a time, oldest first, with what
// rules judge by and no more: diagnostic, receiver, action, time. What a log and several reports told of is one.
// It holds none of them in memory.
// An error of f ends it and is returned.
func (db *DB) EachDiagnostic(ctx context.Context, since time.Time, f func(bounce.Bounce) error) error {
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixMicro()
	}
	return db.view(ctx, "read refusals", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var b bounce.Bounce
			d := &b.Diagnostic
			if err := r.Scan(stamp{&b.At}, &b.Action, &b.Domain, &d.Reply, &d.Status, &d.Text, &d.Stage, &b.RemoteHost); err != nil {
				return err
			}
			return f(b)
		}, `SELECT at, action, domain, reply, status, diagnostic, stage, remote_host FROM bounces
			WHERE at >= ? AND action IN ('failed', 'delayed') AND instead IS NULL ORDER BY at, id`, from)
	})
}
