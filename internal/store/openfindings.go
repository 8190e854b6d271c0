package store

import (
	"context"
	"database/sql"

	"reputed/alerts"
	"reputed/checks"
)

// FindingFilter says which findings to read; the zero filter is all.
type FindingFilter struct {
	Target string // Target.ID; empty: any
	Source string // id of a list, or who refused; empty: any
	// After and Incident are the key and the incident of the last finding that was read before; zero: from the first.
	After    checks.Key
	Incident int64
	Limit    int
}

// OpenFinding is what is a problem now: a member of an incident that is not resolved.
type OpenFinding struct {
	Incident int64
	alerts.Member
}

// The order is made of keys alone; what was found is read of those that are wanted.
const selectOpenFindings = "SELECT " + memberColumns + `
	FROM (SELECT m.id FROM incidents i INDEXED BY incidents_unresolved CROSS JOIN members m ON m.incident = i.id
		WHERE i.state <> 'resolved' AND NOT m.clear AND (?1 = '' OR m.target = ?1) AND (?2 = '' OR m.source = ?2) AND (m.check_name, m.target, m.source, m.incident) > (?3, ?4, ?5, ?6)
		ORDER BY m.check_name, m.target, m.source, m.incident LIMIT ?7) k
	CROSS JOIN members m ON m.id = k.id JOIN findings f ON f.member = m.id ORDER BY m.check_name, m.target, m.source, m.incident`

// OpenFindings are findings of incidents that are not resolved, but those that are clear, in the order of their
// keys, then of their incidents.
func (db *DB) OpenFindings(ctx context.Context, f FindingFilter) (all []OpenFinding, err error) {
	err = db.view(ctx, "read findings", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var id int64
			var m placed
			err := scanMember(r, &id, &m, nil, nil)
			all = append(all, OpenFinding{id, m.Member})
			return err
		}, selectOpenFindings, f.Target, f.Source, f.After.Check, f.After.Target, f.After.Source, f.Incident, limit(f.Limit))
	})
	return all, err
}
