package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/checks/bounce"
)

// What belongs to some targets alone, for whoever must not learn of any other.

// PartOf are incidents as [DB.Incidents] reads them, of each of which only those members are there
// whose target is wanted, and none of which none is. Pool is the pool that the target had when the
// finding was made; it is read only where it is asked for. What incidents say of themselves (title, note,
// severity, impact) is about all of their members all the same.
func (db *DB) PartOf(ctx context.Context, f IncidentFilter, wanted func(target string, pool func() string) bool) (all []alerts.Incident, err error) {
	err = db.view(ctx, "read incidents", func(tx *sql.Tx) error {
		where, args := f.where()
		bare, err := bareIncidents(ctx, tx, where, args...)
		if err != nil || len(bare) == 0 {
			return err
		}
		at, ids := make(map[int64]int, len(bare)), make([]int64, 0, len(bare))
		for n, i := range bare {
			at[i.ID], ids = n, append(ids, i.ID)
		}
		doc, err := document(ids)
		if err != nil {
			return err
		}
		if err := each(ctx, tx, func(r *sql.Rows) error { return scanPart(r, bare, at, wanted) }, selectMembers+" ORDER BY m.incident, m.position", doc); err != nil {
			return err
		}
		for _, i := range bare {
			if len(i.Members) > 0 {
				all = append(all, i)
			}
		}
		return nil
	})
	return all, err
}

// scanPart reads a row of selectMembers. What is not wanted is not decoded: there may be 65,536.
func scanPart(r *sql.Rows, bare []alerts.Incident, at map[int64]int, wanted func(string, func() string) bool) error {
	var id int64
	var m placed
	var text string
	var proved []int64
	f := &m.Finding
	err := r.Scan(&id, &m.position, &f.Key.Check, &f.Key.Target, &f.Key.Source, &text, stamp{&f.At}, value{&proved},
		stamp{&m.First}, stamp{&m.Last}, &m.Clear, stamp{&m.ClearSince}, stamp{&m.Unknown}, stamp{&m.Turned})
	if err != nil {
		return err
	}
	var content storedFinding
	var decoded bool
	decode := func() {
		if !decoded {
			decoded, err = true, json.Unmarshal([]byte(text), &content)
		}
	}
	if !wanted(f.Key.Target, func() string { decode(); return content.Target.Pool }) {
		return err
	}
	if decode(); err != nil {
		return err
	}
	content.fill(f, proved)
	bare[at[id]].Members = append(bare[at[id]].Members, m.Member)
	return nil
}

// RefusedOf is what some targets were refused by one receiver within a time.
type RefusedOf struct {
	Domain, Vendor    string
	Refused, Deferred int // for reputation
	First, Last       time.Time
}

const (
	selectRefusedOf = `SELECT b.domain, b.vendor, sum(b.action = '` + string(bounce.Failed) + `'), sum(b.action <> '` + string(bounce.Failed) + `'), min(b.first), max(b.at)
		FROM json_each(?1) t CROSS JOIN bounces b ON b.target = t.value AND b.at >= ?2 AND b.at < ?3 WHERE b.counted GROUP BY b.domain, b.vendor ORDER BY 3 DESC, 4 DESC, 1, 2`
	selectDeliveredOf = `SELECT coalesce(sum(delivered), 0) FROM json_each(?1) t CROSS JOIN traffic f ON f.target = t.value AND f.domain = '` + everywhere + `' AND f.hour >= ?2 AND f.hour < ?3`
)

// ImpactOf is what the mail of some targets (by Target.ID) met from one time until another, and nothing
// of any other target. Refusals are looked for from an earlier time on: they come before the trouble is seen. Counted
// says that deliveries are read from logs.
func (db *DB) ImpactOf(ctx context.Context, targets []string, refused, from, until time.Time, counted bool) (impact checks.Impact, err error) {
	doc, err := document(append([]string{}, targets...)) // nil would be "null"
	if err != nil {
		return impact, err
	}
	impact.Since = from
	err = db.view(ctx, "read what targets cost", func(tx *sql.Tx) error {
		if err := each(ctx, tx, func(r *sql.Rows) error {
			x := checks.ReceiverImpact{Refused: checks.Count{Counted: true}, Deferred: checks.Count{Counted: true}}
			err := r.Scan(&x.Receiver, &x.Vendor, &x.Refused.N, &x.Deferred.N, stamp{&x.First}, stamp{&x.Last})
			impact.Receivers = append(impact.Receivers, x)
			return err
		}, selectRefusedOf, doc, refused.UnixMicro(), until.UnixMicro()); err != nil || !counted {
			return err
		}
		impact.Delivered.Counted = true
		return tx.QueryRowContext(ctx, selectDeliveredOf, doc, hourOf(from.UnixMicro()), hourOf(until.UnixMicro())+1).Scan(&impact.Delivered.N)
	})
	return impact, err
}

const (
	selectRefusing = "SELECT DISTINCT target FROM bounces INDEXED BY bounces_counted WHERE counted AND at >= ?"
	selectFlowsOf  = `SELECT b.at / ?1 AS step, iif(b.vendor = '', b.domain, b.vendor) AS name, sum(b.action = '` + string(bounce.Failed) + `'), sum(b.action <> '` + string(bounce.Failed) + `')
		FROM json_each(?3) t CROSS JOIN bounces b ON b.target = t.value AND b.at >= ?2 WHERE b.counted GROUP BY step, name ORDER BY step, name`
)

// FlowsOf are refusals and deferrals as [DB.Flows] has them, of the targets that are wanted and
// no other, without what was delivered.
func (db *DB) FlowsOf(ctx context.Context, since time.Time, step time.Duration, wanted func(target string) bool) (all []Flow, err error) {
	micro := max(step, time.Minute).Microseconds()
	err = db.view(ctx, "read flows", func(tx *sql.Tx) error {
		targets := []string{}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var t string
			err := r.Scan(&t)
			if err == nil && wanted(t) {
				targets = append(targets, t)
			}
			return err
		}, selectRefusing, since.UnixMicro()); err != nil {
			return err
		}
		doc, err := document(targets)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var f Flow
			var at int64
			err := r.Scan(&at, &f.Name, &f.Refused, &f.Deferred)
			f.At = time.UnixMicro(at * micro).UTC()
			all = append(all, f)
			return err
		}, selectFlowsOf, micro, since.UnixMicro(), doc)
	})
	return all, err
}
