package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// querier is a transaction or a pool.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// compiled is a transaction in which each statement is compiled once, however
// often it is run: a round about a whole network runs the same few a hundred
// thousand times. The statements end with the transaction.
type compiled struct {
	*sql.Tx
	stmts map[string]*sql.Stmt // by text
}

func compile(tx *sql.Tx) *compiled { return &compiled{tx, map[string]*sql.Stmt{}} }

func (c *compiled) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.Tx.PrepareContext(ctx, query)
	if err == nil {
		c.stmts[query] = s
	}
	return s, err
}

func (c *compiled) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (c *compiled) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (c *compiled) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return c.Tx.QueryRowContext(ctx, query, args...) // has the same error for whoever scans
	}
	return s.QueryRowContext(ctx, args...)
}

// update runs f in one immediate transaction: the write lock is taken before
// the first read, so that nothing read in it is out of date when it writes. It
// is rolled back if f returns an error or panics. It gives [ErrSlow] as [DB.commit] and [turn.take] do.
func (db *DB) update(ctx context.Context, op string, f func(tx *sql.Tx) error) error {
	if db.write == nil {
		return db.explain(op, ErrReadOnly)
	}
	if err := db.turn.take(ctx, db.patience); err != nil {
		return db.explain(op, err)
	}
	ours := true // the turn
	defer func() {
		if ours {
			db.turn.give()
		}
	}()
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return db.explain(op, err)
	}
	defer tx.Rollback() // after a commit it does nothing; without it a panic would keep the one writer for ever
	if err = f(tx); err == nil {
		ours = false
		err = db.commit(op, tx)
	}
	return db.explain(op, ended(ctx, err))
}

// ended says that the context has ended where that is why the transaction
// failed: database/sql rolls it back by itself, and whoever comes to it later
// only hears that it is over.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// view runs f on one unchanging picture of the database.
func (db *DB) view(ctx context.Context, op string, f func(tx *sql.Tx) error) error {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return db.explain(op, err)
	}
	defer tx.Rollback()
	return db.explain(op, ended(ctx, f(tx)))
}

// each calls scan for every row of a query.
func each(ctx context.Context, q querier, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// number is what the driver gives for an integer. Where a hundred thousand are read they are scanned into an
// any: into an int, database/sql takes them by way of a text.
func number(v any) int64 {
	n, _ := v.(int64)
	return n
}

// changed says whether a statement touched a row.
func changed(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// document is a value as a JSON column stores it.
func document(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// value scans a JSON column into what v points to; NULL leaves it as it is.
type value struct{ v any }

// Scan implements [database/sql.Scanner].
func (d value) Scan(src any) error {
	switch src := src.(type) {
	case string:
		return json.Unmarshal([]byte(src), d.v)
	case []byte:
		return json.Unmarshal(src, d.v)
	}
	return nil
}
