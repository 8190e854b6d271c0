package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"reputed/checks/bounce"
)

// Flow is how many messages were refused or deferred for reputation within one step of time.
type Flow struct {
	At       time.Time // beginning of the step
	Name     string    // vendor that refused, else the receiving domain
	Refused  int
	Deferred int
	// Delivered is what all receivers together took, in steps with an empty Name that come
	// after the others; such a step has nothing else.
	Delivered int
}

// FlowFilter says which flows to read.
type FlowFilter struct {
	Since    time.Time     // the first step begins then
	Step     time.Duration // at least a minute
	Incident int64         // laid at a target of this incident; 0: any
	Target   string        // laid at this target; empty: any
	Vendor   string        // of this vendor or receiver; empty: any
}

// manyTargets is from how many targets on all refusals of a time are gone through for them.
const manyTargets = 50

const (
	flowSums = "sum(action = '" + string(bounce.Failed) + "'), sum(action <> '" + string(bounce.Failed) + "')"
	// Steps are numbered from ?2 on, each ?1 microseconds long.
	selectFlows = "SELECT (at - ?2) / ?1 AS step, iif(vendor = '', domain, vendor) AS name, " + flowSums + " FROM "
	byFlow      = " GROUP BY step, name ORDER BY step, name"
	// In the order of the key: they are put together as they come, which a sort here would take longer for.
	selectFlowSums = `SELECT (step * ?3 * 3600000000 - ?2) / ?1, name, refused, deferred FROM flows
		WHERE hours = ?3 AND step >= ?2 / (?3 * 3600000000) AND refused + deferred > 0 ORDER BY hours, step, name`
	// Deliveries are counted by the hour: those of the hour in which the first step begins are its.
	selectTaken = `SELECT (max(hour * 3600000000, ?2) - ?2) / ?1 AS step, sum(delivered) FROM traffic WHERE domain = '*' AND hour >= ?2 / 3600000000 AND `
)

// Flows are refusals and deferrals that count, step by step and by who refused; of an incident
// or a target also what was delivered, if logs are read.
//
// Those of anybody come from sums that are kept, where the steps are whole hours or days of UTC: they
// have what retention has deleted since, and cost the same with any number of refusals.
func (db *DB) Flows(ctx context.Context, f FlowFilter) (all []Flow, err error) {
	step := max(f.Step, time.Minute)
	at := map[string]int{} // where in all the flows of the latest step are
	latest, name := int64(-1), sql.RawBytes(nil)
	scan := func(r *sql.Rows) error {
		var n, refused, deferred any // see number
		if err := r.Scan(&n, &name, &refused, &deferred); err != nil {
			return err
		}
		if n := number(n); n != latest {
			clear(at)
			latest = n
		}
		i, ok := at[string(name)]
		if !ok {
			i = len(all)
			all = append(all, Flow{At: f.Since.Add(time.Duration(latest) * step).UTC(), Name: string(name)})
			at[all[i].Name] = i
		}
		all[i].Refused, all[i].Deferred = all[i].Refused+int(number(refused)), all[i].Deferred+int(number(deferred))
		return nil
	}
	err = db.view(ctx, "read flows", func(tx *sql.Tx) error {
		query, args, about, err := f.query(ctx, tx, step)
		if err != nil {
			return err
		}
		if err := each(ctx, tx, scan, query, args...); err != nil || about == "" {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			var x Flow
			var n int64
			err := r.Scan(&n, &x.Delivered)
			x.At = f.Since.Add(time.Duration(n) * step).UTC()
			all = append(all, x)
			return err
		}, selectTaken+about+" GROUP BY step ORDER BY step", args...)
	})
	return all, err
}

// query is how to read what is asked for. About is the condition on targets, if it is about some.
func (f FlowFilter) query(ctx context.Context, q querier, step time.Duration) (query string, args []any, about string, err error) {
	args = []any{step.Microseconds(), f.Since.UnixMicro()}
	from, also := "bounces", ""
	switch {
	case f.Incident != 0:
		about, args = "target IN (SELECT target FROM members WHERE incident = ?3)", append(args, f.Incident)
		// A network is looked for row by row in what lies in the index, not target by target.
		var members int
		if err := q.QueryRowContext(ctx, "SELECT count(*) FROM members WHERE incident = ?", f.Incident).Scan(&members); err != nil {
			return "", nil, "", err
		}
		if members > manyTargets {
			from = "bounces INDEXED BY bounces_counted"
		}
		also = about
	case f.Target != "":
		about, args = "target = ?3", append(args, f.Target)
		also = about
	case f.Vendor != "":
		from = "bounces INDEXED BY bounces_counted" // one who refuses much is not looked for row by row
		also, args = "(vendor = ?3 OR domain = ?3)", append(args, f.Vendor)
	default:
		for _, hours := range []int64{24, 1} {
			if sum := time.Duration(hours) * time.Hour; step%sum == 0 && f.Since.UnixMicro()%sum.Microseconds() == 0 {
				return selectFlowSums, append(args, hours), "", nil
			}
		}
	}
	where := []string{"counted", "at >= ?2"}
	if also != "" {
		where = append(where, also)
	}
	return selectFlows + from + " WHERE " + strings.Join(where, " AND ") + byFlow, args, about, nil
}
