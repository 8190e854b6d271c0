package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"reputed/checks"
)

// Share is a link that shows one pool to people outside. Its token is not stored.
type Share struct {
	ID        int64
	Pool      string
	Note      string // whom it is for
	By        string // who made it
	Made      time.Time
	Expires   time.Time
	Revoked   time.Time // zero: it is not
	RevokedBy string
	Used      time.Time // when it was last opened; zero: never
	Uses      int
}

// ErrNoShare: there is no such link, or no longer. Trying again does not help.
var ErrNoShare = errors.New("no such share link")

// MakeShare stores a link with its Pool, Note, By, Made and Expires, and gives it with its number.
// Of the token nothing is kept but its SHA-256.
func (db *DB) MakeShare(ctx context.Context, token string, s Share) (Share, error) {
	hash := sha256.Sum256([]byte(token))
	s.Note, s.By = checks.Line(s.Note, 200), checks.Line(s.By, 100)
	err := db.update(ctx, "store a share link", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "INSERT INTO shares (hash, pool, note, expires) VALUES (?, ?, ?, ?)", hash[:], s.Pool, s.Note, s.Expires.UnixMicro())
		if err != nil {
			return err
		}
		if s.ID, err = r.LastInsertId(); err != nil {
			return err
		}
		return shareEvent(ctx, tx, s.ID, "made", s.By, s.Made)
	})
	return s, err
}

func shareEvent(ctx context.Context, q querier, id int64, kind, who string, at time.Time) error {
	_, err := q.ExecContext(ctx, "INSERT INTO share_events (share, at, kind, who) VALUES (?, ?, ?, ?)", id, at.UnixMicro(), kind, who)
	return err
}

// RevokeShare ends a link at once. One that is over already stays as it is, without an error.
// [ErrNoShare] means that there never was one.
func (db *DB) RevokeShare(ctx context.Context, id int64, by string, at time.Time) (s Share, err error) {
	err = db.update(ctx, "revoke a share link", func(tx *sql.Tx) error {
		now, err := changed(tx.ExecContext(ctx, "UPDATE shares SET revoked = ? WHERE id = ? AND revoked IS NULL", at.UnixMicro(), id))
		if err != nil {
			return err
		}
		if now {
			if err := shareEvent(ctx, tx, id, "revoked", checks.Line(by, 100), at); err != nil {
				return err
			}
		}
		all, err := shares(ctx, tx, "s.id = ?", id)
		if err == nil && len(all) == 0 {
			return fmt.Errorf("share link %d: %w; \"reputed share list --all\" shows them", id, ErrNoShare)
		}
		if err == nil {
			s = all[0]
		}
		return err
	})
	return s, err
}

// Shares are the links that can be opened at a time, the latest first; all: also those that are over.
func (db *DB) Shares(ctx context.Context, now time.Time, all bool) (list []Share, err error) {
	err = db.view(ctx, "read share links", func(tx *sql.Tx) error {
		list, err = shares(ctx, tx, "?1 OR s.revoked IS NULL AND s.expires > ?2", all, now.UnixMicro())
		return err
	})
	return list, err
}

// Shared is the link of a token. [ErrNoShare] if there is none, it has expired or it was revoked, which
// nobody can tell apart. The token is looked for by its hash, so that how long that takes
// says nothing about any other token.
func (db *DB) Shared(ctx context.Context, token string, now time.Time) (s Share, err error) {
	hash := sha256.Sum256([]byte(token))
	err = db.view(ctx, "read a share link", func(tx *sql.Tx) error {
		all, err := shares(ctx, tx, "s.hash = ? AND s.revoked IS NULL AND s.expires > ?", hash[:], now.UnixMicro())
		if err == nil && len(all) == 0 {
			return ErrNoShare
		}
		if err == nil {
			s = all[0]
		}
		return err
	})
	return s, err
}

// UseShare notes that a link was opened.
func (db *DB) UseShare(ctx context.Context, id int64, at time.Time) error {
	return db.update(ctx, "note the use of a share link", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE shares SET used = max(coalesce(used, 0), ?), uses = uses + 1 WHERE id = ?", at.UnixMicro(), id)
		return err
	})
}

func shares(ctx context.Context, q querier, where string, args ...any) (all []Share, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		var s Share
		err := r.Scan(&s.ID, &s.Pool, &s.Note, stamp{&s.Expires}, stamp{&s.Revoked}, stamp{&s.Used}, &s.Uses, &s.By, stamp{&s.Made}, &s.RevokedBy)
		all = append(all, s)
		return err
	}, `SELECT s.id, s.pool, s.note, s.expires, s.revoked, s.used, s.uses, m.who, m.at, coalesce(r.who, '')
		FROM shares s JOIN share_events m ON m.share = s.id AND m.kind = 'made' LEFT JOIN share_events r ON r.share = s.id AND r.kind = 'revoked'
		WHERE `+where+" ORDER BY s.id DESC", args...)
	return all, err
}
