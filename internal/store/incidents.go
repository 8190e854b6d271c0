package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

const incidentColumns = `id, cause, title, state, severity, impact, opened, changed, last_seen, resolved,
	acked_by, acked_at, silence, note, last_told, reminded, existing, relapses, told, paged, escalated, turns, flapping, ended, said`

// bareIncidents reads incidents without their members.
func bareIncidents(ctx context.Context, q querier, where string, args ...any) (all []alerts.Incident, err error) {
	err = each(ctx, q, func(r *sql.Rows) error {
		var i alerts.Incident
		err := r.Scan(&i.ID, &i.Cause, &i.Title, &i.State, &i.Severity, value{&i.Impact}, stamp{&i.Opened}, stamp{&i.Changed}, stamp{&i.LastSeen}, stamp{&i.Resolved},
			&i.AckedBy, stamp{&i.AckedAt}, value{&i.Silence}, &i.Note, stamp{&i.LastTold}, &i.Reminded, &i.Existing, &i.Relapses,
			value{&i.Told}, stamp{&i.Paged}, stamp{&i.Escalated}, value{&i.Turns}, stamp{&i.Flapping}, stamp{&i.Ended}, stamp{&i.Said})
		all = append(all, i)
		return err
	}, "SELECT "+incidentColumns+" FROM incidents WHERE "+where, args...)
	return all, err
}

// incidents reads incidents with their members, in the order of their ids
// unless where says otherwise.
func incidents(ctx context.Context, q querier, where string, args ...any) ([]alerts.Incident, error) {
	all, err := bareIncidents(ctx, q, where, args...)
	if err != nil {
		return nil, err
	}
	_, err = readMembers(ctx, q, all, nil)
	return all, err
}

// saveIncident writes an incident as it is after a change, and gives it an id if
// it has none. Before is what is stored of it: nil for a new one.
func saveIncident(ctx context.Context, q querier, i *alerts.Incident, before *alerts.Incident) error {
	var docs [4]string
	for n, v := range []any{i.Impact, i.Silence, i.Told, i.Turns} {
		var err error
		if docs[n], err = document(v); err != nil {
			return err
		}
	}
	values := []any{i.Cause, i.Title, i.State, i.Severity, docs[0], micros(i.Opened), micros(i.Changed), micros(i.LastSeen), micros(i.Resolved),
		i.AckedBy, micros(i.AckedAt), docs[1], i.Note, micros(i.LastTold), i.Reminded, i.Existing, i.Relapses,
		docs[2], micros(i.Paged), micros(i.Escalated), docs[3], micros(i.Flapping), micros(i.Ended), micros(i.Said)}
	if before == nil {
		_, columns, _ := strings.Cut(incidentColumns, ", ") // all but the id
		r, err := q.ExecContext(ctx, "INSERT INTO incidents ("+columns+") VALUES (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
		if err != nil {
			return err
		}
		if i.ID, err = r.LastInsertId(); err != nil {
			return err
		}
		return saveMembers(ctx, q, i, nil)
	}
	_, err := q.ExecContext(ctx, `UPDATE incidents SET cause = ?, title = ?, state = ?, severity = ?, impact = ?, opened = ?, changed = ?, last_seen = ?, resolved = ?,
		acked_by = ?, acked_at = ?, silence = ?, note = ?, last_told = ?, reminded = ?, existing = ?, relapses = ?,
		told = ?, paged = ?, escalated = ?, turns = ?, flapping = ?, ended = ?, said = ? WHERE id = ?`, append(values, i.ID)...)
	if err != nil {
		return err
	}
	return saveMembers(ctx, q, i, before.Members)
}

const selectKnown = `SELECT m.check_name, m.target, m.source FROM incidents i CROSS JOIN members m ON m.incident = i.id
		WHERE i.state <> 'resolved' AND m.check_name = ?1
	UNION SELECT check_name, target, source FROM states WHERE check_name = ?1 AND status = 'problem'`

// Known are the keys of check that there is something to know about: members of
// incidents that are not resolved, and what is a problem as far as is known. A
// check asks about these even where the answer is plainly clean.
func (db *DB) Known(ctx context.Context, check string) (map[checks.Key]struct{}, error) {
	known := map[checks.Key]struct{}{}
	err := db.view(ctx, "read what is known", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var k checks.Key
			err := r.Scan(&k.Check, &k.Target, &k.Source)
			known[k] = struct{}{}
			return err
		}, selectKnown, check)
	})
	return known, err
}

// IncidentFilter says which incidents to read. The zero filter is those that
// are not resolved.
type IncidentFilter struct {
	Resolved bool      // also those that are
	Over     bool      // only those that are resolved
	Since    time.Time // only what was opened, changed or resolved then or later; zero: any
	Limit    int       // 0: 100; -1: no limit
	Bare     bool      // without members: for whoever only wants to name them
	Target   string    // only those with a member about it, without their other members; empty: any
}

// Incidents are incidents with their members: what is not resolved first, the
// latest change first.
func (db *DB) Incidents(ctx context.Context, f IncidentFilter) (all []alerts.Incident, err error) {
	where, args := f.where()
	err = db.view(ctx, "read incidents", func(tx *sql.Tx) error {
		read := incidents
		if f.Bare {
			read = bareIncidents
		}
		if f.Target != "" {
			all, err = incidentsAbout(ctx, tx, f.Target, where, args...)
			return err
		}
		all, err = read(ctx, tx, where, args...)
		return err
	})
	return all, err
}

// incidentsAbout reads incidents that have members about a target, and only these.
func incidentsAbout(ctx context.Context, q querier, target, where string, args ...any) ([]alerts.Incident, error) {
	all, err := bareIncidents(ctx, q, where, args...)
	if err != nil {
		return nil, err
	}
	if err := fillMembers(ctx, q, all, func(r *sql.Rows, id *int64, m *placed) error { return scanMember(r, id, m, nil, nil) }, selectMembers+" WHERE m.target = ?2", target); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(i alerts.Incident) bool { return len(i.Members) == 0 }), nil
}

// where is the filter as a condition, with the order.
func (f IncidentFilter) where() (where string, args []any) {
	where, args = "coalesce(changed, opened, 0) >= ?", []any{int64(0)}
	if !f.Since.IsZero() {
		args[0] = f.Since.UnixMicro()
	}
	switch {
	case f.Over:
		where += " AND state = 'resolved'"
	case !f.Resolved:
		where += " AND state <> 'resolved'"
	}
	return where + " ORDER BY state = 'resolved', coalesce(changed, opened) DESC, id DESC LIMIT ?", append(args, limit(f.Limit))
}

// oneIncident reads incident id, or fails with [ErrNoIncident].
func oneIncident(ctx context.Context, q querier, id int64) (alerts.Incident, error) {
	all, err := incidents(ctx, q, "id = ?", id)
	if err != nil {
		return alerts.Incident{}, err
	}
	if len(all) == 0 {
		return alerts.Incident{}, fmt.Errorf("incident %d: %w; \"reputed incident list --all\" shows them", id, ErrNoIncident)
	}
	return all[0], nil
}
