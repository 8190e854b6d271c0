package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// placed is a member as it is stored: with its place among those of its incident.
type placed struct {
	alerts.Member
	position int
}

// What reads members; both take the ids of incidents as a JSON array. CROSS JOIN is
// SQLite's word for "in this order".
const (
	memberColumns = `m.incident, m.position, m.check_name, m.target, m.source, f.content, m.seen, m.proved, m.first, m.last, m.clear, m.clear_since, m.unknown, m.turned`
	selectMembers = "SELECT " + memberColumns + `
		FROM json_each(?) i CROSS JOIN members m ON m.incident = i.value JOIN findings f ON f.member = m.id`
	selectKeys = "SELECT m.incident, m.check_name, m.target, m.source FROM json_each(?) i CROSS JOIN members m ON m.incident = i.value"
)

// readMembers fills in the members of all these incidents with one query. What is
// in known need not be decoded anew, and what it gives is known from then on; nil
// of one that reads only once.
func readMembers(ctx context.Context, q querier, all []alerts.Incident, known findings) (read findings, err error) {
	if known != nil {
		read = make(findings, len(known))
	}
	return read, fillMembers(ctx, q, all, func(r *sql.Rows, id *int64, m *placed) error {
		return scanMember(r, id, m, known, read)
	}, selectMembers)
}

// scanMember reads a row of selectMembers, as readMembers says.
func scanMember(r *sql.Rows, id *int64, m *placed, known, read findings) error {
	var text string
	var proved []int64
	f := &m.Finding
	err := r.Scan(id, &m.position, &f.Key.Check, &f.Key.Target, &f.Key.Source, &text, stamp{&f.At}, value{&proved},
		stamp{&m.First}, stamp{&m.Last}, &m.Clear, stamp{&m.ClearSince}, stamp{&m.Unknown}, stamp{&m.Turned})
	if err != nil {
		return err
	}
	content, ok := known[text]
	if !ok {
		if err := json.Unmarshal([]byte(text), &content); err != nil {
			return err
		}
	}
	if read != nil {
		read[text] = content
	}
	content.fill(f, proved)
	return nil
}

// readKeys fills in the members of these incidents with nothing but the keys of
// their findings.
func readKeys(ctx context.Context, q querier, all []alerts.Incident) error {
	return fillMembers(ctx, q, all, func(r *sql.Rows, id *int64, m *placed) error {
		return r.Scan(id, &m.Finding.Key.Check, &m.Finding.Key.Target, &m.Finding.Key.Source)
	}, selectKeys)
}

// fillMembers hands the ids of the incidents, and args, to query and each row of it to scan.
// The order is made here: a sort in the database would carry every finding along.
func fillMembers(ctx context.Context, q querier, all []alerts.Incident, scan func(*sql.Rows, *int64, *placed) error, query string, args ...any) error {
	if len(all) == 0 {
		return nil
	}
	index, ids := make(map[int64]int, len(all)), make([]int64, 0, len(all))
	for n, i := range all {
		index[i.ID], ids = n, append(ids, i.ID)
	}
	doc, err := document(ids)
	if err != nil {
		return err
	}
	members := make([][]placed, len(all))
	err = each(ctx, q, func(r *sql.Rows) error {
		var id int64
		var m placed
		err := scan(r, &id, &m)
		n := index[id]
		members[n] = append(members[n], m)
		return err
	}, query, append([]any{doc}, args...)...)
	if err != nil {
		return err
	}
	for n := range all {
		slices.SortStableFunc(members[n], func(a, b placed) int { return cmp.Compare(a.position, b.position) })
		all[n].Members = make([]alerts.Member, len(members[n]))
		for k, m := range members[n] {
			all[n].Members[k] = m.Member
		}
	}
	return nil
}

// saveMembers writes what differs from what is stored of an incident's members:
// most findings say the same in each round, and only their times move. Of a
// stored member that was read without its finding ([readKeys]), all is written.
func saveMembers(ctx context.Context, q querier, i *alerts.Incident, stored []alerts.Member) error {
	had := make(map[checks.Key]placed, len(stored))
	for n, m := range stored {
		had[m.Finding.Key] = placed{m, n}
	}
	for n, m := range i.Members {
		old, ok := had[m.Finding.Key]
		delete(had, m.Finding.Key)
		if err := saveMember(ctx, q, i.ID, placed{m, n}, old, ok); err != nil {
			return err
		}
	}
	for key := range had {
		if _, err := q.ExecContext(ctx, "DELETE FROM members WHERE incident = ? AND check_name = ? AND target = ? AND source = ?", i.ID, key.Check, key.Target, key.Source); err != nil {
			return err
		}
	}
	return nil
}

// saveMember writes one member: what moved of old if that is stored, else all.
func saveMember(ctx context.Context, q querier, incident int64, m, old placed, stored bool) error {
	key := m.Finding.Key
	var proved any
	if at := provedAt(m.Finding); at != nil {
		doc, err := document(at)
		if err != nil {
			return err
		}
		proved = doc
	}
	values := []any{m.position, micros(m.Finding.At), proved, micros(m.First), micros(m.Last), m.Clear, micros(m.ClearSince), micros(m.Unknown), micros(m.Turned),
		incident, key.Check, key.Target, key.Source}
	var err error
	switch {
	case !stored:
		_, err = q.ExecContext(ctx, `INSERT INTO members (position, seen, proved, first, last, clear, clear_since, unknown, turned, incident, check_name, target, source)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, values...)
	case !sameTimes(m, old):
		_, err = q.ExecContext(ctx, `UPDATE members SET position = ?, seen = ?, proved = ?, first = ?, last = ?, clear = ?, clear_since = ?, unknown = ?, turned = ?
			WHERE incident = ? AND check_name = ? AND target = ? AND source = ?`, values...)
	}
	if err != nil || stored && sameContent(m.Finding, old.Finding) {
		return err
	}
	doc, err := document(contentOf(m.Finding))
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `INSERT INTO findings (member, content)
		SELECT id, ? FROM members WHERE incident = ? AND check_name = ? AND target = ? AND source = ?
		ON CONFLICT (member) DO UPDATE SET content = excluded.content`, doc, incident, key.Check, key.Target, key.Source)
	return err
}

// sameTimes says whether the row of a member stays as it is.
func sameTimes(a, b placed) bool {
	same := func(a, b time.Time) bool { return micros(a) == micros(b) }
	return a.position == b.position && a.Clear == b.Clear && same(a.First, b.First) && same(a.Last, b.Last) &&
		same(a.ClearSince, b.ClearSince) && same(a.Unknown, b.Unknown) && same(a.Turned, b.Turned) && same(a.Finding.At, b.Finding.At) &&
		slices.Equal(provedAt(a.Finding), provedAt(b.Finding))
}
