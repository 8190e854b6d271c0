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

// Sealed is what [DB.Seal] was last given under the name; nil if nothing was.
func (db *DB) Sealed(ctx context.Context, name string) (value []byte, err error) {
	err = db.view(ctx, "read the settings", func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = ?", sealed+name).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return value, err
}

// Seal keeps a value that its owner has encrypted: whoever may read the database
// learns nothing from it. [ErrLeaseLost] means that another daemon has taken over.
func (db *DB) Seal(ctx context.Context, name string, value []byte) error {
	return db.update(ctx, "write the settings", func(tx *sql.Tx) error {
		if err := db.fence(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", sealed+name, value)
		return err
	})
}

// sealed begins the names of encrypted settings, so that none can be taken for
// another one, such as the key of recipients.
const sealed = "sealed "

// recipientHash stands for a full recipient address ([bounce.Mask]). Recipients
// of one mail of which nothing is known are told apart by their position.
func (db *DB) recipientHash(recipient string, position int) string {
	if recipient == "" {
		return "position " + strconv.Itoa(position)
	}
	_, hash := bounce.Mask(recipient, db.key)
	return hash
}
