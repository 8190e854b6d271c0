package store

import (
	"context"
	"database/sql"

	"reputed/checks"
)

// saveFindings keeps what is known of each question, see [saveFinding].
func saveFindings(ctx context.Context, q querier, all []checks.Finding) error {
	states, err := readStates(ctx, q, all)
	if err != nil {
		return err
	}
	for _, f := range all {
		if err := saveFinding(ctx, q, f, states); err != nil {
			return err
		}
	}
	return nil
}

// state is what is known of one question.
type state struct {
	status   checks.Status
	code     checks.Code
	severity checks.Severity
}

// selectStates takes the keys of questions as a JSON array.
const selectStates = `SELECT check_name, target, source, status, code, severity FROM json_each(?) k
	CROSS JOIN states ON check_name = k.value ->> 'Check' AND target = k.value ->> 'Target' AND source = k.value ->> 'Source'`

// readStates reads what is known of the questions of these findings. One by one would be
// a statement for each answer of a network.
func readStates(ctx context.Context, q querier, all []checks.Finding) (map[checks.Key]state, error) {
	keys := make([]checks.Key, 0, len(all))
	for _, f := range all {
		keys = append(keys, f.Key)
	}
	doc, err := document(keys)
	if err != nil {
		return nil, err
	}
	states := map[checks.Key]state{}
	err = each(ctx, q, func(r *sql.Rows) error {
		var k checks.Key
		var s state
		err := r.Scan(&k.Check, &k.Target, &k.Source, &s.status, &s.code, &s.severity)
		states[k] = s
		return err
	}, selectStates, doc)
	return states, err
}

// saveFinding keeps what is known of a question, and writes a transition where
// that changes. An unknown answer is not knowledge: it is noted beside what is
// known and changes nothing. Until a question has once been a problem it has no
// row: its clean and its missing answers are counts of their run. What was over before anybody
// watched is the one that begins as well: why nobody was told of it is kept.
func saveFinding(ctx context.Context, q querier, f checks.Finding, states map[checks.Key]state) error {
	k, at := f.Key, f.At.UnixMicro()
	before, now := states[k], state{f.Status, f.Code, f.Severity}
	switch {
	case before.status == "" && f.Status != checks.Problem && f.Code != checks.CodeOverBefore:
		return nil
	case before.status != "" && f.Code == checks.CodeOverBefore:
		return nil // it is written down, or was a problem since
	case f.Status == checks.Unknown:
		_, err := q.ExecContext(ctx, "UPDATE states SET unknown = coalesce(unknown, ?) WHERE check_name = ? AND target = ? AND source = ?", at, k.Check, k.Target, k.Source)
		return err
	case now == before:
		_, err := q.ExecContext(ctx, "UPDATE states SET seen = ?, unknown = NULL WHERE check_name = ? AND target = ? AND source = ?", at, k.Check, k.Target, k.Source)
		return err
	}
	if _, err := q.ExecContext(ctx, `INSERT OR REPLACE INTO states (check_name, target, source, status, code, severity, since, seen, unknown)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, NULL)`, k.Check, k.Target, k.Source, f.Status, f.Code, f.Severity, at); err != nil {
		return err
	}
	states[k] = now
	facts, err := document(f.Facts)
	if err != nil {
		return err
	}
	evidence, err := document(storedEvidence(f.Evidence))
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `INSERT INTO transitions (check_name, target, source, at, before, status, code, severity, summary, facts, evidence)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, k.Check, k.Target, k.Source, at, before.status, f.Status, f.Code, f.Severity, f.Summary, facts, evidence)
	return err
}
