package store

import (
	"context"
	"database/sql"
	"log/slog"
)

// Migrations are never edited once they are released. Before the first release some were, within hours: what
// a database was left without by the earlier form is put right here, found by its structure, so that
// every database that a daemon of the main branch ever made is brought up to date.

// mend is one such difference.
type mend struct {
	what   string
	needed string   // is true where the database has the earlier form
	steps  []string // in one transaction, and once: afterwards needed is false
}

func hasTable(name string) string {
	return "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '" + name + "')"
}

func hasIndex(name string) string {
	return "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = '" + name + "')"
}

func hasColumn(table, column string) string {
	return "EXISTS (SELECT 1 FROM pragma_table_info('" + table + "') WHERE name = '" + column + "')"
}

// mends are all of them, in the order in which they are looked for.
var mends = []mend{
	{"what moves of a member stood in one row with what its finding says", hasColumn("members", "finding"), []string{
		"ALTER TABLE members RENAME TO members_before",
		`CREATE TABLE members (
			id          INTEGER NOT NULL PRIMARY KEY,
			incident    INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
			check_name  TEXT    NOT NULL,
			target      TEXT    NOT NULL,
			source      TEXT    NOT NULL,
			position    INTEGER NOT NULL,
			seen        INTEGER,
			proved      TEXT    CHECK (json_valid(proved)),
			first       INTEGER,
			last        INTEGER,
			clear       INTEGER NOT NULL,
			clear_since INTEGER,
			unknown     INTEGER,
			UNIQUE (incident, check_name, target, source)
		) STRICT`,
		`CREATE TABLE findings (
			member  INTEGER NOT NULL PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
			content TEXT    NOT NULL CHECK (json_valid(content))
		) STRICT`,
		`INSERT INTO members (incident, check_name, target, source, position, seen, first, last, clear, clear_since, unknown)
			SELECT incident, check_name, target, source, position, last, first, last, clear, clear_since, unknown FROM members_before ORDER BY incident, position`,
		"INSERT INTO findings SELECT m.id, b.finding FROM members m JOIN members_before b USING (incident, check_name, target, source)",
		"DROP TABLE members_before",
	}},
	{"notices were kept after they were told", "EXISTS (SELECT 1 FROM pragma_table_info('outbox') WHERE name = 'notification' AND \"notnull\")", []string{
		"ALTER TABLE outbox RENAME TO outbox_before",
		`CREATE TABLE outbox (
			id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
			incident     INTEGER REFERENCES incidents (id) ON DELETE CASCADE,
			channel      TEXT    NOT NULL,
			notice       TEXT    NOT NULL,
			kind         TEXT    NOT NULL,
			state        TEXT    NOT NULL CHECK (state IN ('queued', 'sent', 'refused')),
			queued       INTEGER NOT NULL,
			next         INTEGER NOT NULL,
			tries        INTEGER NOT NULL,
			done         INTEGER,
			why          TEXT    NOT NULL,
			notification TEXT    CHECK (iif(state = 'queued', coalesce(json_valid(notification), 0), notification IS NULL)),
			UNIQUE (channel, notice)
		) STRICT`,
		`INSERT INTO outbox (id, incident, channel, notice, kind, state, queued, next, tries, done, why, notification)
			SELECT id, incident, channel, notice, kind, state, queued, next, tries, done, why, iif(state = 'queued', notification, NULL) FROM outbox_before`,
		"DROP TABLE outbox_before",
		"CREATE INDEX outbox_queued ON outbox (channel, incident, id) WHERE state = 'queued'",
		"CREATE INDEX outbox_by_incident ON outbox (incident, id)",
		"CREATE INDEX outbox_by_state ON outbox (channel, state, done)",
	}},
	{"transitions had no index by target", hasTable("transitions") + " AND NOT " + hasIndex("transitions_by_target"), []string{
		"CREATE INDEX transitions_by_target ON transitions (target, at)",
	}},
	{"removals that were asked for had no table", hasColumn("incidents", "turns") + " AND NOT " + hasTable("requests"), []string{
		`CREATE TABLE requests (
			id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
			incident  INTEGER NOT NULL,
			list      TEXT    NOT NULL,
			by        TEXT    NOT NULL,
			ref       TEXT    NOT NULL,
			note      TEXT    NOT NULL,
			at        INTEGER NOT NULL,
			promised  INTEGER NOT NULL,
			cool_down INTEGER NOT NULL
		) STRICT`,
		"CREATE INDEX requests_by_incident ON requests (incident, at)",
	}},
	{"lines of logs were counted in another way", hasTable("logs") + " AND NOT " + hasColumn("logs", "mail"), []string{
		"ALTER TABLE logs ADD COLUMN mail INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE logs ADD COLUMN told INTEGER NOT NULL DEFAULT 0",
	}},
	{"recorded readings had no index", hasTable("readings") + " AND NOT " + hasIndex("readings_recorded"), []string{
		"CREATE INDEX readings_recorded ON readings (source, target) WHERE how = 'recorded'",
	}},
}

// mend puts right what migrations left otherwise before they were edited.
func (db *DB) mend(ctx context.Context) error {
	for _, m := range mends {
		var needed bool
		if err := db.write.QueryRowContext(ctx, "SELECT "+m.needed).Scan(&needed); err != nil || !needed {
			if err != nil {
				return err
			}
			continue
		}
		err := db.update(ctx, "mend the schema", func(tx *sql.Tx) error {
			// Another process may have been first.
			if err := tx.QueryRowContext(ctx, "SELECT "+m.needed).Scan(&needed); err != nil || !needed {
				return err
			}
			for _, step := range m.steps {
				if _, err := tx.ExecContext(ctx, step); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if needed {
			db.log.LogAttrs(ctx, slog.LevelInfo, "schema mended", slog.String("what", m.what))
		}
	}
	return nil
}
