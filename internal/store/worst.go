package store

import (
	"context"
	"database/sql"

	"reputed/alerts"
)

// Shortened is an incident with its worst members only.
type Shortened struct {
	alerts.Incident
	Open int // members that are not clear, whether they are there or not
}

// selectWorst is selectMembers for the worst so many of each incident; a member's position is its
// place among those of its incident, the worst first and those that are clear last.
const selectWorst = selectMembers + " WHERE m.position < ?2"

const selectOpen = "SELECT m.incident, count(*) FROM json_each(?) i CROSS JOIN members m ON m.incident = i.value WHERE NOT m.clear GROUP BY m.incident"

// Shortened are incidents as [DB.Incidents] reads them, with the worst so many members of each, or those about one target: an
// incident about a network has 65,536, and nobody who asks how things stand reads them all.
func (db *DB) Shortened(ctx context.Context, f IncidentFilter, worst int) (all []Shortened, err error) {
	err = db.view(ctx, "read incidents", func(tx *sql.Tx) error {
		where, args := f.where()
		read := func() ([]alerts.Incident, error) { return incidentsAbout(ctx, tx, f.Target, where, args...) }
		if f.Target == "" {
			read = func() ([]alerts.Incident, error) {
				bare, err := bareIncidents(ctx, tx, where, args...)
				if err != nil {
					return nil, err
				}
				return bare, readWorst(ctx, tx, bare, worst)
			}
		}
		bare, err := read()
		if err != nil || len(bare) == 0 {
			return err
		}
		at := make(map[int64]int, len(bare))
		var more []int64 // that may have others than are there
		for n, i := range bare {
			all = append(all, Shortened{i, 0})
			for _, m := range i.Members {
				if !m.Clear {
					all[n].Open++
				}
			}
			if len(i.Members) == worst || f.Target != "" {
				at[i.ID] = n
				more = append(more, i.ID)
			}
		}
		if len(more) == 0 {
			return nil
		}
		doc, err := document(more)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var id int64
			var n int
			err := r.Scan(&id, &n)
			all[at[id]].Open = n
			return err
		}, selectOpen, doc)
	})
	return all, err
}

// readWorst fills in the worst so many members of each incident.
func readWorst(ctx context.Context, q querier, all []alerts.Incident, worst int) error {
	return fillMembers(ctx, q, all, func(r *sql.Rows, id *int64, m *placed) error { return scanMember(r, id, m, nil, nil) }, selectWorst, worst)
}
