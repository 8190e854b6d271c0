package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

var _ alerts.Outbox = (*DB)(nil)

// first says that no earlier notice of the same incident waits for the same
// channel: people hear of the end after the beginning. A notice without an
// incident (of a drill) waits for nobody.
const first = `NOT EXISTS (SELECT 1 FROM outbox e WHERE e.channel = o.channel AND e.incident = o.incident AND e.id < o.id AND e.state = 'queued')`

const selectDue = "SELECT id, channel, notification, tries, queued FROM outbox o WHERE channel = ? AND state = 'queued' AND (next <= ? OR next > ?) AND " + first + " ORDER BY tries, id LIMIT ?"

// longestRetry is how far ahead a delivery is ever put off ([alerts.Deliverer]).
// A time later than that was written by a clock that ran ahead, and has come.
const longestRetry = 24 * time.Hour

// Due implements [alerts.Outbox]. Once the lease is lost it gives [ErrLeaseLost], so that
// two daemons do not both tell.
func (db *DB) Due(ctx context.Context, channel string, now time.Time, max int) (due []alerts.Delivery, err error) {
	err = db.view(ctx, "read the outbox", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var d alerts.Delivery
			err := r.Scan(&d.ID, &d.Channel, value{&d.Notification}, &d.Tries, stamp{&d.Queued})
			due = append(due, d)
			return err
		}, selectDue, channel, now.UnixMicro(), now.Add(longestRetry).UnixMicro(), max)
	})
	return due, err
}

// NextDue implements [alerts.Outbox]. A time that was written by a clock that ran
// ahead may come later than the delivery is due: whoever waits looks again meanwhile.
func (db *DB) NextDue(ctx context.Context, channel string) (next time.Time, ok bool, err error) {
	err = db.view(ctx, "read the outbox", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT min(next) FROM outbox o WHERE channel = ? AND state = 'queued' AND "+first, channel).Scan(stamp{&next})
	})
	return next, !next.IsZero(), err
}

// Sent implements [alerts.Outbox]. [ErrNoDelivery] means that it no longer waits.
func (db *DB) Sent(ctx context.Context, id int64, at time.Time) error {
	return db.settle(ctx, "note a delivery", id, "state = 'sent', notification = NULL, done = ?", at.UnixMicro())
}

// Retry implements [alerts.Outbox]. Why is shown by status, one line. What is put off is not on its way, so that what
// is said of the same incident next takes its place ([alerts.Collapse]).
func (db *DB) Retry(ctx context.Context, id int64, next time.Time, tries int, why string) error {
	return db.update(ctx, "put a delivery off", func(tx *sql.Tx) error {
		if err := settle(ctx, tx, id, "next = ?, tries = ?, why = ?", next.UnixMicro(), tries, checks.Line(why, 500)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE outbox SET next = ?1 WHERE channel = (SELECT channel FROM outbox WHERE id = ?2) AND state = 'queued' AND next < ?1", next.UnixMicro(), id)
		return err
	})
}

// troubled is until when a channel is left alone because it took nothing, zero if it is well: "SELECT max(next) ..."
// of what was tried and is put off.
const troubled = "SELECT max(next) FROM outbox WHERE channel = ? AND state = 'queued' AND tries > 0 AND next > ? AND next <= ?"

// Refuse implements [alerts.Outbox].
func (db *DB) Refuse(ctx context.Context, id int64, at time.Time, why string) error {
	return db.settle(ctx, "note a refusal", id, "state = 'refused', notification = NULL, tries = tries + 1, done = ?, why = ?", at.UnixMicro(), checks.Line(why, 500))
}

func (db *DB) settle(ctx context.Context, op string, id int64, set string, args ...any) error {
	return db.update(ctx, op, func(tx *sql.Tx) error { return settle(ctx, tx, id, set, args...) })
}

func settle(ctx context.Context, tx *sql.Tx, id int64, set string, args ...any) error {
	ok, err := changed(tx.ExecContext(ctx, "UPDATE outbox SET "+set+" WHERE id = ? AND state = 'queued'", append(args, id)...))
	if err == nil && !ok {
		err = fmt.Errorf("delivery %d: %w", id, ErrNoDelivery)
	}
	return err
}

// Channel is how the notices to one channel stand.
type Channel struct {
	Name        string
	Queued      int       // waiting
	Oldest      time.Time // when the oldest of these was queued; zero: none waits
	Next        time.Time // when the next try is; zero: none waits
	Tries       int       // most attempts that failed of one that waits
	Critical    bool      // something of a critical incident is among what waits
	Sent        int
	LastSent    time.Time
	Refused     int
	LastRefused time.Time
	// LastError is why the latest notice that still waits was not taken, or why one
	// was refused since anything was last sent. Empty: the channel is well.
	LastError string
}

const selectChannels = `WITH counted AS ( -- from an index alone: it holds all that was ever told
	SELECT channel, sum(n) FILTER (WHERE state = 'sent') AS sent, max(done) FILTER (WHERE state = 'sent') AS last_sent,
		sum(n) FILTER (WHERE state = 'refused') AS refused, max(done) FILTER (WHERE state = 'refused') AS last_refused
	FROM (SELECT channel, state, count(*) AS n, max(done) AS done FROM outbox GROUP BY channel, state) GROUP BY channel
), waiting AS (
	SELECT channel, count(*) AS n, min(queued) AS oldest, min(next) AS next, max(tries) AS tries,
		max(coalesce(json_extract(notification, '$.Incident.Severity') = 'critical', 0)) AS critical FROM outbox WHERE state = 'queued' GROUP BY channel
)
SELECT c.channel, coalesce(w.n, 0), w.oldest, w.next, coalesce(w.tries, 0), coalesce(w.critical, 0), coalesce(c.sent, 0), c.last_sent, coalesce(c.refused, 0), c.last_refused,
	coalesce((SELECT why FROM (
			SELECT id, why FROM outbox q WHERE q.channel = c.channel AND q.state = 'queued' AND q.why <> ''
			UNION ALL
			SELECT id, why FROM outbox r WHERE r.channel = c.channel AND r.state = 'refused' AND r.done > coalesce(c.last_sent, 0) AND r.why <> ''
		) ORDER BY id DESC LIMIT 1), '')
FROM counted c LEFT JOIN waiting w ON w.channel = c.channel ORDER BY c.channel`

// Channels are all channels that anything was ever queued for, by name.
func (db *DB) Channels(ctx context.Context) (all []Channel, err error) {
	err = db.view(ctx, "read channels", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var c Channel
			err := r.Scan(&c.Name, &c.Queued, stamp{&c.Oldest}, stamp{&c.Next}, &c.Tries, &c.Critical, &c.Sent, stamp{&c.LastSent}, &c.Refused, stamp{&c.LastRefused}, &c.LastError)
			all = append(all, c)
			return err
		}, selectChannels)
	})
	return all, err
}

const selectUntold = `SELECT DISTINCT incident FROM outbox o WHERE channel = ? AND state = 'queued' AND incident IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM outbox s WHERE s.incident = o.incident AND s.channel = o.channel AND s.state = 'sent')`

// Untold are the incidents of which a channel has told nothing yet, because what it is to
// tell waits: for the end of quiet hours, or for the channel.
func (db *DB) Untold(ctx context.Context, channel string) (incidents map[int64]bool, err error) {
	incidents = map[int64]bool{}
	err = db.view(ctx, "read what waits", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			incidents[id] = true
			return err
		}, selectUntold, channel)
	})
	return incidents, err
}
