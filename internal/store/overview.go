package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"reputed/checks"
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

// Turn is what one list began or ceased to say within one step of time, about however many targets.
type Turn struct {
	At      time.Time // of the first
	Source  string    // id of the list
	Problem bool      // it began; false: it ceased
	Targets int
	Target  string // one of them
}

const selectTurns = `SELECT at, source, status = 'problem', target FROM transitions INDEXED BY transitions_by_time
	WHERE at >= ?1 AND check_name = '` + checkLists + `' AND (before = 'problem') <> (status = 'problem') ORDER BY at DESC`

// Turns are the changes of what lists say since a time, put together by list and step, in order: the
// latest so many and perhaps a few more, since steps are read whole. What is older is not even looked at.
func (db *DB) Turns(ctx context.Context, since time.Time, step time.Duration, most int) (all []Turn, err error) {
	type kind struct {
		source  string
		problem bool
	}
	width := max(step, time.Minute).Microseconds()
	at := map[kind]int{} // where in all the turns of the earliest step are
	err = db.view(ctx, "read turns", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectTurns, since.UnixMicro())
		if err != nil {
			return err
		}
		defer rows.Close()
		for earliest := int64(-1); rows.Next(); {
			var micro int64
			var k kind
			var target string
			if err := rows.Scan(&micro, &k.source, &k.problem, &target); err != nil {
				return err
			}
			if micro/width != earliest {
				if len(all) >= most {
					return nil
				}
				clear(at)
				earliest = micro / width
			}
			i, ok := at[k]
			if !ok {
				i, at[k] = len(all), len(all)
				all = append(all, Turn{Source: k.source, Problem: k.problem, Target: target})
			}
			t := &all[i]
			t.At, t.Target = time.UnixMicro(micro).UTC(), min(t.Target, target)
			t.Targets++
		}
		return rows.Err()
	})
	slices.SortFunc(all, func(a, b Turn) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Source, b.Source)) })
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
