package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"strconv"
	"strings"
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

// recipientHash stands for a full recipient address: equal addresses have equal
// hashes in one database, and without its key nobody can try addresses out. Two
// recipients of one mail that are not known are told apart by their position.
func (db *DB) recipientHash(recipient string, position int) []byte {
	mac := hmac.New(sha256.New, db.key)
	if recipient == "" {
		mac.Write([]byte("position " + strconv.Itoa(position)))
	} else {
		// RFC 5321 section 2.4 lets a local part depend on case; no receiver that matters does.
		mac.Write([]byte(strings.ToLower(recipient)))
	}
	return mac.Sum(nil)[:16]
}
