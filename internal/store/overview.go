package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
)

// Standing is a question whose last known answer is a problem.
type Standing struct {
	Key      checks.Key
	Code     checks.Code
	Severity checks.Severity
	Since    time.Time // since when it has been so
	Seen     time.Time // when it was last seen
	Unknown  time.Time // since when there has been no answer; zero: there is one
}

// StandingFilter says which standings to read. The zero filter is all.
type StandingFilter struct {
	Target string // Target.ID
	Source string // id of a list, or who refuses
}

// Standings are all questions whose last known answer is a problem, by key.
func (db *DB) Standings(ctx context.Context, f StandingFilter) (all []Standing, err error) {
	where, args := "status = 'problem'", []any{}
	if f.Target != "" {
		where, args = where+" AND target = ?", append(args, f.Target)
	}
	if f.Source != "" {
		where, args = where+" AND source = ?", append(args, f.Source)
	}
	err = db.view(ctx, "read what stands", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var s Standing
			err := r.Scan(&s.Key.Check, &s.Key.Target, &s.Key.Source, &s.Code, &s.Severity, stamp{&s.Since}, stamp{&s.Seen}, stamp{&s.Unknown})
			all = append(all, s)
			return err
		}, "SELECT check_name, target, source, code, severity, since, seen, unknown FROM states WHERE "+where+" ORDER BY check_name, target, source", args...)
	})
	return all, err
}

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
	Since    time.Time
	Step     time.Duration // steps begin at multiples of it since 1970
	Incident int64         // laid at a target of this incident; 0: any
	Target   string        // laid at this target; empty: any
	Vendor   string        // of this vendor or receiver; empty: any
}

// manyTargets is from how many targets on all refusals of a time are gone through for them.
const manyTargets = 50

// Flows are refusals and deferrals that count, step by step and by who refused; of an incident
// or a target also what was delivered, if logs are read.
func (db *DB) Flows(ctx context.Context, f FlowFilter) (all []Flow, err error) {
	step := max(f.Step, time.Minute).Microseconds()
	where, args := []string{"counted", "at >= ?2"}, []any{step, f.Since.UnixMicro()}
	targets := ""
	switch {
	case f.Incident != 0:
		targets, args = "target IN (SELECT target FROM members WHERE incident = ?3)", append(args, f.Incident)
	case f.Target != "":
		targets, args = "target = ?3", append(args, f.Target)
	case f.Vendor != "":
		where, args = append(where, "(vendor = ?3 OR domain = ?3)"), append(args, f.Vendor)
	}
	if targets != "" {
		where = append(where, targets)
	}
	err = db.view(ctx, "read flows", func(tx *sql.Tx) error {
		from := "bounces"
		if f.Incident != 0 {
			// A network is looked for row by row in what lies in the index, not target by target.
			var members int
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM members WHERE incident = ?", f.Incident).Scan(&members); err != nil {
				return err
			}
			if members > manyTargets {
				from = "bounces INDEXED BY bounces_counted"
			}
		}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var f Flow
			var at int64
			err := r.Scan(&at, &f.Name, &f.Refused, &f.Deferred)
			f.At = time.UnixMicro(at * step).UTC()
			all = append(all, f)
			return err
		}, `SELECT at / ?1 AS step, iif(vendor = '', domain, vendor) AS name, sum(action = '`+string(bounce.Failed)+`'), sum(action <> '`+string(bounce.Failed)+`')
			FROM `+from+` WHERE `+strings.Join(where, " AND ")+" GROUP BY step, name ORDER BY step, name", args...); err != nil || targets == "" {
			return err
		}
		args[1] = hourOf(f.Since.UnixMicro())
		return each(ctx, tx, func(r *sql.Rows) error {
			var f Flow
			var at int64
			err := r.Scan(&at, &f.Delivered)
			f.At = time.UnixMicro(at * step).UTC()
			all = append(all, f)
			return err
		}, "SELECT hour * 3600000000 / ?1 AS step, sum(delivered) FROM traffic WHERE domain = '*' AND hour >= ?2 AND "+targets+" GROUP BY step ORDER BY step", args...)
	})
	return all, err
}

// Turn is what one list began or ceased to say within one step of time, about however many targets.
type Turn struct {
	At      time.Time // of the first
	Source  string    // id of the list
	Problem bool      // it began; false: it ceased
	Targets int
	Target  string // one of them
}

const selectTurns = `SELECT min(at), source, status = 'problem' AS bad, count(*), min(target) FROM transitions INDEXED BY transitions_by_time
	WHERE at >= ?1 AND check_name = '` + checkLists + `' AND (before = 'problem') <> (status = 'problem') GROUP BY at / ?2, source, bad ORDER BY 1, 2`

// Turns are the changes of what lists say since a time, put together by list and step, in order.
func (db *DB) Turns(ctx context.Context, since time.Time, step time.Duration) (all []Turn, err error) {
	err = db.view(ctx, "read turns", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var t Turn
			err := r.Scan(stamp{&t.At}, &t.Source, &t.Problem, &t.Targets, &t.Target)
			all = append(all, t)
			return err
		}, selectTurns, since.UnixMicro(), max(step, time.Minute).Microseconds())
	})
	return all, err
}

// ChangeFilter says which transitions to read. The zero filter is the latest 100.
type ChangeFilter struct {
	Target string // Target.ID; empty: any
	Source string // id of a list, or who refuses; empty: any
	Check  string // empty: any
	Since  time.Time
	Before int64 // only those with a lower ID: where the last answer stopped; 0: from the latest on
	Limit  int   // 0: 100; -1: no limit
}

// NumberedTransition is a transition with the number by which reading goes on.
type NumberedTransition struct {
	ID int64
	Transition
}

// Changes are transitions, latest first.
func (db *DB) Changes(ctx context.Context, f ChangeFilter) (all []NumberedTransition, err error) {
	where, args := []string{"TRUE"}, []any{}
	and := func(condition string, arg any) { where, args = append(where, condition), append(args, arg) }
	if f.Target != "" {
		and("target = ?", f.Target)
	}
	if f.Source != "" {
		and("source = ?", f.Source)
	}
	if f.Check != "" {
		and("check_name = ?", f.Check)
	}
	if !f.Since.IsZero() {
		and("at >= ?", f.Since.UnixMicro())
	}
	if f.Before > 0 {
		and("id < ?", f.Before)
	}
	err = db.view(ctx, "read changes", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var t NumberedTransition
			var proof []evidence
			err := r.Scan(&t.ID, &t.Key.Check, &t.Key.Target, &t.Key.Source, stamp{&t.At}, &t.Before, &t.Status, &t.Code, &t.Severity, &t.Summary, value{&t.Facts}, value{&proof})
			t.Evidence = readEvidence(proof)
			all = append(all, t)
			return err
		}, "SELECT id, check_name, target, source, at, before, status, code, severity, summary, facts, evidence FROM transitions WHERE "+
			strings.Join(where, " AND ")+" ORDER BY id DESC LIMIT ?", append(args, limit(f.Limit))...)
	})
	return all, err
}
