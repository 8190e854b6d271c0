package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"reputed/checks"
)

// selectTargetsKnown are all targets of which anything was ever a problem, selectPools what incidents
// that are not resolved say of the pools of their targets.
const (
	selectTargetsKnown = "SELECT DISTINCT target FROM transitions ORDER BY target"
	selectPools        = `SELECT DISTINCT m.target, json_extract(f.content, '$.target.pool'), json_extract(f.content, '$.target.tags')
		FROM incidents i JOIN members m ON m.incident = i.id JOIN findings f ON f.member = m.id WHERE i.state <> 'resolved' AND json_extract(f.content, '$.target.pool') <> ''`
)

// KnownTargets are the addresses and domains of which anything was ever a problem, in the order of their IDs, with
// pool and tags where an incident that is not resolved says them. Of a target that was always clean nothing is
// stored: this is for showing a database without its configuration.
func (db *DB) KnownTargets(ctx context.Context) (all []checks.Target, err error) {
	err = db.view(ctx, "read targets", func(tx *sql.Tx) error {
		type group struct {
			pool string
			tags []string
		}
		groups := map[string]group{}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var id string
			var tags sql.NullString
			var g group
			if err := r.Scan(&id, &g.pool, &tags); err != nil {
				return err
			}
			if tags.Valid {
				if err := json.Unmarshal([]byte(tags.String), &g.tags); err != nil {
					return err
				}
			}
			groups[id] = g
			return nil
		}, selectPools); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var id string
			if err := r.Scan(&id); err != nil {
				return err
			}
			t, err := checks.ParseID(id)
			if err != nil || t.Kind != checks.KindAddress && t.Kind != checks.KindDomain {
				return nil // lists, receivers and the monitor itself; or written by a version that knew more
			}
			t.Pool, t.Tags = groups[id].pool, groups[id].tags
			all = append(all, t)
			return nil
		}, selectTargetsKnown)
	})
	return all, err
}

// Usage is how much lists were asked in rounds.
type Usage struct {
	Since  time.Time      // when the first of the rounds began; zero: there was none
	Rounds int            // that ended
	Asked  map[string]int // answers about targets, by list: controls and what is asked again come on top
}

// Usage is how much each list was asked in rounds of a check that began since a time. What a round asked that
// was cut off is not known, and not counted.
func (db *DB) Usage(ctx context.Context, check string, since time.Time) (u Usage, err error) {
	u.Asked = map[string]int{}
	err = db.view(ctx, "read rounds", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var began time.Time
			var s Summary
			if err := r.Scan(stamp{&began}, value{&s}); err != nil {
				return err
			}
			if u.Rounds++; u.Since.IsZero() {
				u.Since = began
			}
			for _, l := range s.Lists {
				for _, n := range l.Counts {
					u.Asked[l.List] += n
				}
			}
			return nil
		}, selectUsage, check, since.UnixMicro())
	})
	return u, err
}

// The rounds of a check have rising numbers and times, so that those since a time follow the last before it.
const selectUsage = `SELECT started, summary FROM runs WHERE check_name = ?1 AND state IN ('complete', 'troubled') AND started >= ?2
	AND id > coalesce((SELECT id FROM runs WHERE check_name = ?1 AND started < ?2 ORDER BY id DESC LIMIT 1), -9223372036854775808) ORDER BY id`
