package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/checks"
	"reputed/checks/acceptance"
)

// KeepReceivers is how long it is known who stood before a receiver whose MX records are not
// asked for any more.
const KeepReceivers = 90 * 24 * time.Hour

// SaveReceivers writes who stands before receivers, in place of what was known of them, and
// forgets what is old. [ErrLeaseLost] means that another daemon has taken over; [ErrBusy] and
// [ErrFull] may pass.
func (db *DB) SaveReceivers(ctx context.Context, now time.Time, all []acceptance.Receiver) error {
	return db.update(ctx, "write receivers", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		q := compile(tx)
		for _, r := range all {
			mx, err := document(append([]string{}, r.MX...))
			if err != nil {
				return err
			}
			if _, err := q.ExecContext(ctx, "INSERT OR REPLACE INTO receivers (domain, vendor, how, mx, at) VALUES (?, ?, ?, ?, ?)",
				checks.Line(r.Domain, 255), checks.Line(r.Vendor, 80), string(r.How), mx, r.At.UnixMicro()); err != nil {
				return err
			}
		}
		_, err := q.ExecContext(ctx, "DELETE FROM receivers WHERE at < ?", now.Add(-KeepReceivers).UnixMicro())
		return err
	})
}

const selectFronts = "SELECT domain, vendor, how, mx, at FROM receivers"

// Fronts are who stands before receivers, by their domains, of all that are known.
func (db *DB) Fronts(ctx context.Context) (all map[string]acceptance.Receiver, err error) {
	err = db.view(ctx, "read who stands before receivers", func(tx *sql.Tx) error {
		all, err = fronts(ctx, tx, selectFronts)
		return err
	})
	return all, err
}

func fronts(ctx context.Context, q querier, query string, args ...any) (map[string]acceptance.Receiver, error) {
	all := map[string]acceptance.Receiver{}
	err := each(ctx, q, func(r *sql.Rows) error {
		var x acceptance.Receiver
		err := r.Scan(&x.Domain, &x.Vendor, &x.How, value{&x.MX}, stamp{&x.At})
		all[x.Domain] = x
		return err
	}, query, args...)
	return all, err
}

// frontsOf are those of the receivers whose refusals name nobody.
func frontsOf(ctx context.Context, q querier, unnamed []string) (map[string]acceptance.Receiver, error) {
	if len(unnamed) == 0 {
		return nil, nil
	}
	domains, err := document(unnamed)
	if err != nil {
		return nil, err
	}
	return fronts(ctx, q, selectFronts+" WHERE domain IN (SELECT value FROM json_each(?))", domains)
}

// Delivered is how much mail one receiver took, by whose host took it as logs tell.
type Delivered struct {
	Domain string // the receiving domain
	Vendor string // '' if that is not known
	N      int
}

// An address and the domain that mail was sent as both count a delivery; the larger is what there was.
const selectDelivered = `SELECT domain, vendor, max(sum(addresses), sum(others)) FROM takers WHERE hour >= ? GROUP BY domain, vendor`

// DeliveredBy is what each receiver took since a time, in no order; that is known for [TakenKept]. None: nothing is counted, since no log is read.
func (db *DB) DeliveredBy(ctx context.Context, since time.Time) (all []Delivered, err error) {
	err = db.view(ctx, "read deliveries", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var d Delivered
			err := r.Scan(&d.Domain, &d.Vendor, &d.N)
			all = append(all, d)
			return err
		}, selectDelivered, hourOf(since.UnixMicro()))
	})
	return all, err
}
