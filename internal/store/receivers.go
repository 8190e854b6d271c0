package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/checks/bounce"
)

// ReceiverFlow is what one receiver did with our mail since a time.
type ReceiverFlow struct {
	Domain    string // the receiving domain
	Vendor    string // who refused or answered for it; empty: not known
	Refused   int    // for reputation
	Deferred  int
	Delivered int
	Counted   bool // deliveries are known, since a log is read
	Last      time.Time
}

// selectRefusers has refusals of mails and logs, selectTakers what logs say was taken. An address
// and the domain that mail was sent as both count a delivery; the larger is what there was.
const (
	selectRefusers = `SELECT domain, vendor, sum(action = '` + string(bounce.Failed) + `'), sum(action <> '` + string(bounce.Failed) + `'), max(at)
		FROM bounces INDEXED BY bounces_counted WHERE counted AND at >= ? GROUP BY domain, vendor`
	selectTakers = `SELECT domain, max(sum(addresses), sum(others)) FROM takers WHERE hour >= ? GROUP BY domain`
)

// Receivers are all receivers that refused or took mail since a time, in no order. What was taken
// is known for [TakenKept].
func (db *DB) Receivers(ctx context.Context, since time.Time) (all []ReceiverFlow, err error) {
	err = db.view(ctx, "read receivers", func(tx *sql.Tx) error {
		taken := map[string]int{}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var domain string
			var n int
			err := r.Scan(&domain, &n)
			taken[domain] = n
			return err
		}, selectTakers, hourOf(since.UnixMicro())); err != nil {
			return err
		}
		refused := map[string]bool{}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var f ReceiverFlow
			err := r.Scan(&f.Domain, &f.Vendor, &f.Refused, &f.Deferred, stamp{&f.Last})
			f.Delivered, f.Counted = taken[f.Domain], len(taken) > 0
			refused[f.Domain] = true
			all = append(all, f)
			return err
		}, selectRefusers, since.UnixMicro()); err != nil {
			return err
		}
		for domain, n := range taken {
			if !refused[domain] && n > 0 {
				all = append(all, ReceiverFlow{Domain: domain, Delivered: n, Counted: true})
			}
		}
		return nil
	})
	return all, err
}
