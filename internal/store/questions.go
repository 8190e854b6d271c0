package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"reputed/checks"
)

// TransitionFilter says which changes of what is known to read; the zero filter is all.
type TransitionFilter struct {
	Check  string // empty: of every check
	Target string // Target.ID; empty: of all
	Source string // a list's id or who refused; empty: of all
	Limit  int    // the newest so many; 0: 10,000
}

// mostTransitions is the default of TransitionFilter.Limit.
const mostTransitions = 10_000

// Each condition stands by itself, so that the index of what is given is used.
const selectHistory = "SELECT check_name, target, source, at, before, status, code, severity, summary, '{}', '[]' FROM transitions WHERE "

// History are changes of what is known, oldest first, without facts and evidence, and whether there are more
// of them than the limit. All changes of a pair are needed to say how long it was
// listed, so that none is left out for its age.
func (db *DB) History(ctx context.Context, f TransitionFilter) (all []Transition, more bool, err error) {
	where, args := historyWhere(f)
	most := cmp.Or(f.Limit, mostTransitions)
	err = db.view(ctx, "read the history", func(tx *sql.Tx) error {
		err := each(ctx, tx, func(r *sql.Rows) error {
			t, err := scanTransition(r)
			all = append(all, t)
			return err
		}, selectHistory+where+" ORDER BY id DESC LIMIT ?", append(args, most+1)...)
		return err
	})
	if more = len(all) > most; more {
		all = all[:most]
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b Transition) int { return a.At.Compare(b.At) })
	return all, more, err
}

func historyWhere(f TransitionFilter) (where string, args []any) {
	where = "TRUE"
	for _, c := range []struct{ column, value string }{{"target", f.Target}, {"check_name", f.Check}, {"source", f.Source}} {
		if c.value != "" {
			where += " AND " + c.column + " = ?"
			args = append(args, c.value)
		}
	}
	return where, args
}

// Question is all that is known of one question: what it is now, how it came to be, and
// the latest answer of a list that a refusal named.
type Question struct {
	Status      checks.Status // empty: it was never a problem, so that nothing is stored of it
	Code        checks.Code
	Severity    checks.Severity
	Since, Seen time.Time
	Unknown     time.Time    // since when there has been no answer; zero: there is one
	Transitions []Transition // oldest first, with facts and evidence
	Incidents   []int64      // that it is or was a member of, latest first
	// Answer is the latest answer of the list, in any round, since a refusal named it; nil if none did.
	Answer *NamedAnswer
}

// NamedAnswer is the latest that a list answered about a target since a refusal named it.
type NamedAnswer struct {
	At       time.Time
	Status   checks.Status
	Summary  string
	Evidence []checks.Evidence
}

// Question reads all that is known of one question. A pair of which nothing is stored was
// never a problem: whether it was ever asked only the counts of the runs say.
func (db *DB) Question(ctx context.Context, key checks.Key) (q Question, err error) {
	err = db.view(ctx, "read a question", func(tx *sql.Tx) error {
		args := []any{key.Check, key.Target, key.Source}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			return r.Scan(&q.Status, &q.Code, &q.Severity, stamp{&q.Since}, stamp{&q.Seen}, stamp{&q.Unknown})
		}, "SELECT status, code, severity, since, seen, unknown FROM states WHERE check_name = ? AND target = ? AND source = ?", args...); err != nil {
			return err
		}
		if q.Transitions, err = transitions(ctx, tx, "check_name = ? AND target = ? AND source = ?", args...); err != nil {
			return err
		}
		if err := each(ctx, tx, func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			q.Incidents = append(q.Incidents, id)
			return err
		}, selectIncidentsOf, args...); err != nil {
			return err
		}
		return each(ctx, tx, func(r *sql.Rows) error {
			q.Answer = &NamedAnswer{}
			var proof []evidence
			err := r.Scan(stamp{&q.Answer.At}, &q.Answer.Status, &q.Answer.Summary, value{&proof})
			q.Answer.Evidence = readEvidence(proof)
			return err
		}, "SELECT at, status, summary, content FROM answers WHERE target = ? AND source = ?", key.Target, key.Source)
	})
	return q, err
}

// Of the many members, those of one question are found incident by incident.
const selectIncidentsOf = `SELECT i.id FROM incidents i CROSS JOIN members m ON m.incident = i.id AND m.check_name = ? AND m.target = ? AND m.source = ? ORDER BY i.id DESC`

// Targets are the targets of which anything was ever a problem, by name, up to max of those that
// begin with prefix: for completion.
func (db *DB) Targets(ctx context.Context, prefix string, max int) (all []string, err error) {
	err = db.view(ctx, "read targets", func(tx *sql.Tx) error {
		return each(ctx, tx, func(r *sql.Rows) error {
			var t string
			err := r.Scan(&t)
			all = append(all, t)
			return err
		}, selectTargets, prefix, max)
	})
	return all, err
}

// A range, not a pattern: it is found by the index, and a prefix may hold any letter.
const selectTargets = "SELECT DISTINCT target FROM transitions WHERE target >= ?1 AND target < ?1 || char(1114111) ORDER BY target LIMIT ?2"
