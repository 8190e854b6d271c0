package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"strconv"

	"reputed/checks/bounce"
)

// recipientKey reads the key of recipient hashes, and makes it once.
func (db *DB) recipientKey(ctx context.Context) (key []byte, err error) {
	err = db.update(ctx, "read the settings", func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = 'recipient_key'").Scan(&key)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		key = make([]byte, sha256.Size)
		rand.Read(key) // never fails (crypto/rand)
		_, err = tx.ExecContext(ctx, "INSERT INTO settings (name, value) VALUES ('recipient_key', ?)", key)
		return err
	})
	return key, err
}

// recipientHash stands for a full recipient address ([bounce.Mask]). Recipients
// of one mail of which nothing is known are told apart by their position.
func (db *DB) recipientHash(recipient string, position int) string {
	if recipient == "" {
		return "position " + strconv.Itoa(position)
	}
	_, hash := bounce.Mask(recipient, db.key)
	return hash
}
