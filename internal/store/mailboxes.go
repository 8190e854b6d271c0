package store

import (
	"context"
	"database/sql"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// Mailbox is how far one mailbox has been read, and whether it can be.
type Mailbox struct {
	Name     string
	Position probes.Position
	ReadAt   time.Time // when the position was last written; zero: never
	OK       bool      // it could be read when it was last looked at
	Since    time.Time // since when OK has its value; zero: never looked at
	Seen     time.Time // when it was last looked at
	Trouble  string    // why it could not be read; with OK, what else could not be done with its mails; else empty
	// Watched is when it could first be read; zero: never. Nothing that came to it since is missing,
	// however often reading was broken off: it goes on where it stopped.
	Watched time.Time
	// Proved and Unproved are how many reports of refused or delayed mail came in
	// within the window that is judged, with and without proof that they are
	// ours. Zero where no window applies.
	Proved, Unproved int
}

// SetMailboxState writes down whether the mailbox could be read at that time,
// and why not, or what besides reading was not possible. [ErrLeaseLost] means that another daemon has taken over.
func (db *DB) SetMailboxState(ctx context.Context, name string, ok bool, at time.Time, trouble error) error {
	why := ""
	if trouble != nil {
		why = checks.Line(trouble.Error(), 500)
	}
	return db.update(ctx, "note the state of a mailbox", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO mailboxes (name, ok, since, seen, trouble, watched) VALUES (?1, ?2, ?3, ?3, ?4, iif(?2, ?3, NULL))
			ON CONFLICT (name) DO UPDATE SET
				since = iif(ok = ?2 AND since IS NOT NULL, since, ?3), ok = ?2, seen = ?3, trouble = ?4, watched = coalesce(watched, iif(?2, ?3, NULL))`,
			name, ok, at.UnixMicro(), why)
		return err
	})
}

// Position is how far the mailbox has been read; the zero Position if never.
func (db *DB) Position(ctx context.Context, mailbox string) (probes.Position, error) {
	var p probes.Position
	err := db.view(ctx, "read a mailbox position", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error { return r.Scan(&p.UIDValidity, &p.UID) },
			"SELECT uid_validity, uid FROM mailboxes WHERE name = ?", mailbox)
	})
	return p, err
}

// Mailboxes are all mailboxes that were ever looked at, by name. Reports are
// counted from since on.
func (db *DB) Mailboxes(ctx context.Context, since time.Time) (all []Mailbox, err error) {
	err = db.view(ctx, "read mailboxes", func(tx *sql.Tx) error {
		all, err = mailboxes(ctx, tx, since)
		return err
	})
	return all, err
}

func mailboxes(ctx context.Context, q querier, since time.Time) (all []Mailbox, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		var m Mailbox
		err := r.Scan(&m.Name, &m.Position.UIDValidity, &m.Position.UID, stamp{&m.ReadAt}, &m.OK, stamp{&m.Since}, stamp{&m.Seen}, &m.Trouble, stamp{&m.Watched}, &m.Proved, &m.Unproved)
		all = append(all, m)
		return err
	}, `SELECT name, uid_validity, uid, read_at, ok, since, seen, trouble, watched,
			(SELECT count(*) FROM mails WHERE mailbox = name AND stored >= ?1 AND kind = 'bounce' AND proof <> ''),
			(SELECT count(*) FROM mails WHERE mailbox = name AND stored >= ?1 AND kind = 'bounce' AND proof = '')
		FROM mailboxes ORDER BY name`, since.UnixMicro())
	return all, err
}

// advance moves the position of a mailbox: forward within one UIDVALIDITY, and
// to wherever it is said to be under another, which is another set of mails
// (RFC 3501 section 2.3.1.1).
func advance(ctx context.Context, q querier, mailbox string, p probes.Position, now time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO mailboxes (name, uid_validity, uid, read_at) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (name) DO UPDATE SET
			uid = iif(uid_validity = ?2, max(uid, ?3), ?3), uid_validity = ?2, read_at = ?4`,
		mailbox, p.UIDValidity, p.UID, now.UnixMicro())
	return err
}
