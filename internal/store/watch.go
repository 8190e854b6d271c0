package store

import (
	"context"
	"database/sql"
)

// Watch says whether the database has changed, without reading it.
type Watch struct {
	db      *DB
	conn    *sql.Conn
	version int64
}

// Watch begins to watch. It keeps one connection for itself; close it.
func (db *DB) Watch(ctx context.Context) (*Watch, error) {
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return nil, db.explain("watch", err)
	}
	return &Watch{db: db, conn: conn}, nil
}

// Changed says whether anybody has committed anything since it was last asked; the first
// time it is true. It costs a look at the file's header
// (https://www.sqlite.org/pragma.html#pragma_data_version).
func (w *Watch) Changed(ctx context.Context) (bool, error) {
	before := w.version
	if err := w.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&w.version); err != nil {
		return false, w.db.explain("watch", err)
	}
	return w.version != before, nil
}

// Close gives the connection back.
func (w *Watch) Close() error { return w.conn.Close() }
