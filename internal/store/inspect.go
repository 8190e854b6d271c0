package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Check looks through the whole file for damage (PRAGMA quick_check), whatever its size, until ctx
// ends: a gigabyte takes some seconds. [ErrCorrupt] says what is wrong. It may be called on a
// database that is open for reading only.
func (db *DB) Check(ctx context.Context) error {
	return db.view(ctx, "look through the database", func(tx *sql.Tx) error {
		var said string
		if err := tx.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
			return err
		}
		if said != "ok" {
			return &hinted{fmt.Errorf("%w: %s", ErrCorrupt, said), damagedHint}
		}
		return nil
	})
}

// Schema is the version of the schema that the database has.
func (db *DB) Schema(ctx context.Context) (version int64, err error) {
	version, err = schemaVersion(ctx, db.read)
	return version, err
}

// UsedAddress is an address that mail was seen to leave from.
type UsedAddress struct {
	Addr    netip.Addr
	Mails   int       // deliveries as logs tell, refusals and deferrals
	Refused int       // of these
	Last    time.Time // to the hour where it was a delivery
}

const (
	// Traffic is by target, and there are far more hours than targets: each target is found from the one before.
	selectUsedTargets = `WITH RECURSIVE known(target) AS (SELECT min(target) FROM traffic UNION ALL
			SELECT (SELECT min(target) FROM traffic WHERE target > known.target) FROM known WHERE known.target IS NOT NULL)
		SELECT known.target, sum(delivered + deferred + refused), sum(refused), max(hour) * 3600000000 FROM known
			CROSS JOIN traffic t ON t.target = known.target AND t.domain = '*' AND t.hour >= ?
		WHERE known.target GLOB '*:*' OR known.target GLOB '*[0-9]' GROUP BY known.target`
	// What a proved report or a log says that mail left from: the address it was sent from, or
	// that the receiver saw and judged.
	selectUsedSources = `SELECT coalesce(nullif(b.source, ''), b.named_address) AS address, count(*), sum(b.action = 'failed'), max(b.at)
		FROM bounces b LEFT JOIN mails m ON m.id = b.mail
		WHERE b.at >= ? AND address <> '' AND (b.log <> '' OR m.proof <> '') GROUP BY address`
)

// UsedAddresses are the addresses that mail was seen to leave from since a time, in no order: those that are
// watched, by what was counted of them, and others by refusals that are proved to be of our mail. Mail that was
// delivered from an address that nobody watches is not seen. Counted says that deliveries are.
func (db *DB) UsedAddresses(ctx context.Context, since time.Time) (all []UsedAddress, counted bool, err error) {
	by := map[netip.Addr]UsedAddress{}
	err = db.view(ctx, "read which addresses were used", func(tx *sql.Tx) error {
		read := func(r *sql.Rows) error {
			var u UsedAddress
			var address string
			if err := r.Scan(&address, &u.Mails, &u.Refused, stamp{&u.Last}); err != nil {
				return err
			}
			a, err := netip.ParseAddr(address)
			if err != nil {
				return nil // a domain that ends in a digit, or a text from outside
			}
			u.Addr = a.Unmap()
			if had, ok := by[u.Addr]; ok {
				u.Mails, u.Refused = max(u.Mails, had.Mails), max(u.Refused, had.Refused)
				if had.Last.After(u.Last) {
					u.Last = had.Last
				}
			}
			by[u.Addr] = u
			return nil
		}
		err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM takers)").Scan(&counted)
		if err != nil {
			return err
		}
		return errors.Join(each(ctx, tx, read, selectUsedTargets, hourOf(since.UnixMicro())), each(ctx, tx, read, selectUsedSources, since.UnixMicro()))
	})
	for _, u := range by {
		all = append(all, u)
	}
	return all, counted, err
}
