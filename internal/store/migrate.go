package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
)

// migrations are numbered and never edited once released: a change of the
// schema is a new file.
//
//go:embed migrations/*.sql
var migrations embed.FS

const (
	// versionTable is where the migrations that were applied are written down.
	versionTable = "schema_version"
	// applicationID marks the file as ours ("repu"; file(1) shows it), so that a mistyped path
	// does not put our tables into the database of another program.
	applicationID = 0x72657075
)

func (db *DB) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	// Before the first release a number was filled late now and then: a database that was made in between
	// lacks a step before its last, and gets it. No step needs what a later one makes.
	return goose.NewProvider(goose.DialectSQLite3, db.write, files,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
}

// migrate brings the schema up to that of this binary. An existing database is copied first.
func (db *DB) migrate(ctx context.Context, o Options) error {
	newest, err := newestSchema()
	if err != nil {
		return err
	}
	has, err := schemaVersion(ctx, db.write)
	if err != nil {
		return err
	}
	if has == 0 || has >= newest {
		return db.steps(ctx, newest)
	}
	m, err := db.copyBefore(ctx, o, has)
	if err != nil {
		return err
	}
	switch err := db.steps(ctx, newest); {
	case err != nil && m.Copy != "":
		return fmt.Errorf("%w; the database as it was is kept: with the older version installed, \"reputed restore %s\" brings it back", err, m.Copy)
	case err != nil:
		return err
	}
	m.To, m.At = newest, time.Now().UTC()
	if err := PruneCopies(db.path, o.CopyTo, m.At); err != nil {
		db.log.LogAttrs(ctx, slog.LevelWarn, "old copies of the database not removed", slog.Any("err", err))
	}
	return db.noteMigration(ctx, m)
}

// steps applies what is missing, each step in a transaction of its own, so that a kill in between leaves a whole step.
func (db *DB) steps(ctx context.Context, newest int64) error {
	if err := db.mend(ctx); err != nil {
		return err
	}
	var p *goose.Provider // made when there is something to do, which is rare
	for {
		before, err := schemaVersion(ctx, db.write)
		if err != nil {
			return err
		}
		if before >= newest {
			return nil
		}
		if p == nil {
			if p, err = db.provider(); err != nil {
				return err
			}
		}
		applied, err := p.Up(ctx)
		for _, m := range applied {
			db.log.LogAttrs(ctx, slog.LevelInfo, "schema migrated", slog.Int64("version", m.Source.Version), slog.Duration("took", m.Duration))
		}
		if err == nil {
			return nil
		}
		// Two processes that start at once both see a step to be done, and the second
		// finds it done when it has the lock. If the version has moved, look again.
		after, errVersion := schemaVersion(ctx, db.write)
		if errVersion != nil || after <= before {
			return fmt.Errorf("migrate the schema from version %d: %w", before, err)
		}
	}
}

// readable says whether this binary can read the schema as it is.
func (db *DB) readable(ctx context.Context) error {
	version, err := schemaVersion(ctx, db.read)
	if err != nil {
		return err
	}
	newest, err := newestSchema()
	switch {
	case err != nil:
		return err
	case version == 0:
		return fmt.Errorf("%w: the file is empty; it is filled when \"reputed run\" starts for the first time", ErrNoDatabase)
	case version > newest:
		return newerSchema(version, newest)
	case version < newest:
		return fmt.Errorf("%w: it has version %d, this binary reads %d: restart the daemon with this version, it migrates", ErrSchema, version, newest)
	}
	return nil
}

// newestSchema is the number of the last migration that this binary has.
func newestSchema() (int64, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("no migrations are embedded: %w", err)
	}
	return goose.NumericComponent(names[len(names)-1])
}

func newerSchema(has, knows int64) error {
	return fmt.Errorf("%w: it has version %d and this binary knows up to %d: run the newer version of reputed that wrote it, or restore a backup from before the upgrade",
		ErrSchema, has, knows)
}

// schemaVersion is the number of the last migration that was applied, 0 for an
// empty file. It gives [ErrNotOurs] for a database that holds something else.
func schemaVersion(ctx context.Context, p *sql.DB) (version int64, err error) {
	var id, tables int64
	var ours bool
	if err := p.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return 0, err
	}
	if err := p.QueryRowContext(ctx, "SELECT count(*), coalesce(max(name = ?), 0) FROM sqlite_schema WHERE type = 'table'", versionTable).Scan(&tables, &ours); err != nil {
		return 0, err
	}
	if id != 0 && id != applicationID || id == 0 && tables > 0 && !ours {
		return 0, fmt.Errorf("%w: name another path, this file is left as it is", ErrNotOurs)
	}
	if !ours {
		return 0, nil
	}
	err = p.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&version)
	return version, err
}
